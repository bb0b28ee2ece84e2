"""The summary of a metric says what its points say, however it was reached."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.model.fold import SPARK_LENGTH, SummaryFold
from labtop.model.run import MetricSummary

FLOATS = st.floats(width=64)
FINITE = st.floats(-1e9, 1e9)


def fold(values: list[float], start: MetricSummary | None = None, first_step: int = 0) -> MetricSummary:
    summary = SummaryFold(start)
    for step, value in enumerate(values, first_step):
        summary.add(step, value)
    return summary.summary()


@given(st.lists(FLOATS, min_size=1, max_size=400))
def test_extremes_and_counts_equal_those_of_the_points(values: list[float]) -> None:
    """Minimum, maximum, first, last and counts are those of the points, NaN left out of the extremes."""
    summary = fold(values)
    known = [value for value in values if not math.isnan(value)]
    assert (summary.count, summary.nan_count) == (len(values), len(values) - len(known))
    assert summary.min == (min(known) if known else None)
    assert summary.max == (max(known) if known else None)
    assert summary.last_step == len(values) - 1
    assert repr(summary.first) == repr(values[0])
    assert repr(summary.last) == repr(values[-1])


@given(st.lists(FINITE, min_size=1, max_size=300))
def test_the_mean_is_the_mean(values: list[float]) -> None:
    """The running mean agrees with the mean of all values."""
    mean = fold(values).mean
    assert mean is not None
    assert math.isclose(mean, math.fsum(values) / len(values), rel_tol=1e-9, abs_tol=1e-6)


@given(st.lists(FINITE, min_size=1, max_size=3000))
def test_the_spark_keeps_every_spike(values: list[float]) -> None:
    """At most 64 numbers, the lowest and the highest of all points among them."""
    spark = fold(values).spark
    assert len(spark) <= SPARK_LENGTH
    assert min(spark) == min(values)
    assert max(spark) == max(values)


@given(st.lists(FLOATS, max_size=500), st.integers(0, 500))
def test_folding_goes_on_from_a_summary(values: list[float], cut: int) -> None:
    """A summary that is continued equals one made in one go."""
    cut = min(cut, len(values))
    continued = fold(values[cut:], fold(values[:cut]), cut)
    assert repr(continued.spark) == repr(fold(values).spark)
    assert continued.count == len(values)


def test_a_mean_of_huge_values_does_not_overflow() -> None:
    """Values near the largest double have a finite mean."""
    assert fold([1.7e308, 1.7e308]).mean == pytest.approx(1.7e308)


def test_an_infinity_shows_in_the_mean() -> None:
    """Infinities are not left out."""
    assert fold([1.0, math.inf]).mean == math.inf


def test_only_nan_has_no_mean() -> None:
    """Nothing is made up where nothing is known."""
    summary = fold([math.nan, math.nan])
    assert (summary.mean, summary.min, summary.nan_count) == (None, None, 2)


@given(st.lists(st.one_of(FLOATS, FINITE, st.integers(-3, 3).map(float)), max_size=600), st.integers(1, 300))
def test_many_at_once_are_the_same_as_one_by_one(values: list[float], size: int) -> None:
    """Points folded in lots give the summary that they give one by one; only the mean may differ in its last digits."""
    at_once = SummaryFold()
    for start in range(0, len(values), size):
        lot = values[start : start + size]
        at_once.add_all([*range(start, start + len(lot))], lot)
    mine, theirs = at_once.summary(), fold(values)
    assert repr(replace(mine, mean=None)) == repr(replace(theirs, mean=None))
    if mine.mean is None or theirs.mean is None:
        assert mine.mean is theirs.mean
    else:
        near = max((abs(value) for value in values if abs(value) < math.inf), default=0.0) * 1e-12
        both_nan = math.isnan(mine.mean) and math.isnan(theirs.mean)
        assert both_nan or math.isclose(mine.mean, theirs.mean, rel_tol=1e-9, abs_tol=near)
