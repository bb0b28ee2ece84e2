"""What reaches a real terminal from the grid: few bytes, no colours, ASCII, and nothing a run has written."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.terminal import Terminal

DOWN, PAGE_DOWN = b"\x1b[B", b"\x1b[6~"
SGR = re.compile(rb"\x1b\[([0-9;]*)m")


@pytest.fixture
def demo(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """The grid of the benchmarks on 100,000 rows at 200×50, in an environment."""
    terminal = Terminal(
        "-m", "tests.benchmarks.grid_demo", "grid", "100000", columns=200, rows=50, env=request.param
    )
    yield terminal
    terminal.close()


def page_through(terminal: Terminal) -> bytes:
    """All that is written at the start, by a cursor key and by a page."""
    return terminal.start(b"sweep-000003")[1] + terminal.key(DOWN).data + terminal.key(PAGE_DOWN).data


@pytest.mark.parametrize("demo", [{"LANG": "C.UTF-8"}], indirect=True)
def test_a_key_costs_few_bytes(demo: Terminal) -> None:
    """A cursor key under 0.8 KB, a page under 1.6 times the text on it, nothing when idle."""
    demo.start(b"sweep-000003")
    assert 0 < len(demo.key(DOWN).data) <= 800
    page = demo.key(PAGE_DOWN)
    assert len(page.text) > 9000
    assert len(page.data) <= 1.6 * len(page.text)
    assert demo.read(limit=1, quiet=1).data == b""


@pytest.mark.parametrize("demo", [{"NO_COLOR": "1", "LANG": "C.UTF-8"}], indirect=True)
def test_no_color_sends_no_colour(demo: Terminal) -> None:
    """Bold, dim, underline and reverse only, and reverse only under the cursor."""
    seen = page_through(demo)
    codes = {code for found in SGR.findall(seen) for code in found.split(b";")}
    assert b"\x1b[7m" not in seen.split(b"\n")[-1]
    assert seen.count(b"\x1b[7m") < 20
    assert codes <= {b"", b"0", b"1", b"2", b"4", b"7"}
    assert b"7" in codes


@pytest.mark.parametrize("demo", [{"LANG": "C", "LC_ALL": ""}], indirect=True)
def test_the_c_locale_gets_ascii(demo: Terminal) -> None:
    """No byte above 127."""
    assert max(page_through(demo)) < 128
