"""Sacred logs runs that end in all ways; what was logged is told.

python -m tests.clients.log_sacred FOLDER TOLD
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sacred import Experiment
from sacred.observers import FileStorageObserver

from tests.clients.telling import Row, Told, places, tell

CONFIG: dict[str, Any] = {
    "lr": 0.1, "model": {"width": 8, "deep": {"er": [1, {"x": 2}]}}, "on": True, "none": None, "text": "é\nb",
    "small": 1e-05, "list": [1, 2.5, "x"], "long": "y" * 5_000,
}  # fmt: skip
ENDS = ("finished", "failed", "killed", "running")


def points() -> dict[str, list[Row]]:
    """What each run logs."""
    odd = [math.nan, math.inf, -math.inf, 1e308]
    return {
        "train/loss é": [(step, 1 / (step + 1), None) for step in range(1_100)],
        "odd one": [(step * 10, odd[step % 4], None) for step in range(40)],
        "back": [(step, float(step), None) for step in (3, 1, 2)],
    }


def log(folder: Path, end: str) -> None:
    """A run that ends so."""
    experiment = Experiment("digits é", save_git_info=False)
    experiment.observers.append(FileStorageObserver(str(folder)))
    experiment.add_config({**CONFIG, "end": end, "seed": 7})

    def run(_run: Any) -> float:
        for name, rows in points().items():
            for step, value, _ in rows:
                _run.log_scalar(name, np.float64(value) if name == "back" else value, step)
        if end == "failed":
            raise ValueError("too big")
        if end == "killed":
            raise KeyboardInterrupt
        if end == "running":
            _run._emit_heartbeat()  # as it does every ten seconds
            os.kill(os.getpid(), signal.SIGKILL)
        return 2.5

    experiment.main(run)
    try:
        experiment.run(options={"--comment": "hi é", "--loglevel": "CRITICAL"})
    except (ValueError, KeyboardInterrupt):
        pass


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "running":
        return log(Path(sys.argv[2]), "running")
    folder, path = places()
    for end in ENDS[:-1]:
        log(folder / "runs", end)
    subprocess.run(
        [sys.executable, "-m", "tests.clients.log_sacred", "running", str(folder / "runs")], check=False
    )
    tell(path, [
        Told(
            key=f"runs/{number + 1}", project="digits é", status=end, params={**CONFIG, "end": end, "seed": 7},
            points=points(), notes="hi é", summary={"result": 2.5} if end == "finished" else None,
        )
        for number, end in enumerate(ENDS)
    ])  # fmt: skip


if __name__ == "__main__":
    main()
