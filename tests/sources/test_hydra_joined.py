"""Hydra's configuration beside tables: one run is one run, wherever the table lies."""

from __future__ import annotations

from pathlib import Path

import pytest

import labtop
from labtop.query.catalog import Catalog
from labtop.sources.composing import compose
from labtop.sources.joining import grouped
from labtop.sources.landed import MEMBERS
from labtop.sources.side_copies import link_output
from labtop.store.reader import read_record

TABLE = "epoch,train_loss,val_acc\n0,{x}.5,0.1\n1,{x}.25,0.2\n"
HYDRA = """hydra:
  sweep:
    dir: multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}
    subdir: ${hydra.job.num}
  mode: MULTIRUN
  job:
    name: fit
    num: 0
    override_dirname: x=1
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def job(folder: Path, x: int) -> Path:
    """What Hydra writes of a job with `x`."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(f"x: {x}\n")
    (folder / ".hydra" / "hydra.yaml").write_text(HYDRA.replace("x=1", f"x={x}"))
    (folder / ".hydra" / "overrides.yaml").write_text(f"- x={x}\n")
    return folder


@pytest.mark.parametrize("name", ["metrics.csv", "training.log", "losses.csv", "log.jsonl"])
def test_table_of_a_job_is_its_run(tmp_path: Path, name: str) -> None:
    """A table in the folder of a job, of whatever program and name, has the configuration and name of the job."""
    for number in (1, 2):
        folder = job(tmp_path / "multirun" / "2026-01-02" / "03-04-05" / str(number), number)
        rows = TABLE.format(x=number)
        if name == "log.jsonl":
            rows = "".join(f'{{"step": {at}, "train_loss": {number}.{at}}}\n' for at in range(2))
        (folder / name).write_text(rows)
    with labtop.open(tmp_path / "multirun") as store:
        runs = store.runs(columns=["name", "x", "train_loss", "group"], sort="name")
    assert [row[:2] for row in runs.rows()] == [("x=1", 1), ("x=2", 2)]
    assert all(row[2] is not None for row in runs.rows())
    assert set(runs["group"]) == {"2026-01-02/03-04-05"}


def test_configuration_of_a_whole_project_is_not_that_of_all_runs_below(tmp_path: Path) -> None:
    """Where a job ran in the project's own folder, older runs in folders below keep to themselves."""
    project = job(tmp_path / "project", 7)
    (project / "metrics.csv").write_text(TABLE.format(x=7))
    (job(project / "outputs" / "2026-01-02" / "03-04-05", 1) / "metrics.csv").write_text(TABLE.format(x=1))
    (project / "old" / "fit").mkdir(parents=True)
    (project / "old" / "fit" / "metrics.csv").write_text(TABLE.format(x=3))
    with labtop.open(project) as store:
        runs = store.runs(columns=["train_loss", "x"], sort="train_loss")
    assert runs.rows() == [(1.25, 1), (3.25, None), (7.25, 7)]


def test_job_log_that_vanishes_while_it_is_read_costs_the_run_nothing(tmp_path: Path) -> None:
    """A run of two trackers is made again although its printed output is gone by now; the log is never copied."""
    folder = job(tmp_path / "outputs" / "2026-01-02" / "03-04-05", 1)
    (folder / "metrics.csv").write_text(TABLE.format(x=1))
    log = folder / "fit.log"
    log.write_text("printed\n")
    catalog = Catalog(tmp_path / "outputs", cache_root=tmp_path / "cache")
    catalog.read_all()
    mirror = catalog.mirror
    assert mirror is not None
    (group,) = grouped(each for known in mirror._places.values() for each in known.runs.values())
    assert group.guests
    shown = mirror.store / group.host.shown
    link_output(mirror.store / group.guests[0].folder, folder, log)
    compose(mirror.store, group, shown)
    assert (shown / "output.log").is_symlink()
    assert (shown / "output.log").read_text() == "printed\n"
    log.unlink()
    compose(mirror.store, group, shown)
    catalog.close()
    assert read_record(shown).params == {"x": 1}
    assert not (shown / "output.log").exists()
    assert not list((mirror.store / MEMBERS).glob("*.tmp*"))
