"""A program on a real pty, for tests and benchmarks that count what goes to a terminal and when."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ESCAPES = re.compile(rb"\x1b\[[0-9;?<=>]*\$?[a-zA-Z]|\x1bP[^\x1b]*\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Escape sequences that a terminal obeys; what is left is text."""


class Answer(NamedTuple):
    """What a key made a program write, and the milliseconds to its first and last byte (None: nothing came)."""

    data: bytes
    first_ms: float | None
    last_ms: float | None

    @property
    def text(self) -> bytes:
        """The data without escape sequences."""
        return ESCAPES.sub(b"", self.data)


class Terminal:
    """A Python program (`-m module …` or a file) on a pty of some size. A variable of `env` that is None is unset."""

    def __init__(
        self, *command: str, columns: int = 80, rows: int = 24, env: Mapping[str, str | None] | None = None
    ) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.02)  # the parent sets the size first
            os.chdir(ROOT)
            merged = {**os.environ, **(env or {})}
            kept = {name: value for name, value in merged.items() if value is not None}
            os.execvpe(sys.executable, [sys.executable, *command], kept)
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, wanted: bytes = b"", quiet: float = 0.3, limit: float = 20) -> Answer:
        """What is written until `wanted` came and it then falls quiet, or the limit has passed."""
        began = time.perf_counter()
        data, first, last = b"", None, None
        while (now := time.perf_counter()) - began < limit:
            if select.select([self.fd], [], [], quiet)[0]:
                try:
                    data += os.read(self.fd, 65536)
                except OSError:  # the program has ended
                    break
                last = (time.perf_counter() - began) * 1000
                first = first or last
            elif wanted in data and (data or not wanted or now - began >= limit):
                break
        return Answer(data, first, last)

    def start(self, wanted: bytes, limit: float = 20) -> tuple[float, bytes]:
        """Seconds until `wanted` is on the screen, and all that was written until it is quiet."""
        data = b""
        while wanted not in data and time.perf_counter() - self.started < limit:
            data += self.read(quiet=0.002, limit=0.05).data
        seconds = time.perf_counter() - self.started
        return seconds, data + self.read(limit=2).data

    def key(self, data: bytes) -> Answer:
        """Press a key."""
        os.write(self.fd, data)
        return self.read(b"\x1b", limit=3)

    def memory_mb(self) -> float:
        """Resident memory of the program."""
        import psutil

        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
