"""DVCLive logs runs, one resumed and one killed; DVC keeps experiments of them and tells them.

python -m tests.clients.log_dvc FOLDER TOLD
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from dvclive import Live

from tests.clients.telling import Row, Told, places, tell

PARAMS: dict[str, Any] = {
    "lr": 0.1, "model": {"width": 8, "deep": {"er": [1, {"x": 2}]}}, "on": True, "none": None, "text": "é\nb",
    "small": 1e-05, "list": [1, 2.5, "x"], "version": "007", "long": "y" * 5_000,
}  # fmt: skip


def log(folder: Path, params: dict[str, Any], steps: range, **options: Any) -> dict[str, list[Row]]:
    """A run, and what it logged."""
    points: dict[str, list[Row]] = {}
    with Live(str(folder), save_dvc_exp=False, report=None, **options) as live:
        live.log_params(params)
        for step in steps:
            odd = [math.nan, math.inf, -math.inf, 1e308][step % 4]
            for name, value in (("train/loss é", 1 / (step + 1)), ("odd one", odd), ("acc", step)):
                live.log_metric(name, value)
                points.setdefault(name, []).append((step, float(value), None))
            if params.get("is killed") and step == steps[-1]:
                os.kill(os.getpid(), signal.SIGKILL)
            live.next_step()
    return points


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "killed":
        log(Path(sys.argv[2]), {"is killed": True}, range(40))
    folder, path = places()
    told = [Told(key="first", params=PARAMS, points=log(folder / "first", PARAMS, range(400)))]
    again = folder / "again"
    rows = log(again, {"lr": 1}, range(30))
    for name, more in log(again, {"lr": 2}, range(30, 50), resume=True).items():
        rows[name] += more
    told.append(Told(key="again", params={"lr": 2}, points=rows))
    subprocess.run(
        [sys.executable, "-m", "tests.clients.log_dvc", "killed", str(folder / "killed")], check=False
    )
    odd = [math.nan, math.inf, -math.inf, 1e308]
    told.append(Told(key="killed", params={"is killed": True}, points={
        "train/loss é": [(step, 1 / (step + 1), None) for step in range(40)],
        "odd one": [(step, odd[step % 4], None) for step in range(40)],
        "acc": [(step, float(step), None) for step in range(40)],
    }))  # fmt: skip
    tell(path, told)


if __name__ == "__main__":
    main()
