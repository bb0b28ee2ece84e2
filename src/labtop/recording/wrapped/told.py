"""What the thread that runs a command tells the one that records it, and the other way round. Light: it comes first."""

from __future__ import annotations

import threading
import time

from labtop.recording.wrapped.starting import NotStarted
from labtop.recording.wrapped.tap import Tap


class Told:
    """One command's life as it happens.

    `exit_code` is below 0 for a signal that ended the command, None while it runs; `signals` are those that were passed
    on, with their times (seconds since the epoch); `words` are to be said when all is done.
    """

    def __init__(self) -> None:
        self.tap = Tap()
        self.ends_with_return: frozenset[str] = frozenset()  # streams from a terminal that ends lines so
        self.exit_code: int | None = None
        self.ended_at = 0.0
        self.trouble: NotStarted | None = None
        self.signals: list[tuple[str, float]] = []
        self.hurried = threading.Event()  # nothing more shall be waited for
        self.done = threading.Event()  # nothing more is to be recorded
        self.words: list[str] = []

    def signal(self, name: str) -> None:
        """A signal came and was passed on; the next may be the last."""
        self.signals.append((name, time.time()))
        self.tap.wake()

    def end(self, exit_code: int, ended_at: float) -> None:
        """The command has ended and everything it wrote is in the tap."""
        self.ended_at = ended_at
        self.exit_code = exit_code
        self.tap.wake()

    def end_unstarted(self, trouble: NotStarted) -> None:
        """There was no command."""
        self.trouble = trouble
        self.end(trouble.exit_code, time.time())
