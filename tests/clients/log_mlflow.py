"""MLflow logs runs, as a sweep, a crash, a killed process and a restart leave them, and reads them back.

python -m tests.clients.log_mlflow FOLDER TOLD [files]
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from typing import Any

import mlflow
from mlflow.entities import Metric, ViewType
from mlflow.tracking import MlflowClient

from tests.clients.telling import Told, places, tell


def log_parent(client: MlflowClient) -> str:
    """A run of everything: all kinds of params, odd numbers, odd steps, artifacts; with two children."""
    with mlflow.start_run(run_name="parent é 日本語", description="two\nlines") as parent:
        mlflow.log_params(
            {"lr": 0.1, "opt/name": "adam", "text": "a\nb\n" * 50, "empty": "", "sizes": [1, 2]}
        )
        mlflow.log_params(
            {"on": True, "none": None, "big": 10**40, "e": 1e-05, "long": "x" * 5_000, "z é": "π"}
        )
        mlflow.log_params({"nested": {"a": {"b": 1}, "c": [1, "x"]}, "tuple": (1, 2), "zip": "007"})
        for step in (3, 1, 2, 10, -1, 2**53 - 1):
            mlflow.log_metric("val/loss", step * 0.1, step=step)
        for step, value in enumerate((float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, -0.0)):
            mlflow.log_metric("odd one", value, step=step)
        mlflow.set_tags({"team": "vision", "release candidate": "é ✓"})
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"a": 1}, "config.json")
        now = int(time.time() * 1000)
        many = [Metric("many", (n % 97) / 7, now + n // 3, n % 900) for n in range(1_800)]
        for begin in range(0, len(many), 900):
            client.log_batch(parent.info.run_id, metrics=many[begin : begin + 900])
        for number in range(2):
            with mlflow.start_run(nested=True, run_name=f"child-{number}"):
                mlflow.log_param("lr", 10.0**-number)
                mlflow.log_metrics({"m": 1.5, "deep/er/n": -2.5})
        run_id: str = parent.info.run_id
    with mlflow.start_run(run_id=run_id):  # goes on, with steps that were there
        for step in range(8, 14):
            mlflow.log_metric("val/loss", step * -0.1, step=step)
    client.create_registered_model("net")
    version = client.create_model_version("net", "file:///x", run_id).version
    client.set_registered_model_alias("net", "best", version)
    return run_id


def log_ends(client: MlflowClient, experiment: str) -> None:
    """A run that raised, one that was killed, one that nobody ended, a deleted one, one of another experiment."""
    try:
        with mlflow.start_run(run_name="failed"):
            mlflow.log_metric("loss", 1.0, step=0)
            raise RuntimeError("too big")
    except RuntimeError:
        pass
    subprocess.run([sys.executable, "-m", "tests.clients.log_mlflow", "killed", experiment], check=False)
    client.create_run(experiment, run_name="live")
    with mlflow.start_run(run_name="gone") as gone:
        mlflow.log_metric("loss", 2.0)
    client.delete_run(gone.info.run_id)
    mlflow.set_experiment("second")
    with mlflow.start_run():
        mlflow.log_metrics({f"m{number:03}": number / 3 for number in range(120)}, step=7)
    client.set_terminated(client.create_run(experiment, run_name="stopped").info.run_id, "KILLED")


def die(experiment: str) -> None:
    """Log some points and be killed."""
    with mlflow.start_run(experiment_id=experiment, run_name="killed"):
        for step in range(20):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        os.kill(os.getpid(), signal.SIGKILL)


def read_back(client: MlflowClient) -> list[Told]:
    """Every run of every experiment as `search_runs` and `get_metric_history` tell it."""
    told = []
    experiments = {each.experiment_id: each.name for each in client.search_experiments()}
    versions: dict[str | None, list[list[Any]]] = {}
    for model in client.search_model_versions():
        aliases = client.get_model_version(model.name, model.version).aliases
        versions.setdefault(model.run_id, []).append([model.name, str(model.version), [*aliases]])
    for found in client.search_runs([*experiments], run_view_type=ViewType.ALL, max_results=1_000):
        info, data = found.info, client.get_run(found.info.run_id).data
        parent = data.tags.get("mlflow.parentRunId")
        points = {
            name: [
                (each.step, _bounded(each.value), each.timestamp * 1000)
                for each in client.get_metric_history(info.run_id, name)
            ]
            for name in data.metrics
        }
        is_there = info.lifecycle_stage == "active"
        told.append(Told(
            key=info.run_id, name=info.run_name, project=experiments[info.experiment_id],
            status=info.status.lower(), params=dict(data.params), points=points,
            last={name: _bounded(value) for name, value in data.metrics.items()},
            started_us=info.start_time * 1000, ended_us=info.end_time and info.end_time * 1000,
            tags=[f"{key}={data.tags[key]}" for key in ("team", "release candidate") if key in data.tags],
            notes=data.tags.get("mlflow.note.content", ""), parent=parent or "", archived=not is_there,
            artifacts=sorted(_artifacts(client, info.run_id, "")), models=versions.get(info.run_id, []),
        ))  # fmt: skip
    return told


def _bounded(value: float) -> float:
    """A database keeps an infinity as the largest double, and its client says so."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _artifacts(client: MlflowClient, run_id: str, folder: str) -> list[str]:
    found: list[str] = []
    for each in client.list_artifacts(run_id, folder):
        found += _artifacts(client, run_id, each.path) if each.is_dir else [each.path]
    return found


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "killed":
        return die(sys.argv[2])
    folder, path = places()
    is_files = "files" in sys.argv
    uri = (folder / "mlruns").as_uri() if is_files else f"sqlite:///{folder / 'mlflow.db'}"
    os.environ["MLFLOW_TRACKING_URI"] = uri
    os.chdir(folder)  # where a database's artifacts go
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.set_experiment("digits é").experiment_id
    client = MlflowClient()
    client.set_experiment_tag(experiment, "mlflow.note.content", "digits, all of them")
    log_parent(client)
    log_ends(client, experiment)
    tell(path, read_back(client))


if __name__ == "__main__":
    main()
