"""Passes on what a command writes, byte for byte and at once, and lets the recorder have a copy."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

from labtop.recording.wrapped.streams import Outlet
from labtop.recording.wrapped.tap import Tap
from labtop.recording.wrapped.terminal import is_in_front

_CHUNK = 65536
_LAST_CHUNKS = 64  # read at most after the command's end: what somebody else still writes is not waited for
_BACKGROUND_S = 0.2  # between looks whether the terminal is ours again


class Relay(threading.Thread):
    """Passes one stream on, in a thread of its own, until it ends or is told to stop."""

    def __init__(self, outlet: Outlet, tap: Tap) -> None:
        super().__init__(name=f"labtop-{outlet.name}", daemon=True)
        self.outlet = outlet
        self.has_ended = False  # nobody can write to it any more
        self._tap = tap
        self._bell, self._ring = os.pipe()

    def run(self) -> None:
        """Read, write, copy."""
        source, chunks_left = self.outlet.source, _LAST_CHUNKS
        while True:
            ready = select.select([source, self._bell], [], [])[0]
            chunks_left -= self._bell in ready
            if source not in ready or not chunks_left:
                return
            try:
                data = os.read(source, _CHUNK)
            except OSError:  # EIO: the last end of a pseudo-terminal was closed
                data = b""
            if not data or not write_all(self.outlet.target, data):
                self.has_ended = True
                os.close(source)  # who still writes is told that nobody reads
                return
            self._tap.put(self.outlet.name, data)

    def stop(self) -> None:
        """Read what is there and no more."""
        os.write(self._ring, b".")


class Keyboard(threading.Thread):
    """Passes keys on to the command's terminal while the real one is ours; `to_front` is called when it is again."""

    def __init__(self, terminal: int, keyboard: int, to_front: Callable[[], None]) -> None:
        super().__init__(name="labtop-keys", daemon=True)
        self._terminal = terminal
        self._keyboard = keyboard
        self._to_front = to_front
        self._bell, self._ring = os.pipe()
        self.is_behind = False

    def run(self) -> None:
        """Read, write."""
        while True:
            if not is_in_front(self._terminal):
                self.is_behind = True
                if select.select([self._bell], [], [], _BACKGROUND_S)[0]:
                    return
                continue
            if self.is_behind:
                self.is_behind = False
                self._to_front()
            ready = select.select([self._terminal, self._bell], [], [], 1.0)[0]
            if self._bell in ready:
                return
            if ready and is_in_front(self._terminal):
                try:
                    data = os.read(self._terminal, 4096)
                except OSError:
                    data = b""
                if not data or not write_all(self._keyboard, data):
                    return

    def stop(self) -> None:
        """Read no more keys: they are for who comes next."""
        os.write(self._ring, b".")


def write_all(descriptor: int, data: bytes) -> bool:
    """Write every byte, waiting where that is needed; False when nobody is there to read."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError:
            return False
    return True
