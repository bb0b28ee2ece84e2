"""The progress bar on stderr, as a slow link carries it."""

from __future__ import annotations

import io
import sys

import pytest

from labtop.cli.diagnostics import progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_a_few_times_a_second_however_often_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of steps in a moment are a few lines, the last of them the end."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with progress("reading runs") as advance:
        for step in range(5_000):
            advance(step + 1, 5_000)
    written = terminal.getvalue()
    assert "5000/5000" in written
    assert len(written) < 20_000
