"""What the command line writes fits an 80-column terminal: sentences break between words, wide columns give way."""

from __future__ import annotations

import pytest

from labtop.cli.diagnostics import wrapped
from labtop.cli.text_table import NARROW, TextTable


def test_words_stay_whole() -> None:
    """Later lines are indented; a word that is longer than the line is not cut, for somebody may copy it."""
    text = "  + secrets  one has a secret's name; /a/very/long/path/that/is/longer is left"
    lines = wrapped(text, 24, "    ")
    assert lines == [
        "  + secrets  one has a",
        "    secret's name;",
        "    /a/very/long/path/that/is/longer",
        "    is left",
    ]
    assert wrapped("short", 24) == ["short"]


@pytest.mark.parametrize(("width", "titles"), [(60, 3), (40, 2), (200, 3)])
def test_one_long_name_does_not_push_all_else_out(width: int, titles: int) -> None:
    """Text columns become narrower before others are left out; the first ones get what is left over."""
    table = TextTable(["id", "name", "loss"], [["a" * 10, "n" * 300, "0.25"]], [False, False, True])
    lines, left_out = table.lines(width, "…")
    assert len(left_out) == 3 - titles
    assert all(len(line) <= width for line in lines)
    assert lines[1].count("n") >= min(NARROW, width - 12) - 1


def test_one_endless_name_fills_no_other_line_of_a_pipe() -> None:
    """It stays whole where it stands; the other lines are as wide as before."""
    rows = [["n" * 100_000, "1"], ["loss", "2"], ["acc", "3"]]
    lines, left_out = TextTable(["metric", "last"], rows, [False, True]).lines(None, "…")
    assert left_out == []
    assert lines[1] == "n" * 100_000 + "     1"
    assert [len(line) for line in (lines[0], *lines[2:])] == [206] * 3
