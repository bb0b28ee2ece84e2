"""A sample of every tracker's logs through the whole program: what was written, what `ls` prints, what is on screen."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import labtop as command
from tests.sources.writers.every import SAMPLES, STEPS, loss
from tests.tui.shell_app import labtop

CURVES = {
    "mlflow": "loss",
    "mlflow-sql": "loss",
    "wandb": "loss",
    "neptune": "loss",
    "trackio": "loss",
    "dvclive": "train/loss",
    "guild": "loss",
    "sacred": "loss",
    "lightning": "loss",
    "huggingface": "loss",
    "tensorboard": "loss",
    "tensorboard-downloads": "loss",
    "keras": "loss",
    "stable-baselines": "r",
    "tables": "loss",
}
"""The metric of each sample whose three runs have the curves of `loss`; the other trackers keep no curves."""
RUNS = {
    "aim": 2,
    "dvc": 2,
    "tables": 5,
}  # one of Aim is archived; a table of two runs lies beside three histories
FLOATS = {"tensorboard", "guild"}  # event files keep single precision


@pytest.mark.parametrize("name", SAMPLES)
async def test_what_was_written_is_printed_and_shown(name: str, tmp_path: Path) -> None:
    """Each run once in `ls`, with the figures of its curve; the same names, statuses and figures on the screens."""
    if name == "dvc" and shutil.which("git") is None:
        pytest.skip("no git")
    folder = tmp_path / "logs"
    folder.mkdir()
    SAMPLES[name](folder)
    done = command("ls", folder, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    runs: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == RUNS.get(name, 3)
    assert {run["source"]["tracker"] for run in runs} == {
        "table" if name == "tables" else name.removesuffix("-sql").removesuffix("-downloads")
    }
    if name in CURVES:
        _check_curves(name, [run["metrics"][CURVES[name]] for run in runs if CURVES[name] in run["metrics"]])
    async with labtop(folder, (150, 60)) as driver:
        assert sorted(driver.names()) == sorted(run["name"] or run["id"] for run in runs)
        shown = {run["id"]: run for run in runs}
        for _ in runs[:3]:
            await driver.press("enter")
            run_id = driver.title.split("  ")[-2].strip()
            lines = [line.split("│")[0].strip() for line in driver.screen.splitlines()]
            _check_screen(shown.pop(run_id), lines)
            await driver.press("q", "down")


def _check_curves(name: str, metrics: list[dict[str, Any]]) -> None:
    """The curves of three runs, in any order, against the formula that wrote them."""
    tolerance = 1e-6 if name in FLOATS else 0.0
    found = sorted(metrics, key=lambda each: float(each["mean"]))
    assert len(found) == 3
    for run, metric in enumerate(found):
        values = [loss(run, step) for step in STEPS]
        told = {
            "count": len(values),
            "first": values[0],
            "last": values[-1],
            "min": min(values),
            "max": max(values),
            "mean": math.fsum(values) / len(values),
        }
        for key, value in told.items():
            assert metric[key] == pytest.approx(value, rel=tolerance or 1e-12), (name, run, key)


def _check_screen(run: dict[str, Any], lines: list[str]) -> None:
    """The Run screen against the line that `ls` prints of the run."""

    def is_there(name: str, text: str) -> bool:
        return any(line.startswith(f"{name} ") and text in line.removeprefix(name) for line in lines)

    assert is_there("status", run["status"])
    assert is_there("tracker", run["source"]["tracker"])
    if run["name"] and len(run["name"]) < 40:
        assert is_there("name", run["name"])
    for name, metric in run["metrics"].items():
        if len(name) <= 20 and metric["last"] is not None and len(run["metrics"]) <= 12:
            cells = [line.removeprefix(name).split() for line in lines if line.startswith(f"{name} ")]
            cells = cells or [
                [word] for line in lines for word in line.split()
            ]  # tasks of lm-eval are a table
            is_constant = metric["min"] == metric["max"]  # then the last value is all that is shown
            assert any(
                each
                and _is_close(each[0], metric["last"])
                and (is_constant or (len(each) > 3 and each[3] == str(metric["count"])))
                for each in cells
            ), (name, cells)
    for name, value in run["params"].items():
        if isinstance(value, str) and len(name) + len(value) < 40:
            assert is_there(name, value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and len(name) <= 20:
            texts = [line.removeprefix(name).split() for line in lines if line.startswith(f"{name} ")]
            assert any(_is_close(each[0], value) for each in texts), (name, texts)


def _is_close(shown: str, value: float) -> bool:
    """Equal as far as the three or more digits go that are shown; False where that is no number."""
    try:
        return float(shown) == pytest.approx(float(value), rel=6e-3, nan_ok=True)
    except ValueError:
        return False
