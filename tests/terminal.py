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

PATIENCE_S = 60.0
"""How long anything may take on a machine that is busy with other things; what is waited for mostly comes at once."""
CALM_S = 0.06
"""So long a program must have been silent and at rest."""
ESCAPE_S = 0.1
"""So long Textual waits for what may follow an Esc."""
POLL_S = 0.01

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
        self.has_ended = False  # nothing more can be read
        self._status: int | None = None
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
                if not (part := self._part()):
                    self.has_ended = True
                    break
                data += part
                last = (time.perf_counter() - began) * 1000
                first = first or last
            elif wanted in data and (data or not wanted or now - began >= limit):
                break
        return Answer(data, first, last)

    def wait_for(self, wanted: bytes, limit: float = PATIENCE_S) -> bytes:
        """What is written until `wanted` has come; that it comes is asserted."""
        data, until = b"", time.perf_counter() + limit
        while wanted not in data and time.perf_counter() < until and not self.has_ended:
            data += self.read(quiet=0.002, limit=0.05).data
        assert wanted in data, (wanted, data[-300:])
        return data

    def settle(self, calm: float = CALM_S, limit: float = PATIENCE_S) -> Answer:
        """What is written until the program, at rest, has been silent for a while: a busy machine is waited for."""
        began = time.perf_counter()
        data, first, last, calmed = b"", None, None, 0.0
        while (now := time.perf_counter()) - began < limit and calmed < calm and not self.has_ended:
            part = self.read(quiet=POLL_S, limit=POLL_S).data
            if part:
                data, last, calmed = data + part, (time.perf_counter() - began) * 1000, 0.0
                first = first or last
            elif not _is_at_work(self.pid):  # time in which it would have liked to run does not count
                calmed += min(time.perf_counter() - now, 2 * POLL_S)
        return Answer(data, first, last)

    def start(self, wanted: bytes, limit: float = PATIENCE_S) -> tuple[float, bytes]:
        """Seconds until `wanted` is on the screen, and all that was written until the program is at rest."""
        data = self.wait_for(wanted, limit)
        seconds = time.perf_counter() - self.started
        return seconds, data + self.settle().data

    def key(self, data: bytes) -> Answer:
        """Press a key."""
        os.write(self.fd, data)
        return self.settle(CALM_S + ESCAPE_S * data.endswith(b"\x1b"))

    def end(self, data: bytes, limit: float = PATIENCE_S) -> tuple[int, bytes]:
        """Press a key that ends the program: its exit code, and what it wrote. That it ends is asserted."""
        os.write(self.fd, data)
        return self.ended(limit)

    def ended(self, limit: float = PATIENCE_S) -> tuple[int, bytes]:
        """Wait until the program ends by itself: its exit code, and what it wrote until then."""
        written, until = b"", time.perf_counter() + limit
        while not self.has_ended and time.perf_counter() < until:
            written += self.read(quiet=0.05, limit=0.5).data
        assert self.has_ended, ("the program goes on", written[-300:])
        return os.waitstatus_to_exitcode(self._reap()), written

    def memory_mb(self) -> float:
        """Resident memory of the program."""
        import psutil

        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        """End the program."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        os.close(self.fd)

    def _part(self) -> bytes:
        try:
            return os.read(self.fd, 65536)
        except OSError:  # so Linux says that the other end is closed
            return b""

    def _reap(self) -> int:
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        return self._status


def _is_at_work(pid: int) -> bool:
    """Whether a thread of a process, or of one of its children, runs or would run if there were a free processor.

    Known on Linux only; elsewhere silence has to do.
    """
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            children = (task / "children").read_text().split()
        except OSError:  # it has ended meanwhile
            continue
        if state in "RD" or any(_is_at_work(int(child)) for child in children):
            return True
    return False
