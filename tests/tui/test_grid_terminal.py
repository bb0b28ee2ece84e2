"""What reaches a real terminal from the grid: few bytes, no colours, ASCII, and nothing a run has written."""

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
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SGR = re.compile(rb"\x1b\[([0-9;]*)m")
ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[mHK]|\x1b\[\?[0-9;]*[hl$]p?|\x1b\[[<>=?][0-9;]*[a-z]|\x1bP[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[a-zA-Z]"
)


class Terminal:
    """A program on a pty."""

    def __init__(self, *command: str, columns: int, rows: int, env: Mapping[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execvpe(sys.executable, [sys.executable, *command], os.environ | dict(env))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, wanted: bytes = b"", quiet: float = 0.3, limit: float = 20) -> bytes:
        """What is written until `wanted` came and it then falls quiet."""
        data, end = b"", time.monotonic() + limit
        while time.monotonic() < end:
            if select.select([self.fd], [], [], quiet)[0]:
                data += os.read(self.fd, 65536)
            elif wanted in data:
                break
        return data

    def key(self, data: bytes) -> bytes:
        """Press a key, and what it makes the program write."""
        os.write(self.fd, data)
        return self.until(b"\x1b")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def demo(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """The grid of the benchmarks on 100,000 rows at 200×50, in an environment."""
    terminal = Terminal(
        "-m", "tests.benchmarks.grid_demo", "grid", "100000", columns=200, rows=50, env=request.param
    )
    yield terminal
    terminal.close()


@pytest.mark.parametrize("demo", [{"LANG": "C.UTF-8"}], indirect=True)
def test_a_key_costs_few_bytes(demo: Terminal) -> None:
    """A cursor key under 0.8 KB, a page under 1.6 times the text on it, nothing when idle."""
    demo.until(b"sweep-000003")
    assert 0 < len(demo.key(b"\x1b[B")) <= 800
    page = demo.key(b"\x1b[6~")
    text = ALLOWED.sub(b"", page)
    assert len(text) > 9000
    assert len(page) <= 1.6 * len(text)
    assert demo.until(limit=1.0, quiet=1.0) == b""


@pytest.mark.parametrize("demo", [{"NO_COLOR": "1", "LANG": "C.UTF-8"}], indirect=True)
def test_no_color_sends_no_colour(demo: Terminal) -> None:
    """Bold, dim, underline and reverse only."""
    seen = demo.until(b"sweep-000003") + demo.key(b"\x1b[B") + demo.key(b"\x1b[6~")
    codes = {code for found in SGR.findall(seen) for code in found.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"4", b"7"}
    assert b"7" in codes


@pytest.mark.parametrize("demo", [{"LANG": "C", "LC_ALL": ""}], indirect=True)
def test_the_c_locale_gets_ascii(demo: Terminal) -> None:
    """No byte above 127."""
    seen = demo.until(b"sweep-000003") + demo.key(b"\x1b[B") + demo.key(b"\x1b[6~")
    assert max(seen) < 128
