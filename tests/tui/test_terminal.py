"""What goes to the terminal: colours, bytes, the mouse, and that it is left as it was."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.stores import build_store
from tests.terminal import Terminal

COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
WALK = (
    b"j",
    b"\x1b[6~",
    b" ",
    b"/lr >",
    b"\x1b",
    b"\r",
    b"q",
    b"?",
    b"q",
    b"o",
    b"\x1b",
    b"y",
    b"\x1b",
    b"3",
    b"q",
    b"4",
    b"q",
)
PREVIEWED_S = 1.0
"""The run under the cursor is shown beside the table when the cursor has rested a third of a second."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 60 runs."""
    return build_store(tmp_path_factory.mktemp("terminal") / "runs", runs=60, params=5, metrics=4, points=5)


def _walk(store: Path, **environment: str) -> bytes:
    terminal = Terminal("-m", "labtop", str(store), columns=140, rows=40, env=environment)
    try:
        written = terminal.start(b"60 runs")[1]
        for key in WALK:
            written += terminal.key(key).data
        code, rest = terminal.end(b"\x11")
        assert code == 0
        return written + rest
    finally:
        terminal.close()


def test_no_colour_under_no_color(store: Path) -> None:
    """Not one code; bold and reverse remain."""
    written = _walk(store, NO_COLOR="1")
    assert COLOUR.search(written) is None
    assert b"\x1b[7m" in written


def test_no_byte_above_127_under_lang_c(store: Path) -> None:
    """Frames, curves, marks and dialogs in ASCII; and of the mouse only clicks and the wheel, off at the end."""
    written = _walk(store, LANG="C")
    assert not [byte for byte in written if byte > 127]
    assert b"\x1b[?1003h" not in written
    assert b"\x1b[?1000h" in written
    assert written.rindex(b"\x1b[?1000l") > written.rindex(b"\x1b[?1000h")


def test_idle_sends_nothing(store: Path) -> None:
    """Once painted, silence."""
    terminal = Terminal("-m", "labtop", str(store), columns=140, rows=40)
    try:
        terminal.start(b"60 runs")
        terminal.settle(PREVIEWED_S)
        assert terminal.read(quiet=3, limit=3).data == b""
    finally:
        terminal.close()


def test_a_cursor_key_is_cheap(store: Path) -> None:
    """Under the budget of 0.8 KB where the table has the screen to itself."""
    terminal = Terminal("-m", "labtop", str(store), columns=99, rows=40)
    try:
        terminal.start(b"60 runs")
        terminal.settle(PREVIEWED_S)
        sizes = [len(terminal.key(b"\x1b[B").data) for _ in range(5)]
        assert max(sizes) <= 800, sizes
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(store: Path, number: signal.Signals) -> None:
    """The alternate screen is left and the cursor is back."""
    terminal = Terminal("-m", "labtop", str(store))
    try:
        terminal.start(b"60 runs")
        os.kill(terminal.pid, number)
        code, written = terminal.ended()
        assert code == 0
        assert b"\x1b[?1049l" in written
        assert b"\x1b[?25h" in written
    finally:
        terminal.close()


def test_resizing_to_20_by_5_and_back(store: Path) -> None:
    """One line says that it does not fit; no traceback."""
    terminal = Terminal("-m", "labtop", str(store))
    try:
        terminal.start(b"60 runs")
        terminal.resize(20, 5)
        terminal.wait_for(b"needs 30x6")
        terminal.settle()
        terminal.resize(80, 24)
        terminal.wait_for(b"60 runs")
    finally:
        terminal.close()
