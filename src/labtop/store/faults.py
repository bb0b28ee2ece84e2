"""When a writer does things, and how it bears with a disk that fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When things happen; tests make them small."""

    tick_s: float = 1.0
    seal_s: float = 60.0
    seal_points: int = 50_000
    seal_bytes: int = 8 * 2**20
    most_waiting: int = 1_000_000  # points in memory: 36 MB
    longest_pause_s: float = 60.0  # between tries of what failed
    last_pauses_s: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.4)  # before each try at the end of a run


class Faults:
    """What went wrong: told once, remembered for the record, and when to try again."""

    def __init__(self, warn: Callable[[str], None], longest_pause_s: float) -> None:
        self._warn = warn
        self._told = False
        self._longest_pause_s = longest_pause_s
        self._pause_s = 0.0
        self._retry_at = 0.0
        self.degraded: str | None = None

    def tell(self, what: str) -> None:
        """Something is not as it should be."""
        self.degraded = what
        if not self._told:
            self._told = True
            self._warn(f"labtop: {what}; the run goes on")

    def note(self, what: str) -> None:
        """Something could not be written; the next try waits, longer each time."""
        self.tell(what)
        self._pause_s = min(max(1.0, self._pause_s * 2), self._longest_pause_s)
        self._retry_at = time.monotonic() + self._pause_s

    def retry_now(self) -> None:
        """Don't wait any longer: it is now or never."""
        self._retry_at = 0.0

    @property
    def may_try(self) -> bool:
        """Whether enough time has passed since the last failure."""
        return time.monotonic() >= self._retry_at

    def over(self) -> None:
        """It works again."""
        self._pause_s = self._retry_at = 0.0
