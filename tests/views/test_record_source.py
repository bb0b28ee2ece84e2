"""What the Run screen says of a run that another tracker wrote."""

from __future__ import annotations

from datetime import UTC, datetime

from labtop.model.run import ModelVersion, RunRecord, Source
from labtop.views.record import NO_METRICS, record_sections
from labtop.views.record_source import missing_output

SOURCE = Source(
    tracker="mlflow",
    uri="/logs/mlruns/1/ab",
    run_id="ab",
    also=("wandb: /logs/wandb/run-1",),
    models=(ModelVersion(name="digits", version="3", stage="Production", aliases=("champion",)),),
    texts={"betas": "(0.9, 0.999)"},
)
RECORD = RunRecord(id="x", name="x", project="p", params={"betas": [0.9, 0.999]}, source=SOURCE)


def test_a_run_tells_where_it_was_read_from_and_what_its_tracker_calls_it() -> None:
    """Tracker, id there, place, other places, registered models, and a param as it was written."""
    sections = {each.title: each for each in record_sections(RECORD, now=datetime(2026, 1, 1, tzinfo=UTC))}
    told = {fact.label: (fact.value, fact.note) for fact in sections["Run"].facts}
    assert told["tracker"] == ("mlflow", "")
    assert told["tracker id"] == ("ab", "")
    assert told["read from"] == ("/logs/mlruns/1/ab", "")
    assert told["also at"] == ("wandb: /logs/wandb/run-1", "")
    assert told["model"] == ("digits 3", "Production, champion")
    assert [each.note for each in sections["Params"].facts] == ["written (0.9, 0.999)"]


def test_what_a_tracker_does_not_record_is_said() -> None:
    """No metric, no output, no packages: each is told in its place, by the name of the tracker."""
    sections = record_sections(RECORD)
    assert sections[1] is NO_METRICS
    pillars = {
        fact.label: fact.note for each in sections if "reproduced" in each.title for fact in each.facts
    }
    assert pillars["environment"] == "MLflow does not record packages"
    assert pillars["code"] == "MLflow recorded no commit"
    assert pillars["configuration"] == "MLflow does not record commands"
    output = missing_output(RECORD)
    assert output is not None
    assert output.note == "MLflow does not record output"
    assert missing_output(RunRecord(id="x", name="x", project="p")) is None
