"""No point that stands out is lost on the way to dots."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from labtop.views.chart_binning import bin_columns, column_of, row_of, spans
from labtop.views.chart_raster import DOT_SETS, NOBODY, DotSet, Raster
from labtop.views.chart_scale import Floats, Scale, fit_scale

WIDTH, HEIGHT = 60, 12
any_dots = pytest.mark.parametrize("dots", DOT_SETS.values(), ids=DOT_SETS)


def _draw(x: Floats, y: Floats, x_scale: Scale, y_scale: Scale, dots: DotSet = DOT_SETS["braille"]) -> Raster:
    raster = Raster(WIDTH, HEIGHT, dots)
    binned = bin_columns(x, y, x_scale, raster.columns, y_scale.log)
    raster.draw_line(spans(binned, y_scale, raster.columns, raster.rows), 0)
    return raster


def _lit(raster: Raster) -> NDArray[np.bool_]:
    """The dots that are lit, as rows × columns."""
    dots = np.zeros((raster.rows, raster.columns), dtype=np.bool_)
    for row, bits in enumerate(raster.dot_set.bits):
        for column, bit in enumerate(bits):
            dots[row :: raster.dot_set.down, column :: raster.dot_set.across] = (raster.front & bit) > 0
    return dots


def _scales(x: Floats, y: Floats, log: bool = False) -> tuple[Scale, Scale]:
    finite = y[np.isfinite(y) & ((y > 0) | (not log))]
    ends = (finite.min(), finite.max()) if finite.size else (np.nan, np.nan)
    return fit_scale(float(x[0]), float(x[-1])), fit_scale(float(ends[0]), float(ends[1]), log)


@any_dots
@pytest.mark.parametrize("at", [0, 1, 333_333, 777_776, 999_999])
@pytest.mark.parametrize("value", [50.0, -50.0])
def test_a_spike_of_one_point_among_a_million_is_drawn_at_its_row_and_column(
    dots: DotSet, at: int, value: float
) -> None:
    x = np.arange(1_000_000, dtype=np.float64)
    y = np.sin(x / 1e5)
    y[at] = value
    x_scale, y_scale = _scales(x, y)
    raster = _draw(x, y, x_scale, y_scale, dots)
    row, column = row_of(value, y_scale, raster.rows), column_of(at, x_scale, raster.columns)
    assert row == (0 if value > 0 else raster.rows - 1)
    assert _lit(raster)[row, column]


finite_series = arrays.arrays(
    np.float64, st.integers(1, 400), elements=st.floats(allow_nan=False, allow_infinity=False, width=64)
)


@settings(max_examples=30, deadline=None)
@given(finite_series, st.data())
def test_the_highest_and_lowest_point_are_lit(y: Floats, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(0, 3), min_size=y.size, max_size=y.size))
    x = np.cumsum(np.array(gaps, dtype=np.float64))
    x_scale, y_scale = _scales(x, y)
    raster = _draw(x, y, x_scale, y_scale)
    lit = _lit(raster)
    for place in (int(np.argmax(y)), int(np.argmin(y))):
        row = row_of(float(y[place]), y_scale, raster.rows)
        column = column_of(float(x[place]), x_scale, raster.columns)
        assert lit[row, max(0, column - 1) : column + 2].any()  # rounding may put an edge one dot aside


@settings(max_examples=30, deadline=None)
@given(finite_series)
def test_a_line_has_no_hole_between_its_first_and_last_column(y: Floats) -> None:
    x = np.arange(y.size, dtype=np.float64)
    raster = _draw(x, y, *_scales(x, y))
    lit = _lit(raster)
    columns = np.flatnonzero(lit.any(axis=0))
    assert (np.diff(columns) == 1).all()
    for left, right in itertools.pairwise(columns):
        ours, theirs = np.flatnonzero(lit[:, left]), np.flatnonzero(lit[:, right])
        assert ours.min() <= theirs.max() + 1
        assert theirs.min() <= ours.max() + 1


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(
        np.float64, st.integers(1, 300),
        elements=st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0, 2.0, 1e308, -1e308, 5e-324]),
    ),
    st.booleans(),
)  # fmt: skip
def test_what_cannot_be_drawn_is_flagged_in_its_column(y: Floats, log: bool) -> None:
    x = np.arange(y.size, dtype=np.float64)
    x_scale, y_scale = _scales(x, y, log)
    binned = bin_columns(x, y, x_scale, 120, y_scale.log)
    columns = [column_of(float(each), x_scale, 120) for each in x]
    for flags, bad in (
        (binned.nan, np.isnan(y)),
        (binned.above, y == np.inf),
        (binned.below, (y <= 0) if log else (y == -np.inf)),
    ):
        expected = {column for column, is_bad in zip(columns, bad, strict=True) if is_bad}
        found = set(np.flatnonzero(flags).tolist())
        # a point right between two columns may be rounded to either
        assert all({column - 1, column, column + 1} & found for column in expected)
        assert all({column - 1, column, column + 1} & expected for column in found)


def test_nan_opens_a_gap_and_leaves_the_points_on_both_sides() -> None:
    x, y = np.arange(7.0), np.array([1.0, 1.0, np.nan, np.nan, 1.0, np.nan, 1.0])
    raster = _draw(x, y, Scale(0, 6), Scale(0, 2))
    lit = np.logical_or.reduce(_lit(raster), axis=0)
    at = [column_of(each, Scale(0, 6), raster.columns) for each in x]
    assert lit[at[0] : at[1] + 1].all()
    assert not lit[at[1] + 1 : at[4]].any()
    assert lit[at[4]]  # a single point between two gaps
    assert lit[at[6]]
    assert lit.sum() == at[1] - at[0] + 3


def test_nan_beside_numbers_in_one_column_hides_neither() -> None:
    x = np.arange(1200.0)
    y = np.ones(1200)
    y[605] = np.nan
    binned = bin_columns(x, y, Scale(0, 1199), 120)
    assert binned.nan.sum() == 1
    assert binned.positions.size == 120
    assert binned.joined.all()  # the gap lies within the column


def test_duplicate_x_keeps_both_values() -> None:
    raster = _draw(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 9.0, 0.0]), Scale(0, 2), Scale(0, 9))
    middle = column_of(1.0, Scale(0, 2), raster.columns)
    assert _lit(raster)[:, middle].all()


def test_when_zoomed_in_lines_lead_to_the_points_outside() -> None:
    """Between two points far apart, a straight line crosses the whole plot."""
    raster = _draw(np.array([0.0, 100.0]), np.array([0.0, 100.0]), Scale(40, 60), Scale(40, 60))
    lit = _lit(raster)
    assert lit.any(axis=0).all()
    assert lit[-1, 0]
    assert lit[0, -1]


def test_the_front_hides_the_back_in_a_cell_and_the_last_line_gives_the_colour() -> None:
    raster = Raster(4, 2)
    flat = bin_columns(np.array([0.0, 7.0]), np.array([1.0, 1.0]), Scale(0, 7), 8)
    lines = spans(flat, Scale(0, 1), 8, 8)
    raster.draw_line(lines, 5, back=True)
    assert set(raster.owners()[0]) == {5}
    raster.draw_line(lines, 1)
    raster.draw_line(lines, 2)
    assert set(raster.owners()[0]) == {2}
    assert set(raster.owners()[1]) == {NOBODY}
    assert "".join(map(chr, raster.codes()[0])) == "⠉⠉⠉⠉"


def test_a_band_is_woven_between_its_lines() -> None:
    raster = Raster(4, 2)
    x = np.array([0.0, 7.0])
    low, high = (spans(bin_columns(x, np.full(2, y), Scale(0, 7), 8), Scale(0, 1), 8, 8) for y in (0.0, 1.0))
    raster.draw_band(high, low, 0)
    assert "".join(map(chr, raster.codes()[0])) in ("⢕⢕⢕⢕", "⡪⡪⡪⡪")


@any_dots
def test_nothing_is_drawn_for_an_empty_series(dots: DotSet) -> None:
    raster = _draw(np.empty(0), np.empty(0), Scale(0, 1), Scale(0, 1), dots)
    assert set(raster.codes().ravel()) == {ord(" ")}
