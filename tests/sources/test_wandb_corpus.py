"""W&B runs of the corpus: what independent readers found is what labtop shows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import Status
from labtop.sources.wandb import WandbSource
from tests.sources.reading import Whole, corpus, read_all, truth

CORPUS = {
    "gen-wandb-offline-dev": "gen-wandb-offline-dev",
    "wandb-phf-MIT": "wandb-phf-MIT",
    "tensorboard-kwt-Apache2": "tensorboard-kwt-Apache2.wandb",
}


def _same(value: float, told: Any) -> bool:
    told = float(told)
    return value == told or (math.isnan(value) and math.isnan(told))


def _points(whole: Whole) -> dict[str, int]:
    return {name: len(curve) for name, curve in whole.curves.items() if not name.startswith("system/")}


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name: str) -> None:
    """Runs, points, last values, configuration, exit codes and names are those of W&B's own reader."""
    runs = read_all(WandbSource(), corpus(name))
    told = truth(CORPUS[name])["runs"]
    by_id = {whole.read.record.source.run_id: whole for whole in runs.values()}
    assert len(runs) == len(told)
    for each in told:
        whole = by_id[Path(each["file"]).stem.removeprefix("run-")]
        record = whole.read.record
        counts = _points(whole)
        assert sum(counts.values()) == each["n_numeric_points"]
        assert counts == each.get("metric_points", counts)
        for metric, value in each.get("metrics_last", {}).items():
            assert _same(whole.curves[metric].values[-1], value)
        assert record.params == each.get("config", record.params)
        assert record.life.exit_code == each["exit_code"]
        assert record.name == each["run"]["display_name"]
        assert record.project == each["run"]["project"] or not each["run"]["project"]
        assert list(record.life.tags) == each["run"]["tags"]
        assert record.life.notes == each["run"]["notes"]
        assert (record.life.group or "") == each["run"]["group"]


def test_corpus_of_a_cut_file() -> None:
    """A file that ends within a record gives all before, and says so; without an end the run claims to be running."""
    runs = read_all(WandbSource(), corpus("tensorboard-kwt-Apache2"))
    cut = next(each for key, each in runs.items() if "3ojed7lz" in key)
    assert cut.read.record.status is Status.RUNNING
    assert cut.read.record.source.problems == (
        "run-3ojed7lz.wandb: ends within a record (byte 335,628 of 335,635)",
    )
