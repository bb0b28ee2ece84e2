"""Ticks are round, few, and told apart by labels as short as that allows."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.views.chart_scale import Scale, fit_scale, zoomed
from labtop.views.chart_ticks import AxisKind, duration, format_position, plain_number, short_number, ticks


def _labels(low: float, high: float, wanted: int, kind: AxisKind = "number", log: bool = False) -> list[str]:
    return [tick.label for tick in ticks(Scale(low, high, log), wanted, kind)]


@pytest.mark.parametrize(
    ("low", "high", "wanted", "kind", "expected"),
    [
        (0, 1, 5, "number", ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.9912, 0.9937, 5, "number", ["0.9915", "0.9920", "0.9925", "0.9930", "0.9935"]),
        (0, 123456, 5, "step", ["0", "25k", "50k", "75k", "100k"]),
        (99_990, 100_010, 4, "step", ["99990", "99995", "100000", "100005", "100010"]),
        (0, 3, 9, "step", ["0", "1", "2", "3"]),
        (0, 4000, 5, "relative", ["0", "15m", "30m", "45m", "1h"]),
        (0, 3, 3, "relative", ["0", "1s", "2s", "3s"]),
    ],
)
def test_linear_ticks_are_round(
    low: float, high: float, wanted: int, kind: AxisKind, expected: list[str]
) -> None:
    assert _labels(low, high, wanted, kind) == expected


def test_log_ticks_are_decades_or_within_one_the_steps_1_2_5() -> None:
    assert _labels(1e-5, 1e-3, 5, log=True) == ["1e-5", "1e-4", "0.001"]
    assert _labels(0.02, 0.9, 5, log=True) == ["0.02", "0.05", "0.1", "0.2", "0.5"]
    assert _labels(1, 1e9, 4, log=True) == ["1", "1000", "1M", "1G"]


def test_clock_ticks_fall_on_local_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    start = datetime(2026, 3, 1, 9, 50).timestamp()
    assert _labels(start, start + 3 * 3600, 3, "clock") == ["10:00", "11:00", "12:00"]


@settings(max_examples=200, deadline=None)
@given(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False),
    st.integers(1, 12), st.booleans(), st.sampled_from(["number", "step", "relative", "clock"]),
)  # fmt: skip
def test_any_axis_has_ticks_on_it_and_not_too_many(
    one: float, other: float, wanted: int, log: bool, kind: AxisKind
) -> None:
    scale = fit_scale(min(one, other), max(one, other), log)
    found = ticks(scale, wanted, kind)
    assert len(found) <= 12 * wanted + 2
    for tick in found:
        assert -1e-6 <= scale.fraction(tick.value) <= 1 + 1e-6
        assert len(tick.label) <= 24


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 8))
def test_labels_of_one_axis_differ(low: float, span: float, wanted: int) -> None:
    labels = _labels(low, low + span, wanted)
    assert len(set(labels)) == len(labels)


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.booleans())
def test_a_scale_always_has_an_extent_and_inverts(one: float, other: float, log: bool) -> None:
    scale = fit_scale(min(one, other), max(one, other), log)
    assert scale.low < scale.high
    assert 0.0 <= scale.fraction(scale.value(0.25)) <= 1.0


def test_zooming_keeps_the_centre_where_it_is_and_stays_within_the_data() -> None:
    whole = Scale(0, 100)
    near = zoomed(whole, 50, 0.5, whole)
    assert (near.low, near.high) == (25, 75)
    assert zoomed(near, 50, 2, whole) == whole
    assert zoomed(whole, 0, 0.1, whole) == Scale(0, 10)


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [
        (12_000, 1000, "12k"),
        (0.00012, 0.00001, "1.2e-4"),
        (-0.0, 1, "0"),
        (1.25, 0.25, "1.25"),
        (2.5e6, 5e5, "2.5M"),
    ],
)
def test_short_numbers(value: float, step: float, expected: str) -> None:
    assert short_number(value, step) == expected


def test_positions_are_written_as_the_axis_says() -> None:
    assert format_position(12_000, Scale(0, 20_000), "step", 70) == "12000"
    assert format_position(3725.0, Scale(0, 7200), "relative", 70) == "1h2m5s"
    assert format_position(0.0, Scale(0, 7200), "clock", 70) == "1970-01-01 00:00:00"
    assert format_position(0.51234, Scale(0, 1), "number", 100) == "0.51"
    assert plain_number(0.1) == "0.1"
    assert duration(90_061, 3) == "1d1h1m"
