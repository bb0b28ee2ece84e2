"""Every kind of real logs through the whole program: found, read, shown and counted as independent readers count."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import labtop
from labtop.model.run import Status
from labtop.sources import SOURCES
from tests.command import labtop as command
from tests.sources.reading import corpus, truth

# folder → runs with deleted ones, points without those of the machine, status words; from its truth
EXPECTED: dict[str, Callable[[], tuple[int, int | None]]] = {
    "mlflow-liver-MIT": lambda: (truth("mlflow-liver-MIT")["n_runs"], 71_910),
    "gen-mlflow-file": lambda: (truth("gen-mlflow-file")["n_runs"], 2_361),
    "gen-neptune-exporter": lambda: _counted("gen-neptune-exporter", "n_runs", "n_points"),
    "gen-sacred": lambda: _counted("gen-sacred", "n_runs", "n_metric_points"),
    "gen-dvclive": lambda: (len(truth("gen-dvclive.gen")["runs"]), None),
    "gen-hydra": lambda: (truth("gen-hydra")["n_runs"], None),
    "hydra-vime-MIT": lambda: (truth("hydra-vime-MIT")["n_runs"], 0),
    "gen-trackio": lambda: (8, None),
    "gen-aim": lambda: (truth("gen-aim-dev")["n_runs"], None),
    "gen-wandb-offline-dev": lambda: _counted("gen-wandb-offline-dev", "n_files", "n_numeric_points"),
    "wandb-phf-MIT": lambda: _counted("wandb-phf-MIT", "n_files", "n_numeric_points"),
    "lightning-jdg-MIT": lambda: _counted("lightning-jdg-MIT", "n_dirs", "n_points"),
    "keras-brats-MIT": lambda: (1, None),
    "tensorboard-kwt-Apache2": lambda: (6, 21_024 + 4_307),
    "hftrainer-loraagnews-MIT": lambda: (5, None),
    "dvc-cr21-MIT": lambda: (0, 0),
}


def _counted(name: str, runs: str, points: str) -> tuple[int, int]:
    found = truth(name)
    return found[runs], found[points]


@pytest.mark.parametrize("name", EXPECTED)
def test_runs_and_points_are_those_of_independent_readers(name: str) -> None:
    """Neither a run nor a point is lost, doubled or made up, and nothing of the source changes."""
    folder = corpus(name)
    runs, points = EXPECTED[name]()
    before = _state(folder)
    with labtop.open(folder) as store:
        assert len(store.runs(archived=True)) == runs
        if points is not None:
            counted = store.sql("SELECT count(*) AS n FROM metrics WHERE NOT starts_with(name, 'system/')")
            assert counted["n"][0] == points
        assert store.problems == ()
    assert _state(folder) == before


def test_mixed_and_nested_logs_are_one_table(tmp_path: Path) -> None:
    """Logs of several trackers below one folder through `ls`: every run of each, in the contract's form."""
    for name in ("gen-sacred", "gen-dvclive", "mlflow-liver-MIT"):
        shutil.copytree(corpus(name), tmp_path / "all" / "deep" / name)
    done = command("ls", tmp_path / "all", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    runs: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert Counter(run["source"]["tracker"] for run in runs) == {"sacred": 6, "dvclive": 6, "mlflow": 5}
    assert all(run["source"]["uri"].startswith(str(tmp_path)) for run in runs)
    assert {run["status"] for run in runs} <= {str(each) for each in Status}


def test_every_source_is_documented() -> None:
    """Each has its section in the page that people read before they point labtop at their logs."""
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8").casefold()
    for name in SOURCES:
        assert name.removesuffix("-sql").replace("-", "").replace(" ", "") in page.replace("-", "").replace(
            " ", ""
        ), name


def _state(folder: Path) -> list[tuple[str, int, int]]:
    files = (each for each in folder.rglob("*") if each.is_file())
    return sorted((str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in files)
