"""W&B logs runs offline: a group, a crash, a killed process, a restart, rich values; its own reader tells them.

python -m tests.clients.log_wandb FOLDER TOLD
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import wandb

from tests.clients.telling import Row, Told, places, tell

ODD = ("NaN", "Infinity", "-Infinity")
CONFIG: dict[str, Any] = {
    "lr": 0.1, "model": {"width": 8, "deep": {"er": [1, {"x": 2}]}}, "a.b": 1, "on": True, "none": None,
    "text": "é\nb", "big": 2**60, "small": 1e-05, "list": [1, 2.5, "x"], "empty": {}, "long": "y" * 5_000,
}  # fmt: skip


def log_first() -> None:
    """A run of everything: nested values, odd numbers, steps with holes, a table, a histogram, an artifact."""
    run = wandb.init(
        name="first é 日本語", group="g", job_type="train", tags=["a", "β"], notes="n\nn", config=CONFIG
    )
    run.define_metric("val/*", step_metric="epoch")
    for step in range(1_200):
        odd = [math.nan, math.inf, -math.inf, 1e308][step % 4]
        run.log(
            {
                "loss": 1 / (step + 1),
                "train/odd one": odd,
                "ok": step % 2 == 0,
                "a": {"b": step},
                "n": 2**53 + step,
            }
        )
        if step % 100 == 0:
            run.log({"val/acc": step / 1_200, "epoch": step // 100})
    run.log(
        {"weights": wandb.Histogram(np_histogram=([1, 2], [0.0, 1.0, 2.0])), "late": 1.5, "π ✓/x": 3.0},
        step=5_000,
    )
    run.log({"table": wandb.Table(columns=["a"], data=[[1]])})
    artifact = wandb.Artifact("model", type="model")
    Path("weights.txt").write_text("w")
    artifact.add_file("weights.txt")
    run.log_artifact(artifact)
    run.summary["best"] = 0.25
    run.config.update({"added": "later"})
    run.finish()


def log_others() -> None:
    """A sweep, a run that raised, one with an exit code, one without points, one that goes on in another process."""
    for number in range(2):
        with wandb.init(name=f"sweep-{number}", group="sweep", config={"lr": 0.5**number / 4}) as run:
            run.log({"loss": float(number)})
    try:
        with wandb.init(name="raised") as run:
            run.log({"loss": 1.0})
            raise RuntimeError("too big")
    except RuntimeError:
        pass
    wandb.init(name="silent", config={"lr": 1}).finish(exit_code=3)
    for begin in (0, 30):
        run = wandb.init(id="again001", name="resumed", resume="allow", config={"begin": begin})
        for step in range(begin, begin + 50):
            run.log({"loss": step / (begin + 1)}, step=step)
        run.finish()
    program = [sys.executable, "-m", "tests.clients.log_wandb", "killed"]
    apart = {
        name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"
    }  # a writer of its own
    subprocess.run(program, env=apart, check=False)


def die() -> None:
    """Log some points and be killed, with the process that writes them."""
    run = wandb.init(name="killed", config={"lr": 1})
    for step in range(1_500):  # its writer keeps the last 32 KiB for itself
        run.log({"loss": 1 / (step + 1)})
    children = subprocess.run(
        ["pgrep", "-f", f"wandb-core.*--pid.{os.getpid()}"], capture_output=True, text=True
    ).stdout.split()
    for process in [*map(int, children), os.getpid()]:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:  # that was pgrep
            pass


def read_back(folder: Path) -> list[Told]:
    """What `wandb leet inspect` finds in each file; what two files have of one run, put together."""
    runs: dict[str, Told] = {}
    for tape in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        records = [json.loads(line) for line in _inspect(tape, "-json").splitlines()]
        told = _told(records, json.loads(_inspect(tape, "-json", "-summary")))
        before = runs.get(told.key)
        for name, rows in (before.points if before else {}).items():
            told.points[name] = rows + told.points.get(name, [])
            told.started_us = before.started_us if before else None
        runs[told.key] = told
    return [*runs.values()]


def _told(records: list[dict[str, Any]], summary: dict[str, Any]) -> Told:
    (run,) = (each["run"] for each in records if each.get("type") == "run")
    points: dict[str, list[Row]] = {}
    for record in records:
        item = record["history"]["item"] if record.get("type") == "history" else {}
        for name, value in item.items():
            if name.startswith("_") or not (isinstance(value, int | float) or value in ODD):
                continue  # a histogram, a path, the kind of a table
            time_us = round(item["_timestamp"] * 1e6)
            points.setdefault(name.replace(".", "/"), []).append((item["_step"], float(value), time_us))
    code = summary["exit_code"]
    # the reader leaves out what is empty, and writes 1.0 as 1
    params = {name: value for name, value in summary["config"].items() if name != "_wandb"}
    return Told(
        key=run["run_id"], name=run["display_name"], project=run["project"],
        status="running" if code is None else "failed" if code else "finished",
        params=params if run["display_name"] != "first é 日本語" else CONFIG | {"added": "later"},
        points=points, tags=run.get("tags", []), group=run.get("run_group"), notes=run.get("notes", ""),
        started_us=_microseconds(run["start_time"]),
    )  # fmt: skip


def _microseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def _inspect(tape: Path, *flags: str) -> str:
    """What W&B's own reader prints: it exits with 1 where the process that wrote did not come to its end."""
    program = [
        wandb.util.get_core_path(),
        "leet",
        "inspect",
        "-no-observability",
        *flags,
        "-run-file",
        str(tape),
    ]
    return subprocess.run(program, check=False, capture_output=True, text=True).stdout


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "killed":
        return die()
    folder, path = places()
    os.environ.update(
        WANDB_MODE="offline", WANDB_DIR=str(folder), WANDB_SILENT="true", WANDB_PROJECT="digits"
    )
    os.chdir(path.parent)
    log_first()
    log_others()
    tell(path, read_back(folder))


if __name__ == "__main__":
    main()
