"""W&B's own client writes a run while it is read, and W&B's own reader says what is in it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import Status
from labtop.sources.wandb import WandbSource
from tests.sources.peers import peer
from tests.sources.reading import read_all

pytestmark = pytest.mark.client("wandb")

SCRIPT = """
import math, wandb
run = wandb.init(mode="offline", project="digits", name="first", group="g", tags=["a"], notes="n",
                 config={"lr": 0.1, "model": {"width": 8}, "a.b": 1})
for step in range(400):
    odd = [math.nan, math.inf, -math.inf][step % 3]
    run.log({"loss": 1 / (step + 1), "odd": odd, "ok": step % 2 == 0, "a": {"b": step}})
print("logged", flush=True)
input()
run.log({"late": 1.5}, step=1000)
run.summary["best"] = 0.25
run.finish()
"""


def _read(place: Path, state: bytes | None) -> tuple[int, Any]:
    """New points of the run in a place, and its last piece."""
    reads = [
        read
        for ref in WandbSource().runs(place)
        for read in WandbSource().read(place, [replace(ref, state=state)])
    ]
    return sum(len(curve) for read in reads for curve in read.curves.values()), reads[-1]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(home), "WANDB_SILENT": "true", "WANDB_DIR": str(home)}


def test_run_in_progress_and_after(tmp_path: Path) -> None:
    """A run is seen while it is written; in the end all is there that W&B's reader finds."""
    python = peer("wandb")
    with subprocess.Popen(
        [python, "-c", SCRIPT],
        cwd=tmp_path,
        env=_environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        while process.stdout.readline().strip() != "logged":
            assert process.poll() is None
        until = time.monotonic() + 30
        points = 0
        while points < 400 and time.monotonic() < until:
            points, read = _read(tmp_path / "wandb", None)
            time.sleep(0.05)
        assert points >= 400
        assert read.record.status is Status.RUNNING
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(60)
    new, ended = _read(tmp_path / "wandb", read.state)
    assert ended.appended
    assert ended.record.status is Status.FINISHED
    (whole,) = read_all(WandbSource(), tmp_path).values()
    assert whole.read.record == replace(ended.record, metrics=whole.read.record.metrics)
    assert whole.points == points + new
    _compare(whole, python, next((tmp_path / "wandb").glob("offline-run-*")))


def _compare(whole: Any, python: Path, folder: Path) -> None:
    """Points, configuration and summary against `wandb leet inspect`."""
    inspect = [str(python.parent / "wandb"), "leet", "inspect", "--json"]
    lines = subprocess.run(
        [*inspect, str(folder)], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    rows = [said["history"]["item"] for line in lines if (said := json.loads(line)).get("type") == "history"]
    for metric in ("loss", "odd", "ok", "late"):
        told = [(row["_step"], float(row[metric])) for row in rows if metric in row]
        curve = whole.curves[metric]
        assert list(curve.steps) == [step for step, _ in told]
        for value, (_, other) in zip(curve.values, told, strict=True):
            assert value == other or (math.isnan(value) and math.isnan(other))
    assert list(whole.curves["a/b"].values) == [row["a.b"] for row in rows if "a.b" in row]
    summary = json.loads(
        subprocess.run(
            [*inspect, "--summary", str(folder)], capture_output=True, check=True, text=True
        ).stdout
    )
    record = whole.read.record
    assert record.params == {key: value for key, value in summary["config"].items() if key != "_wandb"}
    assert record.summary == {"best": summary["summary"]["best"]}
    assert (record.name, record.project, record.life.exit_code) == ("first", "digits", summary["exit_code"])
