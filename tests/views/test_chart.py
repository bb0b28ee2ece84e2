"""Whole charts: nothing that is in the data goes unsaid, at any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from labtop.views.chart import ASCII_PEN, BRAILLE_PEN, Chart, Pen
from labtop.views.chart_drawing import draw
from labtop.views.chart_extent import OUTLIER_SHARE, x_scale, y_scale
from labtop.views.chart_notes import in_room, notes
from labtop.views.chart_raster import HALVES
from labtop.views.chart_scale import Scale
from labtop.views.glyphs import glyphs
from tests.views.chart_parts import SHAPES, curve, inks, plot, text, widths

PENS = [BRAILLE_PEN, Pen(HALVES), ASCII_PEN, Pen(is_plain=True), replace(ASCII_PEN, is_plain=True)]
any_pen = pytest.mark.parametrize(
    "pen", PENS, ids=["braille", "halves", "ascii", "no colour", "ascii, no colour"]
)


@any_pen
@pytest.mark.parametrize("value", [100.0, -100.0])
def test_a_spike_among_a_million_points_is_on_the_outermost_line(pen: Pen, value: float) -> None:
    """The only cell with something on that line is the one at the spike's place."""
    y = np.zeros(1_000_000)
    y[250_000] = value
    picture = draw(Chart("loss", (curve(y),)), 80, 20, pen)
    line = plot(picture)[0 if value > 0 else -1]
    lit = [at for at, character in enumerate(line) if character != " "]
    assert lit == [picture.cell_at(250_000)]


hostile = arrays.arrays(
    np.float64,
    st.integers(0, 60),
    elements=st.one_of(
        st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1e308, -1e308, 5e-324])
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile, max_size=4), st.integers(1, 90), st.integers(1, 30), st.sets(st.sampled_from("xyr")))
def test_any_data_at_any_size_gives_lines_of_that_size(
    series: list[NDArray[np.float64]], width: int, height: int, wanted: set[str]
) -> None:
    curves = tuple(curve(each, number=at) for at, each in enumerate(series))
    chart = Chart("loss", curves, log_x="x" in wanted, log_y="y" in wanted, robust="r" in wanted)
    for pen in (BRAILLE_PEN, replace(ASCII_PEN, is_plain=True)):
        picture = draw(chart, width, height, pen)
        assert widths(picture) == [width] * height


@settings(max_examples=40, deadline=None)
@given(hostile, st.booleans())
def test_every_value_is_drawn_or_marked_in_its_column(y: NDArray[np.float64], log: bool) -> None:
    """What is finite has ink in its column of cells, what is not has a mark above or below."""
    picture = draw(Chart("loss", (curve(y),), log_y=log), 70, 12)
    lines = text(picture)
    for at, value in enumerate(y):
        cell = picture.left + picture.cell_at(at)
        near = [
            line[max(picture.left, cell - 1) : cell + 2]
            for line in lines[: picture.top + picture.plot_height + 1]
        ]
        column = "".join(near)
        if np.isnan(value):
            assert "✗" in column
        elif value == np.inf:
            assert "⇡" in column
        elif value == -np.inf or (log and value < 1e-307):
            assert "⇣" in column or "✗" in column  # a NaN in the same cell goes first
        else:
            assert column.strip(" ⇡⇣✗")


def test_nan_and_infinities_are_marked_and_counted() -> None:
    y = np.ones(100)
    y[[40, 41, 42]] = np.nan
    y[70] = np.inf
    chart = Chart("loss", (curve(y, number=1),))
    picture = draw(chart, 80, 16)
    marks = inks(picture, "lost")
    assert {(character, owner) for _, _, character, owner in marks} == {("✗", 0), ("⇡", 0)}
    assert [line for line, _, character, _ in marks if character == "⇡"] == [0]
    assert {line for line, _, character, _ in marks if character == "✗"} == {
        picture.top + picture.plot_height
    }
    assert notes(chart, picture) == ["✗3 NaN", "⇡1 inf"]


@pytest.mark.parametrize("pen", [BRAILLE_PEN, ASCII_PEN])
def test_no_sign_of_a_chart_is_also_the_shape_of_a_run(pen: Pen) -> None:
    """A sign for an infinity that is a run's shape too would read as a point of that run."""
    signs = pen.symbols
    assert not {signs.above, signs.below, signs.nan, signs.cursor} & set(glyphs(pen.is_ascii).markers)
    assert len(set(signs[2:])) == 4


def test_an_infinity_below_is_told_with_its_sign() -> None:
    """The small print is the legend of the signs in the plot."""
    chart = Chart("loss", (curve([1.0, -np.inf, 2.0, np.inf]),))
    assert notes(chart, draw(chart, 60, 12)) == ["⇡⇣2 inf"]
    assert notes(chart, draw(chart, 60, 12, ASCII_PEN), ASCII_PEN) == ["^_2 inf"]


def test_notes_are_left_out_whole() -> None:
    """Half a word says nothing; an ellipsis says that there is more."""
    said = ["✗29 NaN", "not in 1 run", "log"]
    assert in_room(said, 26, "…") == "✗29 NaN, not in 1 run, log"
    assert in_room(said, 25, "…") == "✗29 NaN, not in 1 run …"
    assert in_room(said, 12, "…") == "✗29 NaN …"
    assert [in_room(said, room, "…") for room in (5, 1, 0)] == ["…", "…", ""]


def test_a_single_point_is_its_runs_shape() -> None:
    picture = draw(Chart("loss", (curve([0.5], [7.0], number=3),)), 60, 12)
    assert [(character, owner) for _, _, character, owner in inks(picture, "marker")] == [(SHAPES[3], 0)]


def test_a_constant_series_lies_in_the_middle() -> None:
    picture = draw(Chart("loss", (curve([3.0] * 50),)), 60, 13)
    lines = [number for number, line in enumerate(plot(picture)) if line.strip()]
    assert len(lines) == 1
    assert 3 <= lines[0] <= 8


@pytest.mark.parametrize("curves", [(), (curve([]),), (curve([np.nan] * 3),)])
def test_nothing_to_draw_is_an_empty_plot_with_axes(curves: tuple[object, ...]) -> None:
    picture = draw(Chart("loss", curves), 60, 12)  # type: ignore[arg-type]  # a tuple of curves, by the parametrisation
    assert not "".join(plot(picture)).strip()
    assert "0" in text(picture)[-1]


def test_extreme_numbers_do_not_overflow() -> None:
    picture = draw(Chart("loss", (curve([-1e308, 1e308, 0.0, 1.7e308]),)), 60, 12)
    assert picture.y == Scale(-1e308, 1.7e308)
    assert plot(picture)[-1].strip()
    assert plot(picture)[0].strip()


def test_points_that_come_in_any_order_of_x_are_drawn_at_their_x() -> None:
    """Curves sort by x; duplicates keep both values."""
    from labtop.query.series import Series
    from labtop.views.chart_curves import Face, XAxis, curve_of_run

    steps = np.array([0.0, 1.0, 2.0, 2.0, 3.0])
    falling = Series("a", "x", steps, np.zeros(5, dtype=np.int64), np.array([9.0, 6.0, 3.0, 3.0, 0.0]))
    values = Series("a", "y", steps, np.zeros(5, dtype=np.int64), np.array([1.0, 2.0, 3.0, 8.0, 4.0]))
    found = curve_of_run(Face("a", "a", "x", "red"), values, XAxis("number", "x"), x_series=falling)
    assert found.x.tolist() == [0.0, 3.0, 3.0, 6.0, 9.0]
    assert sorted(found.drawn[1:3].tolist()) == [3.0, 8.0]
    assert found.steps.tolist()[0] == 3.0


@any_pen
def test_at_20_by_5_the_curve_is_still_there(pen: Pen) -> None:
    picture = draw(Chart("loss", (curve(np.sin(np.arange(100) / 9)),)), 20, 4, pen)
    assert widths(picture) == [20] * 4
    assert all(line.strip() for line in plot(picture))


def test_a_logarithmic_axis_counts_what_it_cannot_show() -> None:
    chart = Chart("loss", (curve([1e-4, 1e-2, 0.0, -1.0, 1.0]),), log_y=True)
    picture = draw(chart, 60, 14)
    assert picture.y == Scale(1e-4, 1.0, True)
    assert notes(chart, picture) == ["⇣2 not above 0", "log"]
    assert any("0.01" in line for line in text(picture))


def test_cutting_outliers_says_how_many_points_are_cut_off() -> None:
    y = np.sin(np.arange(5000) / 50)
    y[[100, 200, 300]] = 1e6
    chart = Chart("loss", (curve(y),), robust=True)
    picture = draw(chart, 60, 14)
    assert picture.y.high < 2
    assert picture.cut_above == 3
    assert notes(chart, picture) == ["⇡3 cut off"]
    assert {character for _, _, character, _ in inks(picture, "lost")} == {"⇡"}
    assert OUTLIER_SHARE == 0.01


def test_the_curve_in_focus_gives_the_colour_of_shared_cells() -> None:
    chart = Chart("loss", (curve([1.0, 2.0], number=0), curve([1.0, 2.0], number=1)))
    on_top = {owner for *_, owner in inks(draw(chart, 60, 12), "line")}
    focused = {owner for *_, owner in inks(draw(replace(chart, focus="run0"), 60, 12), "line")}
    assert (on_top, focused) == ({1}, {0})


def test_each_curve_ends_in_its_shape_and_without_colours_carries_it_along() -> None:
    x = np.arange(200.0)
    curves = tuple(curve(x * 0 + level, x, number=level) for level in range(3))
    coloured = inks(draw(Chart("loss", curves), 80, 12), "marker")
    assert sorted(owner for *_, owner in coloured) == [0, 1, 2]
    plain = inks(draw(Chart("loss", curves), 80, 12, Pen(is_plain=True)), "marker")
    assert {owner for *_, owner in plain} == {0, 1, 2}
    assert len(plain) >= 6


def test_the_band_of_a_mean_lies_behind_its_line() -> None:
    x = np.arange(100.0)
    base = curve(np.sin(x / 10), x)
    banded = replace(base, low=base.drawn - 0.5, high=base.drawn + 0.5, counts=np.full(100, 3.0), runs=3)
    picture = draw(Chart("loss", (banded,)), 80, 20)
    assert inks(picture, "back")
    assert inks(picture, "line")
    assert picture.y.low < -1.4


def test_logged_points_stay_visible_behind_a_smoothed_curve() -> None:
    """Its extremes are on the chart though smoothing flattens them."""
    y = np.zeros(1000)
    y[500] = 50.0
    smoothed = replace(curve(y), drawn=np.full(1000, 0.1))
    picture = draw(Chart("loss", (smoothed,)), 80, 20)
    assert plot(picture)[0].strip()
    hidden = draw(Chart("loss", (smoothed,), with_logged=False), 80, 20)
    assert hidden.y.high < 1


def test_x_reaches_over_all_curves_and_a_logarithm_leaves_out_zero() -> None:
    curves = (curve([1, 2, 3]), curve([1, 2], [10.0, 100.0]))
    assert x_scale(curves) == Scale(0, 100)
    assert x_scale(curves, log=True) == Scale(1, 100, True)
    assert notes(Chart("loss", curves, log_x=True)) == ["1 at x not above 0"]


def test_y_reaches_over_what_is_in_sight_only() -> None:
    y = np.arange(1000.0)
    assert y_scale((curve(y),), Scale(100, 200), False, True, False) == Scale(100, 200)


def test_cells_and_x_agree() -> None:
    picture = draw(Chart("loss", (curve(np.arange(500.0)),)), 80, 20)
    for cell in range(picture.plot_width):
        low, high = picture.cell_x(cell)
        assert picture.cell_at((low + high) / 2) == cell
