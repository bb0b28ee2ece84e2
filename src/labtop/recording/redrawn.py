"""Lines that are drawn over and over, as progress bars do: most of their states are not worth keeping.

A bar that is drawn ten times a second for a month would fill any log. Kept is the last state, and before that one now
and then: after a second at first, and less and less often the longer the bar lives (60 for each tenfold). A bar of one
line ends its states with a bare return; one of several lines moves the cursor up over those that it draws again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_PIECES = re.compile(r"([^\r\n]*)(\r\n|\n|\r)")
_UP = re.compile(r"\x1b\[(\d{0,3})A")
_FIRST_S = 1.0
_AGE_A_STATE = 60.0
_MOST_LINES = 100  # of a bar
_BAR_IS_OVER_S = 2.0  # so long after it was drawn last, lines are lines again


class RedrawnLines:
    """Text of one stream, without most states of lines that were drawn over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._state: str | None = None  # of one line, the newest that was not kept
        self._frame: list[str] = []  # of several lines, each with its end
        self._height = 0  # of the bar of several lines that is drawn; 0: none is
        self._drawn_at = 0.0
        self._began = 0.0
        self._kept_at = 0.0

    def thin(self, text: str) -> str:
        """Whole lines and states, each with its end, as far as they are to be kept."""
        if "\r" not in text and "\x1b" not in text and self._state is None and not self._height:
            return text
        kept: list[str] = []
        for line, end in _PIECES.findall(text):
            if "\x1b" in line and (ups := sum(int(rows or 1) for rows in _UP.findall(line))):
                self._draw_again(min(ups, _MOST_LINES), kept)
            if end == "\r":
                self._draw(line, kept)
            else:
                self._end_line(line, end, kept)
        return "".join(kept)

    def rest(self) -> str:
        """The last states, when nothing comes any more."""
        frame, state = "".join(self._frame), self._state
        self._frame, self._state = [], None
        return frame + (f"{state}\r" if state else "")

    def _draw(self, line: str, kept: list[str]) -> None:
        """One state of one line."""
        if not line:
            return
        self._state = line
        if self._is_due():
            kept += (*self._frame, f"{line}\r")
            self._frame, self._state = [], None

    def _draw_again(self, height: int, kept: list[str]) -> None:
        """The lines that were drawn last are drawn over."""
        if self._frame and self._is_due():
            kept += self._frame
        self._frame, self._height, self._drawn_at = [], height, self._clock()

    def _end_line(self, line: str, end: str, kept: list[str]) -> None:
        """A whole line: held back while it may be drawn over."""
        if not line and self._state:  # the end of a bar, after its last state
            line = self._state
        self._state = None
        if not self._height:
            self._began = 0.0
            kept.append(line + end)
            return
        self._frame.append(line + end)
        if self._clock() - self._drawn_at > _BAR_IS_OVER_S:
            kept += self._frame
            self._frame, self._height, self._began = [], 0, 0.0
        elif len(self._frame) > self._height:
            kept.append(self._frame.pop(0))

    def _is_due(self) -> bool:
        now = self._clock()
        if not self._began:
            self._began = self._kept_at = now
        if now - self._kept_at < max(_FIRST_S, (now - self._began) / _AGE_A_STATE):
            return False
        self._kept_at = now
        return True
