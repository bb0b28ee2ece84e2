"""labtop on a store, driven by keys; what is on the screen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from labtop.settings import Settings
from labtop.tui.app import LabtopApp
from labtop.tui.screens.runs.screen import RunsScreen
from labtop.tui.widgets.key_line import KeyLine
from tests.tui.stillness import wait_until_loaded

NAMED = {"/": "slash", "?": "question_mark", ":": "colon", "=": "equals_sign", "!": "exclamation_mark", "*": "asterisk",
         "<": "less_than_sign", ">": "greater_than_sign", "-": "minus", "$": "dollar_sign", " ": "space"}  # fmt: skip


class Driver:
    """A person at the keyboard, who waits until the screen is still."""

    def __init__(self, app: LabtopApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def settle(self) -> None:
        """Wait until all work has come back and has been painted."""
        await wait_until_loaded(self.app)

    async def press(self, *keys: str) -> None:
        """Press keys, and wait."""
        for key in keys:
            await self.pilot.press(NAMED.get(key, key))
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text faster than anything is painted, and wait."""
        await self.pilot.press(*(NAMED.get(character, character) for character in text))
        await self.settle()

    async def command(self, line: str) -> None:
        """Give a command line, all at once."""
        await self.press(":")
        focused = self.app.focused
        assert focused is not None
        focused.post_message(events.Paste(line))
        await self.press("enter")

    @property
    def screen(self) -> str:
        """The lines of the screen in front, dialogs included."""
        strips = self.app.screen._compositor.render_strips()  # what Textual's own snapshots are made of
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def message(self) -> str:
        """What the key line says."""
        front = self.app.front
        return front.query_one(KeyLine).message if front is not None else ""

    @property
    def title(self) -> str:
        """The title line."""
        return self.screen.split("\n")[0]

    @property
    def runs(self) -> RunsScreen:
        """The Runs screen."""
        return next(each for each in self.app.lab_screens if isinstance(each, RunsScreen))

    def names(self) -> list[str]:
        """Names of the runs of the table, from the top."""
        loaded = self.runs.loaded
        assert loaded is not None
        return [values[0] for values in self.app.session.catalog.cells(loaded.selection.rows, ["name"])]

    @property
    def current(self) -> str:
        """Name of the run under the cursor."""
        return self.names()[self.runs.grid.cursor_index]


@asynccontextmanager
async def labtop(
    store: Path, size: tuple[int, int] = (100, 30), settings: Settings | None = None
) -> AsyncIterator[Driver]:
    """labtop open on a store, with its runs on the screen; closed as a person closes it."""
    app = LabtopApp(store, settings or Settings())
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        yield driver
        if app.is_running:
            app.exit(0)
    app.close_catalog()
