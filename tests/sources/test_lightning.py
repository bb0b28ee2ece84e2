"""Folders of Lightning's CSVLogger."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labtop.sources import load_source
from labtop.sources.finding import survey
from labtop.sources.source import RunRead, RunRef
from tests.sources.reading import Whole, corpus, places, read_all, truth

SOURCE = load_source("lightning")


def version(
    root: Path, name: str = "version_0", metrics: str | bytes | None = None, hparams: str | None = None
) -> Path:
    """A folder of a version."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if metrics is not None:
        (folder / "metrics.csv").write_bytes(metrics if isinstance(metrics, bytes) else metrics.encode())
    if hparams is not None:
        (folder / "hparams.yaml").write_text(hparams)
    return folder


def read(root: Path) -> dict[str, Whole]:
    """The runs below a folder by their folders."""
    return {key.removesuffix(":."): whole for key, whole in read_all(SOURCE, root).items()}


def one(place: Path, state: bytes | None = None) -> RunRead:
    """What reading a version gives."""
    (ref,) = SOURCE.runs(place)
    (found,) = SOURCE.read(place, [RunRef(ref.key, ref.version, ref.size, state)])
    return found


def test_figures_are_those_of_the_corpus() -> None:
    """Runs, points and last values; versions without metrics are runs; objects of Python cost only themselves."""
    runs, said = read(corpus("lightning-jdg-MIT")), truth("lightning-jdg-MIT")
    assert len(runs) == said["n_dirs"]
    assert sum(each.points for each in runs.values()) == said["n_points"]
    for expected in said["runs"]:
        whole = runs[expected["dir"]]
        for name, value in expected.get("last", {}).items():
            assert whole.curves[name].values[-1] == value
        if "last_step" in expected:
            assert max(curve.steps[-1] for curve in whole.curves.values()) == expected["last_step"]
        if expected["hparams_bytes"] > 3:
            assert "batch_size" in whole.read.record.params
        assert not whole.read.record.source.problems


def test_wide_rows_with_blanks(tmp_path: Path) -> None:
    """A blank is no point, NaN is one; the epoch is told once; nested parameters stay nested."""
    version(
        tmp_path / "proj" / "lightning_logs",
        metrics="epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,nan\n1,19,0.25,\n",
        hparams="lr: 0.001\nmodel:\n  depth: 3\nact: !!python/name:torch.nn.ReLU ''\n",
    )
    (whole,) = read(tmp_path).values()
    record = whole.read.record
    assert (list(whole.curves["train_loss"].steps), list(whole.curves["train_loss"].values)) == (
        [9, 19],
        [0.5, 0.25],
    )
    assert str(whole.curves["val_loss"].values[0]) == "nan"
    assert record.metrics["epoch"].last == 1
    assert (record.params["lr"], record.params["model"]) == (0.001, {"depth": 3})
    assert (record.name, record.project) == ("version_0", "proj")


def test_the_name_of_the_logger_is_the_project(tmp_path: Path) -> None:
    """Which stands above the version where it is not Lightning's own word."""
    version(tmp_path / "logs" / "resnet", metrics="step,a\n0,1\n")
    assert next(iter(read(tmp_path).values())).read.record.project == "resnet"


def test_checkpoints_are_listed(tmp_path: Path) -> None:
    """With the step that their names tell."""
    folder = version(tmp_path, hparams="{}")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "epoch=1-step=20.ckpt").write_bytes(b"pickle")
    (artifact,) = next(iter(read(tmp_path).values())).read.record.artifacts
    assert (artifact.name, artifact.step, artifact.bytes, artifact.kind) == (
        "checkpoints/epoch=1-step=20.ckpt",
        20,
        6,
        "model",
    )


def test_rows_that_come_are_read_on_and_a_new_header_reads_all(tmp_path: Path) -> None:
    """The logger writes the whole file anew when a metric comes late."""
    folder = version(tmp_path, metrics="epoch,step,a\n0,0,1\n")
    first = one(folder)
    version(tmp_path, metrics="epoch,step,a\n0,0,1\n0,1,2\n")
    second = one(folder, first.state)
    assert (second.appended, list(second.curves["a"].steps)) == (True, [1])
    version(tmp_path, metrics="a,b,epoch,step\n1,,0,0\n2,,0,1\n,3,1,2\n")
    third = one(folder, second.state)
    assert (third.appended, list(third.curves["a"].steps), list(third.curves["b"].steps)) == (
        False,
        [0, 1],
        [2],
    )
    assert third.record.metrics["epoch"].last == 1


def test_a_last_row_without_an_end_waits_until_the_file_is_old(tmp_path: Path) -> None:
    """Then it counts, and all is read again should the file go on."""
    folder = version(tmp_path, metrics="step,a\n0,1\n1,0.2")
    fresh = one(folder)
    assert list(fresh.curves["a"].values) == [1]
    os.utime(folder / "metrics.csv", (1e9, 1e9))
    old = one(folder, fresh.state)
    assert (old.appended, list(old.curves["a"].values), old.state) == (True, [0.2], None)


@pytest.mark.parametrize(
    ("metrics", "points", "problem"),
    [
        (b"", 0, "is empty"),
        (b"step,a\n0,1\n1\n2,3,4\n3,4\n", 2, "2 rows of another width"),
        (b"\xef\xbb\xbfstep;a\r\n0;1\r\n", 1, ""),
        (b"step,a\n0,1\n" + bytes(9), 1, "NUL"),
        (b"step,a\xe9\n0,1\n", 1, "Latin-1"),
    ],
)
def test_damage_is_said(tmp_path: Path, metrics: bytes, points: int, problem: str) -> None:
    """And costs what it damages."""
    version(tmp_path, metrics=metrics, hparams="a: [1\n")
    (whole,) = read(tmp_path).values()
    said = whole.read.record.source.problems
    assert whole.points == points
    assert any("hparams.yaml" in each for each in said)
    assert any(problem in each for each in said if "metrics.csv" in each) or not problem


def test_its_table_is_nobody_elses(tmp_path: Path) -> None:
    """A walk finds one run, though others read tables too."""
    version(tmp_path, metrics="epoch,loss,step\n0,1,0\n0,2,1\n", hparams="{}")
    assert [each.source for each in survey(tmp_path).found] == ["lightning"]


def test_other_tables_and_settings_are_not_claimed(tmp_path: Path) -> None:
    """A `metrics.csv` alone, outside of Lightning's folders, may be anybody's."""
    version(tmp_path, "mine", metrics="step,a\n0,1\n")
    version(tmp_path, "other", hparams="lr: 1\n")
    assert places(SOURCE, tmp_path) == []
