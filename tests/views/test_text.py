"""No control, bidirectional or invisible character passes clean(); no formula passes csv_safe()."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labtop.views.text import MARKS_PER_LETTER, clean, csv_safe

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
NASTY = st.text(
    st.sampled_from(
        "a é中\x1b\x00\x07\r\n\t\x7f\x85\x9b\u202e\u2066\u200f\u061c"
        "\u200b\u200d\ufeff\u2028\u0301\ufe0f\udc9b\ud800"
    ),
    max_size=40,
)


@given(st.one_of(ANY_TEXT, NASTY))
@example("\x1b]52;c;VEFCTEU=\x1b\\ \x1b[6n x")
@example("\u0301" * 50)
def test_nothing_a_terminal_obeys_passes(text: str) -> None:
    """What comes out has no control, format, surrogate or separator character."""
    shown = clean(text)
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


@given(st.one_of(ANY_TEXT, NASTY))
def test_ascii_mode_is_printable_ascii(text: str) -> None:
    """In ASCII mode only printable ASCII comes out."""
    shown = clean(text, ascii=True)
    assert shown.isascii()
    assert shown.isprintable()


@given(st.one_of(ANY_TEXT, NASTY), st.integers(0, 20), st.booleans())
def test_a_limit_is_kept(text: str, limit: int, ascii: bool) -> None:
    """No more characters come out than asked for."""
    assert len(clean(text, limit, ascii=ascii)) <= limit


@given(st.one_of(ANY_TEXT, NASTY))
def test_marks_are_capped(text: str) -> None:
    """No letter carries more combining marks than the cap, and none stands without a letter."""
    run = MARKS_PER_LETTER
    for character in clean(text):
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        assert run <= MARKS_PER_LETTER


@given(NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """Clean text is left as it is."""
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "shown", "in_ascii"),
    [
        ("plain", "plain", "plain"),
        ("[/b] [@click=app.quit]x[/]", "[/b] [@click=app.quit]x[/]", "[/b] [@click=app.quit]x[/]"),
        ("a\x1b[31mb", "a␛[31mb", "a\\x1b[31mb"),
        ("one\r\ntwo\u2028three", "one⏎two⏎three", "one\\ntwo\\nthree"),
        ("tab\there", "tab here", "tab here"),
        ("\x9b31m", "\\x9b31m", "\\x9b31m"),
        ("abc\u202edef", "abc·def", "abc\\u202edef"),
        ("naïve 中", "naïve 中", "na\\xefve \\u4e2d"),
        ("\udcff", "\\xff", "\\udcff"),
        ("e\u0301\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301", "e" + "\\u0301" * 5),
        ("\u0301x", "◌\u0301x", "\\u0301x"),
        ("\x7f\x00", "␡␀", "\\x7f\\x00"),
    ],
)
def test_what_stands_for_what(text: str, shown: str, in_ascii: str) -> None:
    """Each hostile character has one visible stand-in."""
    assert clean(text) == shown
    assert clean(text, ascii=True) == in_ascii


def test_newlines_can_be_kept() -> None:
    """Text of several lines keeps its lines where the caller draws lines."""
    assert clean("a\r\nb\x1bc", newline="\n") == "a\nb␛c"


def test_a_cut_text_says_so() -> None:
    """A cut ends in an ellipsis, in ASCII in three points."""
    assert clean("x" * 300, 10) == "x" * 9 + "…"
    assert clean("x" * 300, 10, ascii=True) == "x" * 7 + "..."


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        (" =1", "' =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r'=1"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n-x", "a\r\n'-x"),
        ("-0.5", "-0.5"),
        ("+1e3", "+1e3"),
        ("-Infinity", "-Infinity"),
        ("-0.5x", "'-0.5x"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("＝1", "'＝1"),
        ("plain = text", "plain = text"),
        ("", ""),
    ],
)
def test_formulas_are_quoted(text: str, safe: str) -> None:
    """A line that a spreadsheet would run gets a quote; numbers and other text don't change."""
    assert csv_safe(text) == safe


@given(NASTY)
def test_csv_safe_leaves_no_formula(text: str) -> None:
    """No physical line of a cell starts a formula after a round trip through CSV."""
    out = io.StringIO()
    csv.writer(out).writerow([csv_safe("=" + text)])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    for line in row[0].replace("\r", "\n").split("\n"):
        assert not line.lstrip(" \u00a0\u200b\ufeff").startswith(("=", "+", "-", "@", "\t"))
