"""The copies of what a command writes, on their way to the recorder."""

from __future__ import annotations

import threading
from collections import deque

_MOST_WAITING = 64 * 2**20  # bytes that the recorder may be behind; then the command waits for it


class Tap:
    """The copies that wait for the recorder: (stream, bytes), in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self.is_open = True  # False: nobody wants copies any more

    def put(self, stream: str, data: bytes) -> None:
        """Leave a copy; waits only while the recorder is far behind."""
        with self._changed:
            while self.is_open and self._bytes > _MOST_WAITING:
                self._changed.wait()
            if self.is_open:
                self._waiting.append((stream, data))
                self._bytes += len(data)
                self._changed.notify_all()

    def take(self, timeout_s: float) -> list[tuple[str, bytes]]:
        """All copies that wait; after `timeout_s` without any, none."""
        with self._changed:
            if not self._waiting and self.is_open:
                self._changed.wait(timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Let `take` return now."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Take no copies any more, and keep nobody waiting."""
        with self._changed:
            self.is_open = False
            self._waiting.clear()
            self._changed.notify_all()
