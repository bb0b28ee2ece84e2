"""Only cells that changed are repainted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from labtop.tui.widgets.chart_strips import JOIN, changed_spans, line_of, overlaid

BOLD, PLAIN = Style(bold=True), Style()


def _strip(*pieces: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in pieces])


def test_equal_lines_have_no_changes() -> None:
    assert changed_spans(_strip(("abc", PLAIN)), _strip(("a", PLAIN), ("bc", PLAIN))) == []


def test_changes_far_apart_are_told_apart_and_near_ones_joined() -> None:
    before = _strip(("." * 40, PLAIN))
    after = _strip(("x" + "." * JOIN + "x" + "." * 20 + "x", PLAIN), ("." * (40 - JOIN - 23), PLAIN))
    assert changed_spans(before, after) == [(0, JOIN + 2), (JOIN + 22, JOIN + 23)]


def test_a_change_of_style_is_a_change() -> None:
    assert changed_spans(_strip(("abc", PLAIN)), _strip(("a", PLAIN), ("b", BOLD), ("c", PLAIN))) == [(1, 2)]


def test_a_wide_character_is_never_sent_by_half() -> None:
    assert changed_spans(_strip(("ab早d", PLAIN)), _strip(("a早cd", PLAIN))) == [(1, 4)]


@given(st.lists(st.tuples(st.text("ab早e\u0301", max_size=8), st.sampled_from([PLAIN, BOLD])), max_size=6))
def test_a_line_has_the_width_it_should(pieces: list[tuple[str, Style]]) -> None:
    strip = line_of(pieces, 20)
    assert strip.cell_length == 20
    assert cell_len(strip.text) == 20


def test_cells_are_laid_over_a_line() -> None:
    line = _strip(("abc", PLAIN), ("def", BOLD))
    over = overlaid(line, {0: ("X", BOLD), 3: ("Y", PLAIN), 5: ("Z", PLAIN)})
    assert over.text == "XbcYeZ"
    assert over.cell_length == line.cell_length
    assert [(text, style) for text, style, _ in over] == [
        ("X", BOLD), ("bc", PLAIN), ("Y", PLAIN), ("e", BOLD), ("Z", PLAIN),
    ]  # fmt: skip
