"""Lines that are drawn over and over, as progress bars do: most of their states are not worth keeping.

A bar that is drawn ten times a second for a month would fill any log. Kept is the last state, and before that one now
and then: after a second at first, and less and less often the longer the bar lives (60 for each tenfold).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_PIECES = re.compile(r"([^\r\n]*)(\r\n|\n|\r)")
_FIRST_S = 1.0
_AGE_A_STATE = 60.0


class RedrawnLines:
    """Text of one stream, without most states of a line that was ended by a bare return and then drawn over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._state: str | None = None  # the newest that was not kept
        self._began = 0.0
        self._kept_at = 0.0

    def thin(self, text: str) -> str:
        """Whole lines and states, each with its end, as far as they are to be kept."""
        if "\r" not in text and self._state is None:
            return text
        kept: list[str] = []
        for line, end in _PIECES.findall(text):
            if end == "\r":
                self._draw(line, kept)
                continue
            if not line and self._state:  # the end of a bar, after its last state
                kept.append(self._state)
            self._state = None
            self._began = 0.0
            kept.append(line + end)
        return "".join(kept)

    def rest(self) -> str:
        """The last state, when nothing comes any more."""
        state, self._state = self._state, None
        return f"{state}\r" if state else ""

    def _draw(self, line: str, kept: list[str]) -> None:
        now = self._clock()
        if not self._began:
            self._began = self._kept_at = now
        if not line:
            return
        self._state = line
        if now - self._kept_at >= max(_FIRST_S, (now - self._began) / _AGE_A_STATE):
            self._kept_at = now
            kept.append(f"{line}\r")
            self._state = None
