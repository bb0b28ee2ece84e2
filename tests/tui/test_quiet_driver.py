"""Keys as a terminal sends them."""

from __future__ import annotations

import time

import pytest
from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message

from labtop.tui.quiet_driver import apart, forget_signs
from labtop.tui.screens.base import key_name


@pytest.mark.parametrize("key", ["j", "2", "G", "q"])
def test_escape_and_a_key_that_arrive_together_are_two_keys(key: str) -> None:
    """Not alt and that key, nor a sign of a Mac's keyboard."""
    forget_signs()
    assert _read(f"\x1b{key}") == ["escape", key]


@pytest.mark.parametrize(
    ("sent", "key"), [("™", "™"), ("é", "é"), ("\x1b[A", "up"), ("\x1b[1;3D", "alt+left")]
)
def test_other_keys_are_what_they_are(sent: str, key: str) -> None:
    """Also those that no keyboard has."""
    forget_signs()
    assert _read(sent) == [key]


def _read(sent: str) -> list[str]:
    parser = XTermParser(False)
    found: list[Message] = list(parser.feed(sent))
    until = time.monotonic() + constants.ESCAPE_DELAY + 10
    while not found and time.monotonic() < until:
        found += parser.tick()
        time.sleep(0.01)
    return [key_name(key) for each in found for key in apart(each) if isinstance(key, events.Key)]
