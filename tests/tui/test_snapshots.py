"""Pictures of the main screens. After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`.

Nothing in them depends on the machine, the day or a version: fixed ids, times and hosts, and ages that do not grow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from labtop.settings import Settings
from labtop.tui.app import LabtopApp
from labtop.views import facts, table_cells
from tests.tui.foreign_logs import write_logs
from tests.tui.shell_app import NAMED
from tests.tui.snapshot_store import build_snapshot_store
from tests.tui.stillness import PATIENCE_S, wait_until_loaded

Compare = Callable[..., bool]
SMALL, WIDE = (80, 24), (200, 50)
SCREENS = {
    "runs": (),
    "runs-grouped": ("s",),
    "run": ("j", "j", "j", "2"),
    "curves": ("*", "3"),
    "compare": ("space", "j", "j", "j", "space", "c"),
    "help": ("?",),
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store, on a day that does not pass."""
    monkeypatch.setattr(table_cells, "age", lambda seconds: "3d")
    monkeypatch.setattr(facts, "age", lambda seconds: "3d")
    return build_snapshot_store(tmp_path / "runs")


@pytest.mark.parametrize(
    ("screen", "size"),
    [*((name, SMALL) for name in SCREENS), ("runs", WIDE), ("curves", WIDE)],
    ids=lambda each: each if isinstance(each, str) else f"{each[0]}x{each[1]}",
)
def test_screens_look_as_they_did(
    screen: str, size: tuple[int, int], store: Path, snap_compare: Compare
) -> None:
    """Each at 80×24, two of them wide."""
    app = LabtopApp(store, Settings())

    async def press(pilot: Pilot[int]) -> None:
        await wait_until_loaded(app)
        for key in SCREENS[screen]:
            await pilot.press(NAMED.get(key, key))
            await wait_until_loaded(app)
        if (screen, size) == ("runs", WIDE):
            await _wait_for_preview(app)

    try:
        assert snap_compare(app, terminal_size=size, run_before=press)
    finally:
        app.close_catalog()


async def _wait_for_preview(app: LabtopApp) -> None:
    """Beside a wide table the run under the cursor is shown when the cursor has rested a moment."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        strips = app.screen._compositor.render_strips()
        if any("Can it be reproduced?" in strip.text for strip in strips):
            break
        await asyncio.sleep(0.02)
    await wait_until_loaded(app)


@pytest.mark.parametrize("screen", ["runs", "compare"])
def test_logs_of_other_trackers_look_as_they_did(
    screen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Compare
) -> None:
    """Runs of several trackers in one table, and two of them side by side."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(table_cells, "age", lambda seconds: "3d")
    app = LabtopApp(write_logs(tmp_path / "logs"), Settings())

    async def press(pilot: Pilot[int]) -> None:
        await wait_until_loaded(app)
        for key in ("space", "j", "j", "space", "c") if screen == "compare" else ():
            await pilot.press(NAMED.get(key, key))
            await wait_until_loaded(app)

    try:
        assert snap_compare(app, terminal_size=SMALL, run_before=press)
    finally:
        app.close_catalog()
