"""Writes run folders as Sacred's FileStorageObserver does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_run(folder: Path, run: dict[str, Any] | None = None, **files: Any) -> Path:
    """A run folder with `run.json` and the JSON files named (`config`, `metrics`, `info`); gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "experiment": {
            "name": "digits",
            "mainfile": "train.py",
            "base_dir": "/home/me/digits",
            "sources": [],
        },
        "command": "main",
        "meta": {"command": "main", "options": {"--comment": None}},
        "host": {"hostname": "box", "os": ["Linux", "Linux-6.1"], "python_version": "3.11.7"},
        "start_time": "2026-01-02T03:04:05.000006",
        "stop_time": "2026-01-02T03:05:05",
        "heartbeat": "2026-01-02T03:05:04",
        "status": "COMPLETED",
        "artifacts": [],
        "resources": [],
        "result": None,
        **(run or {}),
    }
    for name, content in {"run": told, "config": {"seed": 7}, **files}.items():
        text = json.dumps(content, sort_keys=True, indent=2)
        (folder / f"{name}.json").write_text(text, "utf-8")
    (folder / "cout.txt").write_text("hello\n", "utf-8")
    return folder


def series(values: list[Any], steps: list[Any] | None = None) -> dict[str, list[Any]]:
    """A series of `metrics.json`, a second between two points."""
    return {
        "values": values,
        "steps": list(range(len(values))) if steps is None else steps,
        "timestamps": [f"2026-01-02T03:04:{at % 60:02}.5" for at in range(len(values))],
    }
