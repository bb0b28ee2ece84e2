"""What MLflow itself wrote, against what MLflow itself reads of it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labtop.sources.mlflow.files import MlflowFiles
from labtop.sources.mlflow.sql import MlflowSql
from tests.sources.peers import peer
from tests.sources.reading import read_all
from tests.sources.same_files import fingerprint

pytestmark = pytest.mark.client("mlflow")

_SCRIPT = """
import json, sys, time
import mlflow
from mlflow.tracking import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("digits é")
client = MlflowClient()
with mlflow.start_run(run_name="parent", description="two\\nlines") as parent:
    mlflow.log_params({"lr": 0.1, "opt/name": "adam", "text": "a\\nb\\n" * 50, "empty": "", "sizes": [1, 2]})
    for step in (3, 1, 2, 10, -1):
        mlflow.log_metric("val/loss", step * 0.1, step=step)
    mlflow.log_metric("odd one", float("nan"), step=0)
    mlflow.log_metric("odd one", float("inf"), step=1)
    mlflow.log_metric("odd one", float("-inf"), step=2)
    mlflow.set_tag("team", "vision")
    mlflow.log_text("hello", "notes/a.txt")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metrics({"m": 1.5, "n": -2.5})
    now = int(time.time() * 1000)
    many = [Metric("many", float(n % 7), now + n // 3, n % 50) for n in range(500)]
    client.log_batch(parent.info.run_id, metrics=many)
try:
    with mlflow.start_run(run_name="failed"):
        raise RuntimeError
except RuntimeError:
    pass
live = client.create_run(parent.info.experiment_id, run_name="live")
gone = client.create_run(parent.info.experiment_id, run_name="gone")
client.delete_run(gone.info.run_id)
versions = []
try:
    client.create_registered_model("net")
    version = client.create_model_version("net", "file:///x", parent.info.run_id)
    versions.append(["net", str(version.version), []])
    client.set_registered_model_alias("net", "best", version.version)
    versions[0][2].append("best")
except (AttributeError, mlflow.exceptions.MlflowException):
    pass  # an old client knows no aliases, an older one no registry in files
told = {}
for run in client.search_runs([parent.info.experiment_id], run_view_type=ViewType.ALL):
    run = client.get_run(run.info.run_id)
    info = run.info
    history = {
        key: [(each.step, each.timestamp, repr(each.value)) for each in client.get_metric_history(info.run_id, key)]
        for key in run.data.metrics
    }
    told[info.run_id] = {
        "name": info.run_name, "status": info.status, "stage": info.lifecycle_stage, "start": info.start_time,
        "end": info.end_time, "params": run.data.params, "tags": run.data.tags, "history": history,
        "last": {key: repr(value) for key, value in run.data.metrics.items()},
    }
print("TOLD" + json.dumps([told, versions]))
"""


def _tell(uri: str, folder: Path) -> Any:
    environment = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "PYTHONPATH": ""}
    done = subprocess.run(
        [peer("mlflow"), "-c", _SCRIPT, uri],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.partition("TOLD")[2])


@pytest.mark.parametrize("kind", ["files", "sqlite"])
def test_what_the_client_wrote_is_what_the_client_reads(tmp_path: Path, kind: str) -> None:
    """Every run, param, tag, point and latest value; in a file store and in a database."""
    uri = (tmp_path / "mlruns").as_uri() if kind == "files" else f"sqlite:///{tmp_path / 'mlflow.db'}"
    told, versions = _tell(uri, tmp_path)
    before = fingerprint(tmp_path)
    runs = read_all(MlflowFiles() if kind == "files" else MlflowSql(), tmp_path)
    assert fingerprint(tmp_path) == before
    found = {each.read.record.source.run_id: each for each in runs.values()}
    assert set(found) == set(told)
    assert len(told) == 5
    for run_id, each in told.items():
        whole = found[run_id]
        record = whole.read.record
        assert (record.name, record.project) == (each["name"], "digits é")
        assert record.status.value.upper() == each["status"]
        assert record.life.archived == (each["stage"] == "deleted")
        for moment, milliseconds in ((record.started_at, each["start"]), (record.ended_at, each["end"])):
            assert (moment and round(moment.timestamp() * 1000)) == milliseconds
        assert {
            key: record.source.texts.get(key, str(value)) for key, value in record.params.items()
        } == each["params"]
        assert record.life.notes == each["tags"].get("mlflow.note.content", "")
        parent = each["tags"].get("mlflow.parentRunId")
        assert record.life.parent_id == (parent and f"mlflow:{parent}")
        points = {
            key: sorted(
                (int(step), time // 1000, repr(value))
                for step, time, value in zip(curve.steps, curve.times_us, curve.values, strict=True)
            )
            for key, curve in whole.curves.items()
        }
        # a database keeps an infinity as the largest double, and its client says so
        history = {
            key: sorted((step, time, repr(_bounded(value))) for step, time, value in rows)
            for key, rows in each["history"].items()
        }
        assert points == history
        last = {key: repr(curve.values[-1]) for key, curve in whole.curves.items()}
        assert last == {key: repr(_bounded(value)) for key, value in each["last"].items()}
    parent_run = next(each for each in found.values() if each.read.record.name == "parent")
    assert "team=vision" in parent_run.read.record.life.tags
    models = parent_run.read.record.source.models
    assert [[each.name, each.version, [*each.aliases]] for each in models] == versions
    assert [each.name for each in parent_run.read.record.artifacts] == ["notes/a.txt"]


def _bounded(text: str) -> float:
    value = float(text)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
