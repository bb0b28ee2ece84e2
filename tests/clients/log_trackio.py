"""Trackio logs runs of two projects, one of them resumed and one killed, and its own reader tells them.

python -m tests.clients.log_trackio FOLDER TOLD
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

from tests.clients.telling import Row, Told, places, tell

CONFIG: dict[str, Any] = {
    "lr": 0.1, "model": {"width": 8, "deep": {"er": [1, {"x": 2}]}}, "a.b": 1, "on": True, "none": None,
    "text": "é\nb", "small": 1e-05, "list": [1, 2.5, "x"], "long": "y" * 5_000,
}  # fmt: skip


def log(trackio: Any) -> None:
    """A run of everything, two of one name, one that goes on, one of another project, one that is killed."""
    trackio.init("digits é", name="first é 日本語", group="g", config=CONFIG)
    for step in range(1_100):
        odd = [math.nan, math.inf, -math.inf, 1e308][step % 4]
        trackio.log({"loss": 1 / (step + 1), "train/odd one": odd, "n": 2**53 + step, "a": {"b": step}})
    trackio.log({"late": 1.5}, step=5_000)
    trackio.log({"late": 2.5}, step=4_000)
    trackio.finish()
    for number in range(2):
        trackio.init("digits é", name="twin", config={"lr": 10.0**-number})
        trackio.log({"loss": float(number)})
        trackio.finish()
    for begin in (0, 30):
        trackio.init("digits é", name="again", resume="allow", config={"lr": 1})
        for step in range(begin, begin + 40):
            trackio.log({"loss": step / (begin + 1)}, step=step)
        trackio.finish()
    trackio.init("second project", name="other", config={})
    trackio.log({f"m{number:03}": number / 3 for number in range(120)})
    trackio.finish()
    subprocess.run([sys.executable, "-m", "tests.clients.log_trackio", "killed"], check=False)


def die(trackio: Any) -> None:
    """Log some points, wait until they are written, and be killed."""
    trackio.init("digits é", name="killed", config={"lr": 1})
    for step in range(50):
        trackio.log({"loss": 1 / (step + 1)})
    storage = _storage()
    while not storage.get_runs("digits é") or "killed" not in storage.get_runs("digits é"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def read_back() -> list[Told]:
    """What Trackio's storage tells of each run."""
    storage, told = _storage(), []
    for project in storage.get_projects():
        for record in storage.get_run_records(project):
            points: dict[str, list[Row]] = {}
            for row in storage.get_logs(project, run_id=record["id"]):
                time_us = round(datetime.fromisoformat(row["timestamp"]).timestamp() * 1e6)
                for name, value in _flat(row):
                    points.setdefault(name, []).append((row["step"], float(value), time_us))
            config = storage.get_run_config(project, run_id=record["id"]) or {}
            told.append(Told(
                key=record["id"], name=record["name"], group=config.get("_Group"), points=points,
                params={name: value for name, value in config.items() if not name.startswith("_")},
            ))  # fmt: skip
    return told


def _flat(row: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, value in row.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}/")
        elif before or name not in ("step", "timestamp"):
            found.append((before + name, value))
    return found


def _storage() -> Any:
    from trackio.sqlite_storage import SQLiteStorage

    return SQLiteStorage


def main() -> None:
    """Log and tell."""
    is_killed = sys.argv[1] == "killed"
    if not is_killed:
        folder, path = places()
        os.environ.update(TRACKIO_DIR=str(folder), HF_HUB_OFFLINE="1", TRACKIO_SKIP_VERSION_CHECK="1")
    import trackio  # where it writes is settled when it is imported

    if is_killed:
        return die(trackio)
    log(trackio)
    tell(path, read_back())


if __name__ == "__main__":
    main()
