"""Keys that arrive at once, as over a slow line, mean what they mean one by one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

from labtop.settings import Settings
from labtop.tui.app import LabtopApp
from labtop.tui.key_queue import OPENING_PATIENCE_S
from tests.tui.shell_app import Driver, labtop
from tests.tui.snapshot_store import build_snapshot_store


async def at_once(driver: Driver, text: str) -> None:
    """Type without waiting for what a key does."""
    for character in text:
        name = "enter" if character == "\r" else _character_to_key(character)
        driver.app.post_message(events.Key(name, character))
    await driver.settle()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (":down\rj2", "eager-mole"),  # Enter closes the prompt, what follows is for the table
        ("/calm\r", "1 of 6 runs"),
        ("t", "tags of glad-wren"),
    ],
)
async def test_keys_that_arrive_at_once(keys: str, expected: str, tmp_path: Path) -> None:
    """None goes past a dialog that is just opening, or to one that is just closing."""
    async with labtop(build_snapshot_store(tmp_path / "runs")) as driver:
        await at_once(driver, keys)
        assert expected in driver.screen


async def test_a_pasted_text_goes_to_the_prompt_before_it(tmp_path: Path) -> None:
    """It waits its turn as keys do."""
    async with labtop(build_snapshot_store(tmp_path / "runs")) as driver:
        driver.app.post_message(events.Key("colon", ":"))
        driver.app.post_message(events.Paste("sort name"))
        driver.app.post_message(events.Key("enter", "\r"))
        await driver.settle()
        assert driver.names()[0] == "brave-otter"


async def test_keys_typed_while_a_store_is_opened_are_for_its_rows(tmp_path: Path) -> None:
    """They wait for them; leaving does not."""
    app = LabtopApp(build_snapshot_store(tmp_path / "runs"), Settings())
    async with app.run_test() as pilot:
        driver = Driver(app, pilot)
        assert app.is_opening
        for key in ("down", "down", "space"):
            app.post_message(events.Key(key, " " if key == "space" else None))
        await driver.settle()
        assert driver.runs.grid.cursor_index == 2
        assert len(app.session.marked_run_ids) == 1
        app.exit(0)
    app.close_catalog()


class NeverOpen(LabtopApp):
    """A store that takes for ever to open."""

    def _open_catalog(self) -> None:
        pass


@pytest.mark.parametrize("keys", [["down", "ctrl+q"], ["q"]])
async def test_one_can_leave_while_a_store_is_opened(keys: list[str], tmp_path: Path) -> None:
    """ctrl+q whatever was typed before, q if it is the first key."""
    app = NeverOpen(build_snapshot_store(tmp_path / "runs"), Settings())
    async with app.run_test():
        for key in keys:
            app.post_message(events.Key(key, None))
        until = time.monotonic() + OPENING_PATIENCE_S
        while app.is_running and time.monotonic() < until:
            await asyncio.sleep(0.001)
        assert not app.is_running
    app.close_catalog()
