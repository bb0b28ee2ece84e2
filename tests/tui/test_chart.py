"""A chart as a widget: title, values, cursor, and what it repaints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from textual.app import App, ComposeResult

from labtop.tui.widgets.chart import DRAWN_AT_ONCE, ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.views.chart import ASCII_PEN, BRAILLE_PEN, Chart, Picture
from tests.views.chart_parts import curve

HOSTILE = "\x1b[31m[/b]\u202eevil\n" + "早" * 300
Waiting = list[tuple[Callable[[], Picture], Callable[[Picture], object]]]


class OneChart(App[None]):
    """A chart over its legend."""

    def __init__(self, is_column: bool = False) -> None:
        super().__init__()
        self.is_column = is_column
        self.jobs: Waiting = []
        self.pointed: list[float] = []

    def compose(self) -> ComposeResult:
        """Chart and legend."""
        yield ChartView(lambda slot, work, then: self.jobs.append((work, then)))
        legend = CurveLegend()
        legend.styles.height = 8 if self.is_column else 1
        yield legend

    def on_chart_view_pointed(self, event: ChartView.Pointed) -> None:
        """Remember."""
        self.pointed.append(event.x)

    @property
    def view(self) -> ChartView:
        """The chart."""
        return self.query_one(ChartView)

    @property
    def legend(self) -> CurveLegend:
        """The legend."""
        return self.query_one(CurveLegend)


def _chart(count: int = 3, goal: str | None = "min") -> Chart:
    x = np.arange(100.0)
    curves = tuple(curve(np.full(100, 1.0 + number) + x / 1000, x, number=number) for number in range(count))
    return Chart("val/loss", curves, goal=goal, baseline="run0")


async def test_the_title_has_direction_values_best_first_and_what_is_left_out() -> None:
    app = OneChart()
    async with app.run_test(size=(80, 20)) as pilot:
        y = np.full(50, 0.5)
        y[10] = np.nan
        app.view.show_chart(
            Chart("val/loss", (*_chart().curves, curve(y, number=3)), goal="min"), BRAILLE_PEN
        )
        await pilot.pause()
        title = app.view.lines[0]
        assert title.split()[0] == "val/loss↓"
        values = [float(each[1:]) for each in title.split()[1:5]]
        assert values == sorted(values) == [0.5, 1.099, 2.099, 3.099]
        assert title.rstrip().endswith("✗1 NaN")


async def test_the_heading_of_a_narrow_chart_ends_with_a_whole_word() -> None:
    """What it does not show is told note by note, never cut in the middle of one."""
    y = np.full(50, 0.5)
    y[10:39] = np.nan
    chart = Chart("val/loss", (*_chart().curves, curve(y, number=3)), goal="min", without=1, left_out=4)
    app = OneChart()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.show_chart(chart, BRAILLE_PEN)
        await pilot.pause()
        assert app.view.lines[0].rstrip().endswith(" 4 more not drawn …")


async def test_values_that_do_not_fit_are_counted() -> None:
    app = OneChart()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.show_chart(_chart(30), BRAILLE_PEN)
        app.legend.show_chart(_chart(30), BRAILLE_PEN)
        await pilot.pause()
        assert "+2" in app.view.lines[0]
        assert app.legend.lines[0].rstrip().endswith("more")


async def test_the_cursor_reads_the_logged_values_and_shows_shapes() -> None:
    app = OneChart(is_column=True)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = _chart()
        app.view.show_chart(chart, BRAILLE_PEN)
        app.legend.show_chart(chart, BRAILLE_PEN)
        app.view.show_cursor(50.0)
        app.legend.show_cursor(50.0)
        await pilot.pause()
        assert "1.05" in app.view.lines[0]
        plotted = "".join(app.view.lines[1:])
        assert "╎" in plotted
        assert all(each.glyph in plotted for each in chart.curves)
        rows = [line.split() for line in app.legend.lines if "run" in line]
        assert [row[3] for row in rows] == ["1.05", "2.05", "3.05"]
        assert [row[4] for row in rows] == ["⌂", "+1.00", "+2.00"]
        app.view.show_cursor(None)
        assert "╎" not in "".join(app.view.lines[1:])


async def test_the_legend_says_a_points_own_step_and_that_a_run_had_ended() -> None:
    app = OneChart(is_column=True)
    async with app.run_test(size=(80, 24)) as pilot:
        long, short = curve([1.0, 2.0, 3.0], [0.0, 40.0, 100.0]), curve([5.0, 4.0], [0.0, 10.0], number=1)
        chart = Chart("loss", (long, short), goal="min")
        app.legend.show_chart(chart, BRAILLE_PEN)
        app.legend.show_cursor(50.0)
        await pilot.pause()
        first, second = [line for line in app.legend.lines if "run" in line]
        assert second.split()[-1] == "–"
        assert first.split()[-2:] == ["@40", "2"]


async def test_moving_the_cursor_repaints_a_few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneChart()
    async with app.run_test(size=(80, 24)) as pilot:
        app.view.show_chart(_chart(), BRAILLE_PEN)
        app.view.show_cursor(50.0)
        await pilot.pause()
        repainted: list[int] = []
        monkeypatch.setattr(
            ChartView,
            "refresh",
            lambda self, *regions, **_: repainted.append(sum(each.area for each in regions)),
        )
        app.view.show_cursor(52.0)
        assert 0 < sum(repainted) < 80
        repainted.clear()
        app.view.show_cursor(52.0)
        app.view.show_chart(app.view.chart, BRAILLE_PEN)
        assert sum(repainted) == 0


async def test_a_large_chart_is_drawn_by_a_job_and_a_late_one_is_dropped() -> None:
    app = OneChart()
    async with app.run_test(size=(80, 24)) as pilot:
        large = Chart("large", (curve(np.zeros(DRAWN_AT_ONCE + 1)),))
        app.view.show_chart(large, BRAILLE_PEN)
        await pilot.pause()
        assert app.view.picture is None
        (work, then), *_ = app.jobs
        late = work()
        app.view.show_chart(_chart(), BRAILLE_PEN)
        drawn = app.view.picture
        then(late)
        assert app.view.picture is drawn


async def test_hostile_names_are_drawn_as_text_within_their_cells() -> None:
    app = OneChart(is_column=True)
    async with app.run_test(size=(60, 24)) as pilot:
        chart = Chart(HOSTILE, (curve([1.0, 2.0], label=HOSTILE),))
        app.view.show_chart(chart, BRAILLE_PEN)
        app.legend.show_chart(chart, BRAILLE_PEN)
        await pilot.pause()
        for strip in [*app.view._strips, *app.legend._strips]:
            assert strip.cell_length == 60
            assert not set(strip.text) & set("\x1b\u202e\n")


async def test_ascii_is_ascii() -> None:
    app = OneChart()
    async with app.run_test(size=(60, 14)) as pilot:
        y = np.sin(np.arange(100) / 9)
        y[[5, 50]] = np.nan, np.inf
        curves = (replace(curve(y), glyph="A"), replace(curve(y / 2, number=1), glyph="B"))
        app.view.show_chart(Chart("loss", curves, goal="max"), ASCII_PEN)
        app.view.show_cursor(30.0)
        await pilot.pause()
        assert "".join(app.view.lines).isascii()


async def test_a_click_tells_the_x_it_points_at() -> None:
    app = OneChart()
    async with app.run_test(size=(80, 24)) as pilot:
        app.view.show_chart(_chart(), BRAILLE_PEN)
        await pilot.pause()
        await pilot.click(ChartView, offset=(40, 5))
        await pilot.pause()
        assert len(app.pointed) == 1
        assert 40 < app.pointed[0] < 60
