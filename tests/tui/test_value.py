"""Rich values on screen: a section of the Run screen, Enter, the steps, and nothing that the terminal obeys."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot

import labtop
from labtop.tui.app import LabtopApp
from labtop.tui.screens.value import ValueScreen
from labtop.tui.widgets.line_view import LineView
from tests.tui.compare_app import opened, press, settle, shown

HOSTILE = "x\x1b]52;c;VEFC\x07\x9b6n\u202e[/b][@click=app.quit]"


async def shows(app: LabtopApp, pilot: Pilot[int], text: str) -> None:
    """Wait until a text stands on the screen."""
    until = time.monotonic() + 30
    while text not in shown(app):
        assert time.monotonic() < until, shown(app)
        await settle(app, pilot)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> labtop.Run:
    """A run with values at three steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    with labtop.init(name="rich") as run:
        for step in (10, 20, 30):
            run.log(
                {
                    "loss": 1 / step,
                    "note": labtop.Text(f"said at {step} {HOSTILE}"),
                    "picture": labtop.Image(np.full((8, 8, 3), [1.0, 0.0, 0.0]), caption=HOSTILE),
                    "table": labtop.Table({f"column{at}": [f"cell{at}", HOSTILE] for at in range(9)}),
                    "matrix": labtop.ConfusionMatrix([0, 1, 1], [0, 1, 0], ["cat", "dog"]),
                    "roc": labtop.Curve.roc([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5]),
                },
                step=step,
            )
    return run


async def test_the_section_and_the_steps(run: labtop.Run) -> None:
    """Enter opens the last step; brackets go through them and stop at the ends; q leads back."""
    async with opened(Path("runs"), "run", [run.id], (100, 40)) as (app, pilot):
        assert re.search(r"Values\n", shown(app))
        assert re.search(r"table +table  2 rows, 9 columns  3 steps, 10 to 30", shown(app))
        assert "Artifacts" not in shown(app)
        view = app.screen.query_one("#results", LineView)
        view.move_to(next(at for at, line in enumerate(view.lines) if line.key.endswith("note")))
        await press(app, pilot, "enter")
        assert isinstance(app.screen, ValueScreen)
        await shows(app, pilot, "said at 30")
        await press(app, pilot, "[", "[")
        await shows(app, pilot, "said at 10")
        await press(app, pilot, "[")
        await shows(app, pilot, "the first step")
        await press(app, pilot, "]")
        await shows(app, pilot, "said at 20")
        assert "2 of 3" in shown(app)
        await press(app, pilot, "q")
        assert not isinstance(app.screen, ValueScreen)


async def test_enter_elsewhere_says_what_it_is_for(run: labtop.Run) -> None:
    """On a param or a metric nothing opens."""
    async with opened(Path("runs"), "run", [run.id], (100, 40)) as (app, pilot):
        await press(app, pilot, "g", "g", "enter")
        assert not isinstance(app.screen, ValueScreen)
        assert "Enter opens" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 50)])
async def test_every_kind_is_drawn(run: labtop.Run, size: tuple[int, int]) -> None:
    """In any size, and hostile text is only shown."""
    async with opened(Path("runs"), "run", [run.id], size) as (app, pilot):
        for name, expected in {
            "picture": "▀", "table": "column0", "matrix": "cat", "roc": "true positive", "note": "said at 30",
        }.items():  # fmt: skip
            screen = ValueScreen((run.id,), name)
            app.push_screen(screen)
            await shows(app, pilot, expected)
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown(app))
            app.pop_screen()
            await pilot.pause()


async def test_columns_of_a_wide_table(run: labtop.Run) -> None:
    """The arrows bring those out of sight in."""
    async with opened(Path("runs"), "run", [run.id], (40, 12)) as (app, pilot):
        app.push_screen(ValueScreen((run.id,), "table"))
        await shows(app, pilot, "column0")
        await press(app, pilot, "right", "right")
        await shows(app, pilot, "column2")
        assert "column0" not in shown(app)
        await press(app, pilot, "left", "left", "left")
        await shows(app, pilot, "column0")


async def test_a_file_that_is_gone(run: labtop.Run) -> None:
    """A word, and the screen goes on."""
    for path in (run.folder / "media").glob("*.txt"):
        path.unlink()
    async with opened(Path("runs"), "run", [run.id]) as (app, pilot):
        app.push_screen(ValueScreen((run.id,), "note"))
        await shows(app, pilot, "cannot be read")
        await press(app, pilot, "q")
        assert not isinstance(app.screen, ValueScreen)
