"""MLflow's file store as it was found in the world, against what MLflow's own client reads of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from labtop.sources.mlflow.files import MlflowFiles
from tests.sources.reading import Whole, corpus, read_all, truth

STORES = ("gen-mlflow-file", "mlflow-liver-MIT")


def _runs(name: str) -> tuple[dict[str, Whole], dict[str, Any]]:
    runs = read_all(MlflowFiles(), corpus(name))
    return {each.read.record.source.run_id or "": each for each in runs.values()}, truth(name)


@pytest.mark.parametrize("name", STORES)
def test_runs_and_what_they_are_called_are_those_of_the_client(name: str) -> None:
    """Ids, names, experiments, statuses, start times, and which runs were deleted."""
    runs, told = _runs(name)
    assert set(runs) == {each["run_id"] for each in told["runs"]}
    for each in told["runs"]:
        record = runs[each["run_id"]].read.record
        assert record.name == (each["run_name"] or "")
        assert record.status.value.upper() == each["status"]
        assert record.project == told["experiments"][each["experiment_id"]]["name"]
        assert record.started_at is not None
        assert round(record.started_at.timestamp() * 1000) == each["start_time_ms"]
        assert record.life.archived == (each["lifecycle"] != "active")
        assert record.life.parent_id == (f"mlflow:{each['parent']}" if each["parent"] else None)


@pytest.mark.parametrize("name", STORES)
def test_params_can_be_had_as_the_text_that_the_client_gives(name: str) -> None:
    """A typed value, or the text kept beside it, is what was stored."""
    runs, told = _runs(name)
    for each in told["runs"]:
        record = runs[each["run_id"]].read.record
        texts = {key: record.source.texts.get(key, str(value)) for key, value in record.params.items()}
        assert texts == each["params"]


@pytest.mark.parametrize("name", STORES)
def test_every_metric_ends_in_what_the_client_calls_the_latest(name: str) -> None:
    """Counts of points, last values with NaN and infinities, last steps and times."""
    runs, told = _runs(name)
    for each in told["runs"]:
        curves = runs[each["run_id"]].curves
        assert set(curves) == set(each["metrics_last"])
        for metric, value in each["metrics_last"].items():
            last = curves[metric].values[-1]
            assert last == float(value) or (math.isnan(last) and math.isnan(float(value)))
        for metric, count in each.get("metric_points", {}).items():
            assert len(curves[metric]) == count
        for metric, (step, _, time) in each.get("metric_max_step_point", {}).items():
            assert (curves[metric].steps[-1], curves[metric].times_us[-1]) == (float(step), time * 1000)
