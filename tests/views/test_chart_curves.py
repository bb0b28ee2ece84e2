"""Curves say what was logged, whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from labtop.query.series import Series
from labtop.views.chart import Chart
from labtop.views.chart_cursor import end_x, moved_x, next_x
from labtop.views.chart_curves import Curve, Face, Smoothing, XAxis, curve_of_group, curve_of_run
from labtop.views.chart_drawing import draw
from labtop.views.chart_look import CurvesView
from labtop.views.chart_readings import delta, nearest, ranked, reading
from tests.views.chart_parts import curve

FACE = Face("a", "run a", "x", "red")


def _series(values: list[float], steps: list[float] | None = None, name: str = "loss") -> Series:
    at = np.arange(len(values), dtype=np.float64) if steps is None else np.array(steps)
    return Series("a", name, at, (1_000_000 + at * 2_000_000).astype(np.int64), np.array(values))


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (XAxis("step"), [0.0, 1.0, 2.0]),
        (XAxis("relative"), [0.5, 2.5, 4.5]),
        (XAxis("clock"), [1.0, 3.0, 5.0]),
    ],
)
def test_x_is_step_or_time(axis: XAxis, expected: list[float]) -> None:
    assert curve_of_run(FACE, _series([3, 2, 1]), axis, started_us=500_000).x.tolist() == expected


def test_without_a_start_time_counts_from_the_first_point() -> None:
    assert curve_of_run(FACE, _series([3, 2]), XAxis("relative")).x.tolist() == [0.0, 2.0]


def test_x_is_another_metric_where_it_was_logged_and_the_rest_is_counted() -> None:
    tokens = _series([10.0, 20.0], [0.0, 2.0], "tokens")
    found = curve_of_run(FACE, _series([3, 2, 1]), XAxis("number", "tokens"), x_series=tokens)
    assert (found.x.tolist(), found.logged.tolist(), found.without_x) == ([10.0, 20.0], [3.0, 1.0], 1)
    assert curve_of_run(FACE, _series([3, 2, 1]), XAxis("number", "tokens")).without_x == 3


def test_smoothing_keeps_what_was_logged() -> None:
    values = [1.0, float("nan"), 3.0, 5.0]
    for smoothing in (Smoothing("ema", 0.5), Smoothing("window", 3)):
        found = curve_of_run(FACE, _series(values), XAxis(), smoothing)
        assert found.is_smoothed
        assert np.array_equal(found.logged, values, equal_nan=True)
        assert np.isnan(found.drawn[1])
        assert found.drawn[0] == pytest.approx(1.0) or smoothing.method == "window"
        assert found.nan_count == 1
    assert not curve_of_run(FACE, _series(values), XAxis()).is_smoothed


def test_a_group_is_the_mean_at_each_x_with_the_runs_behind_it() -> None:
    members = [curve([1.0, 2.0, 3.0]), curve([3.0, 4.0]), curve([5.0, np.nan, 7.0])]
    found = curve_of_group(FACE, members)
    assert found.drawn.tolist() == [3.0, 3.0, 5.0]
    assert found.counts is not None
    assert found.counts.tolist() == [3.0, 2.0, 2.0]
    assert found.low is not None
    assert found.low.tolist() == pytest.approx([1.0, 3 - 2**0.5, 5 - 8**0.5])
    assert (found.runs, found.nan_count) == (3, 1)
    spread = curve_of_group(FACE, members, behind="range")
    assert spread.low is not None
    assert spread.high is not None
    assert (spread.low.tolist(), spread.high.tolist()) == ([1.0, 2.0, 3.0], [5.0, 4.0, 7.0])
    assert curve_of_group(FACE, members, behind="nothing").low is None


def test_a_group_of_one_has_no_band_and_an_empty_one_no_points() -> None:
    alone = curve_of_group(FACE, [curve([1.0, 2.0])])
    assert alone.low is not None
    assert np.isnan(alone.low).all()
    assert curve_of_group(FACE, [curve([])]).runs == 0


def test_a_group_logged_at_different_steps_is_interpolated_and_says_so() -> None:
    found = curve_of_group(FACE, [curve([0.0, 10.0], [0.0, 10.0]), curve([5.0, 5.0], [1.0, 9.0])])
    assert found.is_interpolated
    assert found.x.tolist() == [0.0, 1.0, 9.0, 10.0]
    assert found.drawn.tolist() == [0.0, 3.0, 7.0, 10.0]


def test_a_mean_of_nothing_finite_stays_infinite() -> None:
    found = curve_of_group(FACE, [curve([np.inf, 1.0, np.nan]), curve([np.nan, -np.inf, np.nan])])
    assert np.array_equal(found.drawn, [np.inf, 1.0, np.nan], equal_nan=True)


def test_huge_values_have_a_mean() -> None:
    assert curve_of_group(FACE, [curve([1.7e308]), curve([1.7e308])]).drawn.tolist() == [1.7e308]


def test_the_reading_is_the_nearest_logged_point() -> None:
    found = curve([1.0, 2.0, 3.0, 4.0], [0.0, 10.0, 10.0, 20.0])
    at = reading(found, 12.0)
    assert at is not None
    assert (at.x, at.logged, at.is_beyond) == (10.0, 3.0, False)
    after = reading(found, 25.0)
    assert after is not None
    assert after.is_beyond
    assert nearest(found, -5.0) == 0
    assert reading(curve([]), 1.0) is None
    last = reading(found, None)
    assert last is not None
    assert last.logged == 4.0


@pytest.mark.parametrize(("goal", "expected"), [("min", [1, 0, 2]), ("max", [0, 1, 2]), (None, [0, 1, 2])])
def test_curves_are_ranked_by_their_last_value_best_first_and_nan_last(
    goal: str | None, expected: list[int]
) -> None:
    curves = [curve([9.0, 2.0], number=0), curve([0.0, 1.0], number=1), curve([5.0, np.nan], number=2)]
    assert [each.curve.key for each in ranked(curves, None, goal)] == [f"run{at}" for at in expected]


def test_deltas_are_against_the_baseline_and_none_for_itself() -> None:
    one, other = reading(curve([1.0], number=0), 0.0), reading(curve([1.5], number=1), 0.0)
    assert one is not None
    assert other is not None
    assert delta(other, one) == 0.5
    assert delta(one, one) is None
    assert delta(one, None) is None


def _walk(found: Curve, direction: int, width: int = 60) -> list[float]:
    chart = Chart("loss", (found,))
    picture = draw(chart, width, 12)
    x: float | None = None
    visited = []
    while (x := moved_x(chart, picture, x, direction)) is not None:
        visited.append(x)
    return visited


def test_the_cursor_visits_every_point_of_a_sparse_curve() -> None:
    x = [0.0, 50.0, 500.0, 1000.0]
    assert _walk(curve([1, 2, 3, 4], x), 1) == x
    assert _walk(curve([1, 2, 3, 4], x), -1) == x[::-1]


def test_the_cursor_moves_by_cells_on_a_dense_curve() -> None:
    dense = curve(np.arange(100_000.0))
    picture = draw(Chart("loss", (dense,)), 60, 12)
    cells = [picture.cell_at(x) for x in _walk(dense, 1)]
    assert cells == [*range(picture.plot_width), picture.plot_width - 1]  # and then to the very last point


def test_the_cursor_keeps_to_what_is_in_sight() -> None:
    chart = Chart("loss", (curve(np.arange(100.0)),))
    picture = draw(chart, 60, 12)
    assert (end_x(chart, picture, -1), end_x(chart, picture, 1)) == (0.0, 99.0)
    assert next_x(chart.curves, 50.0, 1, 0.0, 50.0) is None
    assert next_x((), 0.0, 1, 0.0, 1.0) is None


def test_keys_step_through_smoothing_axes_and_bands() -> None:
    view = CurvesView()
    assert view.smoothed(-1).smoothing == view.smoothing
    assert str(view.smoothed(1).smoothing) == "EMA 0.5"
    assert str(view.smoothed(1).smoothed_otherwise().smoothing) == "window 5"
    assert str(view.smoothed(99).smoothing) == "EMA 0.999"
    assert [view.next_axis().kind, CurvesView(axis=XAxis("clock")).next_axis().kind] == ["relative", "step"]
    assert CurvesView(axis=XAxis("number", "tokens")).next_axis().kind == "step"
    assert [view.next_band().band, view.next_band().next_band().band] == ["range", "nothing"]


def test_a_mean_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    members = [curve(rng.normal(size=size), number=size) for size in (40, 55, 60)]
    whole = curve_of_group(FACE, members)
    monkeypatch.setattr("labtop.views.chart_curves.POINTS_AT_ONCE", 7)
    parts = curve_of_group(FACE, members)
    assert np.array_equal(whole.drawn, parts.drawn)
    assert whole.low is not None
    assert parts.low is not None
    assert np.array_equal(whole.low, parts.low, equal_nan=True)
