"""Numbers of a column line up, tell rows apart and never have 15 digits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.views.numbers import age, duration, format_numbers, shortest, size, split_point, widened

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def column(values: list[float | None], *, exact: bool = False) -> list[str]:
    """The cells of a column."""
    chosen = format_numbers(values, exact=exact)
    return [chosen.text(value) for value in values]


def test_learning_rates_read_as_they_were_given() -> None:
    """Params keep their own short form, aligned on the decimal point."""
    assert column([0.0003, 0.001, 1e-05, 1.0], exact=True) == ["0.0003", "0.001 ", "1e-05 ", "1     "]


def test_metrics_share_their_decimals() -> None:
    """Metrics of one size get the same number of decimals."""
    assert column([0.91, 0.95123456789, 1.02]) == ["0.910", "0.951", "1.020"]


def test_close_values_are_told_apart() -> None:
    """More digits are spent where the values would look the same."""
    assert column([0.95121, 0.95122, 0.95123]) == ["0.95121", "0.95122", "0.95123"]


def test_never_more_than_six_digits() -> None:
    """Differences behind the sixth digit are noise."""
    assert column([0.1 + 0.2, 0.3]) == ["0.300", "0.300"]


def test_whole_numbers_are_plain() -> None:
    """Steps and counts have no decimal point."""
    assert column([1.0, 20, 300000.0]) == ["     1", "    20", "300000"]
    assert shortest(12345678901) == "12345678901"


def test_nan_and_infinity_are_shown() -> None:
    """What diverged is visible; what is missing is quiet."""
    assert column([0.5, math.nan, math.inf, -math.inf, None]) == ["0.500", "  NaN", "  inf", " -inf", "    –"]


def test_tiny_and_huge_numbers_turn_scientific() -> None:
    """Magnitudes that fixed decimals cannot show."""
    assert column([1.5e-9, 2.5e-9]) == ["1.50e-09", "2.50e-09"]
    assert column([1.5e12 + 0.5, 2.5e12]) == ["1.50e+12", "2.50e+12"]


def test_an_outlier_does_not_vanish() -> None:
    """A value far below the others keeps its digits."""
    assert column([0.5, 0.6, 0.7, 0.8, 0.9, 1.2e-7])[-1].strip() == "1.2e-07"


def test_a_fraction_among_large_numbers_does_not_become_zero() -> None:
    """Where the others need no decimals it still keeps two digits."""
    assert column([100.5, 101.25, 102.0, 103.0, 0.5, -104.0])[4].strip() == "0.5"


@given(st.lists(st.one_of(st.none(), FLOATS, st.integers(-(10**20), 10**20)), max_size=30), st.booleans())
def test_a_column_lines_up(values: list[float | None], exact: bool) -> None:
    """All cells are equally wide, points stand below each other, and a number reads back to three digits."""
    cells = column(values, exact=exact)
    chosen = format_numbers(values, exact=exact)
    assert {len(cell) for cell in cells} <= {max(1, chosen.width)}
    for value, cell in zip(values, cells, strict=True):
        if value is None or not math.isfinite(value) or abs(value) > 1.7e308:  # these may round to infinity
            continue
        if "." in cell:
            assert cell.index(".") == chosen.left
        assert float(cell) == pytest.approx(value, rel=0.06)
        mantissa = "".join(cell.strip(" -").split("e")[0].split(".")).lstrip("0")
        assert len(mantissa) <= 6 or float(value).is_integer() or abs(value) >= 1e6


def test_whole_numbers_have_no_limit() -> None:
    """An integer beyond any float is written whole."""
    assert column([10**400, 1]) == [str(10**400), "1".rjust(401)]
    assert [cell.strip() for cell in column([10**400, 0.5, 0.25])] == [str(10**400), "0.500", "0.250"]
    assert format_numbers([0.5]).difference(10**400, 0.5) == ""


@given(st.lists(FLOATS, max_size=10), st.lists(FLOATS, max_size=10))
def test_a_widened_format_holds_both(first: list[float], second: list[float]) -> None:
    """A widened format is never narrower than either."""
    both = widened(format_numbers(first), format_numbers(second))
    assert both.left >= format_numbers(first).left
    assert both.right >= format_numbers(second).right


def test_differences_carry_their_sign() -> None:
    """A delta shows the direction, in the decimals of its column."""
    chosen = format_numbers([0.91, 0.95])
    assert chosen.difference(0.95, 0.91) == "+0.040"
    assert chosen.difference(0.91, 0.95) == "-0.040"
    assert chosen.difference(0.91, 0.91) == "="
    assert chosen.difference(math.nan, 0.9) == "NaN"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (0.42, "0.4s"), (9.99, "10s"), (42, "42s"), (59.7, "1m00s"), (725, "12m05s"), (3720, "1h02m"),
        (86400 * 3 + 4 * 3600, "3d04h"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    """A duration has two units at most."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "now"),
        (0.2, "now"),
        (42, "42s"),
        (720, "12m"),
        (3 * 86400, "3d"),
        (100 * 86400, "3mo"),
        (8e7, "2y"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    """An age has one unit."""
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (812, "812 B"), (4100, "4.1 kB"), (2.3e9, "2.3 GB"), (999_600, "1.0 MB")]
)
def test_sizes(count: float, text: str) -> None:
    """Bytes in the unit that keeps them short."""
    assert size(count) == text


def test_the_point_is_found() -> None:
    """The point, or the exponent where there is none."""
    assert split_point("12.5") == ("12", ".5")
    assert split_point("1e-05") == ("1", "e-05")


def test_zero_beside_small_numbers_is_written_short() -> None:
    """A learning rate that has come down to nothing is 0, not 0.0000000 or 0.00e+00."""
    assert column([0.0, 0.0003, 0.00001, 0.001]) == ["0        ", "0.0003000", "0.0000100", "0.0010000"]
    assert column([0.0, 2.4e-6, 4.8e-6]) == ["0       ", "2.40e-06", "4.80e-06"]
    assert column([0.0, 0.25, 0.5]) == ["0.000", "0.250", "0.500"]
