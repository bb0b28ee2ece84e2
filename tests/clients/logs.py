"""Logs of the real clients, made once for a session however many processes test."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.telling import Told, read_told
from tests.sources.peers import peer

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Kind:
    """What is logged: by which client, by which program, with which arguments."""

    client: str
    program: str
    arguments: tuple[str, ...] = ()


KINDS = {
    "mlflow": Kind("mlflow", "log_mlflow"),
    "mlflow-files": Kind("mlflow", "log_mlflow", ("files",)),
    "wandb": Kind("wandb", "log_wandb"),
    "trackio": Kind("trackio", "log_trackio"),
    "tensorboard": Kind("tensorboard", "log_tensorboard"),
    "sacred": Kind("sacred", "log_sacred"),
    "hydra": Kind("hydra", "log_hydra"),
    "dvclive": Kind("dvc", "log_dvc"),
}


def logs_of(kind: str, shared: Path) -> tuple[Path, dict[str, Told]]:
    """The folder that a client logged into and what it told of each run; skipped where the client cannot be had.

    Arguments:
        shared: a folder of the session that all its processes know.
    """
    python = peer(KINDS[kind].client)
    place = shared / f"logs-of-{kind}"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "told.json").exists():
            _log(KINDS[kind], python, place)
    return place / "logs", {run.key: run for run in read_told(place / "told.json")}


def _log(kind: Kind, python: Path, place: Path) -> None:
    shutil.rmtree(place / "logs", ignore_errors=True)
    told = place / "told-now.json"
    environment = {
        **os.environ, "PYTHONPATH": str(_ROOT), "HOME": str(place), "MLFLOW_ALLOW_FILE_STORE": "true",
        "DVC_NO_ANALYTICS": "1", "PATH": f"{python.parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        [python, "-m", f"tests.clients.{kind.program}", place / "logs", told, *kind.arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    told.rename(place / "told.json")


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of the session know."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
