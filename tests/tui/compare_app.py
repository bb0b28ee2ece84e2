"""Opens labtop on a small store with runs made by hand, and reads what stands on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from labtop.model.run import RunRecord
from labtop.settings import Settings
from labtop.store.layout import create_store
from labtop.tui.app import LabtopApp
from tests.stores import write_run
from tests.tui.stillness import wait_until_loaded


def make_store(path: Path, records: Sequence[RunRecord]) -> Path:
    """A store of these runs."""
    create_store(path)
    for record in records:
        write_run(path, record)
    return path


async def settle(app: LabtopApp, pilot: Pilot[int]) -> None:
    """Wait until nothing is on its way."""
    await wait_until_loaded(app)


@asynccontextmanager
async def opened(
    store: Path, screen: str, run_ids: Sequence[str], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[LabtopApp, Pilot[int]]]:
    """The app with one screen about some runs in front."""
    app = LabtopApp(store, Settings())
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        app.show(screen, run_ids)
        await settle(app, pilot)
        yield app, pilot


async def press(app: LabtopApp, pilot: Pilot[int], *keys: str) -> None:
    """Press keys and wait for what they do."""
    for key in keys:
        await pilot.press(key)
        await settle(app, pilot)


def shown(app: LabtopApp) -> str:
    """The text on the screen, line by line."""
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)
