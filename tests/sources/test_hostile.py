"""Damaged logs of every tracker, and a damaged cache of them: they cost what they damage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labtop.query.catalog import Catalog, TableQuery
from labtop.sources import SOURCES, load_source
from tests.sources.damage import look
from tests.sources.writers import mlflow_sql
from tests.sources.writers.every import SAMPLES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and limits of memory are POSIX")

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 120
_ONLY_TOLD_BY_MORE = (
    "attrs/",
    ".yaml",
    ".git/",
    "monitor.csv",
    "training.log",
    "history.csv",
    ".db",
    ".sqlite",
)
"""Files that, cut to their first bytes or without a header, are nobody's, or whole YAML with less in it."""


def test_every_source_has_a_sample() -> None:
    """A new source is damaged like the others."""
    assert set(SAMPLES) == set(SOURCES)


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_costs_what_it_damages(name: str, tmp_path: Path) -> None:
    """Cut, flipped, replaced by pipes, links, folders and 10 GB of nothing: no exception, no hang, no silent loss."""
    root = tmp_path / "root"
    root.mkdir()
    victim = SAMPLES[name](root)
    job = {"source": name, "root": str(root), "victim": str(victim), "flips": 2, "files": 2}
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.damage"],
        input=json.dumps(job), capture_output=True, text=True, timeout=_LIMIT_S, cwd=_ROOT,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (told[-1:], done.stderr[-2000:])
    assert [each for each in told if each[0] not in ("at", "done") and not _is_no_loss(each, name)] == []
    assert told[-1][0] == "done"


def _is_no_loss(told: list[str], name: str) -> bool:
    """Whether what is left cannot tell that anything is missing; Aim says always that its package is."""
    kind, what, _ = told
    if kind == "sound":
        return name == "aim"
    return kind.startswith("silently") and (
        any(each in what for each in _ONLY_TOLD_BY_MORE) or what.endswith((": cut to 1", ": cut to 7"))
    )


def test_a_database_that_is_cut_short_keeps_its_rows(tmp_path: Path) -> None:
    """What lies before the cut is read, run by run, and each run says that the rest is missing."""
    database = mlflow_sql.Database(tmp_path / "mlflow.db")
    for run in range(3):
        points = [(float(step), 1_700_000_000_000 + step, step) for step in range(2000)]
        database.points(database.run(run), "loss", points)
    size = (tmp_path / "mlflow.db").stat().st_size
    os.truncate(tmp_path / "mlflow.db", size // 2)
    runs, said = look(load_source("mlflow-sql"), tmp_path)
    assert said == []
    assert len(runs) == 3
    assert 1000 < sum(each["points"] for each in runs.values()) < 6000
    assert all(any("cut short" in problem for problem in each["problems"]) for each in runs.values())


def _rows(root: Path, cache: Path) -> list[tuple[Any, ...]]:
    catalog = Catalog(root, cache_root=cache)
    try:
        catalog.refresh()
        selection = catalog.select(TableQuery())
        return sorted(catalog.cells(selection.rows, ("id", "metrics.loss.count")), key=str)
    finally:
        catalog.close()


@pytest.mark.parametrize(
    "damage", ["state cut", "runs gone", "parts flipped", "state nonsense", "record empty"]
)
def test_a_damaged_cache_is_made_again_or_said(damage: str, tmp_path: Path) -> None:
    """Whatever happens to the mirror, the next opening shows the runs."""
    SAMPLES["keras"](tmp_path / "logs")
    first = _rows(tmp_path / "logs", tmp_path / "cache")
    (mirror,) = (tmp_path / "cache" / "mirrors").iterdir()
    state = mirror / ".mirror.json"
    if damage == "state cut":
        state.write_bytes(state.read_bytes()[:-40])
    elif damage == "state nonsense":
        state.write_bytes(b'{"schema": 2, "places": [{"path": "\\ud800"}]}')
    elif damage == "runs gone":
        subprocess.run(["rm", "-r", str(mirror / ".runs")], check=True)
    else:
        pattern = "run.parquet" if damage == "record empty" else "metrics/*.parquet"
        for each in (mirror / ".runs").glob(f"*/{pattern}"):
            each.write_bytes(b"" if damage == "record empty" else b"x" + each.read_bytes()[1:])
    assert [row[0] for row in _rows(tmp_path / "logs", tmp_path / "cache")] == [row[0] for row in first]
