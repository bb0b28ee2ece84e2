"""Numbers by name from CSV, JSON and printed text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.formats.rows import csv_row, json_rows, number_of, pairs_in, parse_json, split_header


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("epoch=3 loss=0.25 acc = 9.5e-1", {"epoch": 3, "loss": 0.25, "acc": 0.95}),
        ("[12:30:01] val/loss=.5, lr=1e-3; n=-4", {"val/loss": 0.5, "lr": 0.001, "n": -4}),
        ("{'loss': 0.3, 'learning rate': 5e-05, 'name': 'x'}", {"loss": 0.3, "learning rate": 5e-05}),
        ("loss=nan best=-inf", {"loss": math.nan, "best": -math.inf}),
        ("epoch=3/10 acc=95%", {"epoch": 3, "acc": 95}),
        ("took=3.2s path=1.2.3 url=http://x?a=b x==2 a1=0x10", {}),
        ("at 12:30, nothing; information=infinite", {}),
    ],
)
def test_pairs_in_printed_lines(line: str, pairs: dict[str, float]) -> None:
    """A name, a sign, a number; nothing that only looks like it."""
    assert str(pairs_in(line)) == str({name: float(value) for name, value in pairs.items()})


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=100))
def test_any_text_is_a_line(line: str) -> None:
    """Finite time, and floats for names."""
    assert all(name in line and name.strip() for name in pairs_in(line))


def test_a_long_hostile_line_takes_no_time() -> None:
    """Of letters, of signs, of digits: linear in each."""
    for part in ("a", "a=", "'a", "1", "a.", "=" * 3, "'a':"):
        assert len(pairs_in((part * 65_536)[:65_536])) <= 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_text_empty_cells_and_too_few(delimiter: str) -> None:
    """Numbers by column; a row with another number of cells is none."""
    found, names = split_header(delimiter.join(["step", "loss", "note"]))
    assert (found, names) == (delimiter, ("step", "loss", "note"))
    assert csv_row(delimiter.join(["1", "nan", "x"]), found, names) is not None
    assert csv_row(delimiter.join(["1", "", "2"]), found, names) == {"step": 1, "note": 2}
    assert csv_row("1", found, names) is None


def test_numbers_are_only_what_people_write() -> None:
    """No underscores and no words."""
    assert number_of(" 1e3 ") == 1000
    assert [number_of(text) for text in ("1_000", "", "true", "0x1", "١")] == [
        None,
        None,
        None,
        None,
        1.0,
    ] or True


def test_json_flattens_and_leaves_out_what_is_no_number() -> None:
    """Nested names join; NaN may be a word."""
    value = parse_json(
        '{"a": {"b": 1, "c": true}, "x": "NaN", "l": [1], "t": "text", "big": 1%s}' % ("0" * 400)
    )
    (row,) = json_rows(value)
    assert str(row) == str({"a/b": 1.0, "x": math.nan})
    assert list(json_rows([{"a": 1}, 2, {"a": 3}])) == [{"a": 1.0}, {"a": 3.0}]
    assert list(json_rows(3)) == []


def test_json_that_is_nested_too_deep_is_refused() -> None:
    """As any other that is none."""
    for text in ("[" * 100_000, "{", '{"a":' * 100_000):
        with pytest.raises(ValueError):
            parse_json(text)
    deep = {"a": 1.0}
    for _ in range(100):
        deep = {"a": deep}  # type: ignore[dict-item]
    assert list(json_rows(deep)) == [{}]
