"""Writes MLflow file stores as its clients of all ages have, from what is known of the format."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START = 1_700_000_000_000


def run_id(number: int) -> str:
    """An id as MLflow makes them."""
    return uuid.UUID(int=(number + 1) * 0x1234567890ABCDEF1234567).hex


def meta_lines(meta: Mapping[str, Any]) -> str:
    """The lines of a `meta.yaml`, written as PyYAML does."""
    return "".join(f"{key}: {_scalar(value)}\n" for key, value in sorted(meta.items()))


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str) and (not value or value.isdigit()):
        return f"'{value}'"
    return str(value)


def write_experiment(store: Path, number: str, name: str, **meta: Any) -> Path:
    """An experiment's folder."""
    folder = store / number
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "experiment_id": number,
        "name": name,
        "lifecycle_stage": "active",
        "artifact_location": f"file:///elsewhere/mlruns/{number}",
        **meta,
    }
    (folder / "meta.yaml").write_text(meta_lines(whole), "utf-8")
    return folder


def write_run(
    experiment: Path,
    number: int = 0,
    *,
    metrics: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    **meta: Any,
) -> Path:
    """A run's folder. `metrics` are the lines of their files; what is None in `meta` is left out."""
    name = run_id(number)
    folder = experiment / name
    whole = {
        "run_id": name,
        "run_uuid": name,
        "run_name": f"run-{number}",
        "experiment_id": experiment.name,
        "status": 3,
        "source_type": 4,
        "start_time": START,
        "end_time": START + 60_000,
        "lifecycle_stage": "active",
        "artifact_uri": f"file:///elsewhere/mlruns/{experiment.name}/{name}/artifacts",
        **meta,
    }
    folder.mkdir(parents=True)
    (folder / "meta.yaml").write_text(
        meta_lines({key: value for key, value in whole.items() if value is not None}), "utf-8"
    )
    for part, texts in (("metrics", metrics), ("params", params), ("tags", tags)):
        (folder / part).mkdir()
        for key, text in (texts or {}).items():
            path = folder / part / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    return folder


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
