"""Says that reading takes long, to a person who waits: on stderr, past what is recorded of it."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

_QUIET_S = 3.0
_PAUSE_S = 0.5


class ReadingProgress:
    """The progress of reading so many bytes: silent while it is quick, on a terminal one line that goes away again."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._said_at = time.monotonic() + _QUIET_S - _PAUSE_S
        self._has_said = False
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """So many more bytes were read."""
        with self._lock:
            self._done += count
            if time.monotonic() - self._said_at > _PAUSE_S:
                self._say()

    def _say(self) -> None:
        stderr = sys.__stderr__  # not what is recorded as output
        if stderr is None:
            return
        is_terminal = stderr.isatty()
        size = f"{self._total / 1e9:.1f} GB"
        if is_terminal:
            share = self._done / self._total if self._total else 1
            stderr.write(f"\r\x1b[Klabtop: reading {_plain(self._what)}: {share:.0%} of {size}")
        elif not self._has_said:
            stderr.write(f"labtop: reading {_plain(self._what)}, {size}; next time it is remembered\n")
        stderr.flush()
        self._has_said = True
        self._said_at = time.monotonic()

    def __enter__(self) -> ReadingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._has_said and sys.__stderr__ is not None and sys.__stderr__.isatty():
            sys.__stderr__.write("\r\x1b[K")
            sys.__stderr__.flush()


def _plain(name: str) -> str:
    """A file's name may hold anything; the terminal gets what can be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:60]
