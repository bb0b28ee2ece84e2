"""Keys that arrive at once, as over a slow line, mean what they mean one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

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
