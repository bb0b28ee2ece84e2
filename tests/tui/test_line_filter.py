"""The last hand on every line: no code that says nothing, no colour under NO_COLOR, no byte above 127 in ASCII."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from labtop.tui.line_filter import TerminalFilter, lean_style, plain_style, to_ascii_cells

BACKGROUND = Color(0, 0, 0)
DEFAULT = Style.parse("default on default")


def apply(segments: list[Segment], **how: bool) -> list[Segment]:
    """A line through a filter."""
    return TerminalFilter(**how).apply(segments, BACKGROUND)


def test_default_colours_are_not_sent() -> None:
    """Text in the terminal's own colours is plain text, in one piece."""
    line = [Segment("a", DEFAULT), Segment("b", Style.null()), Segment("c", None)]
    assert apply(line) == [Segment("abc", None)]


def test_what_says_something_is_kept() -> None:
    """Bold, colours and what a click does stay."""
    style = DEFAULT + Style(bold=True, color="red", meta={"@click": "x"})
    kept = lean_style(style)
    assert kept is not None
    assert (kept.bold, kept.color, kept.bgcolor, kept.meta) == (True, style.color, None, {"@click": "x"})


def test_no_colour_is_left() -> None:
    """Without colours a background becomes reverse video; attributes stay."""
    (segment,) = apply([Segment("a", Style.parse("bold red on blue"))], colours=False)
    assert segment.style == Style(bold=True, reverse=True)
    assert plain_style(Style.parse("red")) is None
    assert plain_style(Style.parse("underline red on default")) == Style(underline=True)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_ascii_keeps_the_width(text: str) -> None:
    """ASCII stands for anything in as many cells."""
    shown = to_ascii_cells(text)
    assert shown.isascii()
    assert len(shown) == cell_len(text)


def test_chrome_reads_in_ascii() -> None:
    """Borders, bars and marks have likenesses."""
    (segment,) = apply([Segment("┌─┐│▁█ loss↓ é 中 ±", None)], ascii=True)
    assert segment.text == "+-+|_# lossv ? ?? ~"
