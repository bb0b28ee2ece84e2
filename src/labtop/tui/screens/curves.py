"""Curves: several metrics as a grid of charts, or one of them large, over the marked runs.

The screen holds what is looked at (`CurvesView`, the metric, the cursor) as values; a source reads and builds charts
from them in a thread, and the charts repaint what differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.containers import Container

from labtop.errors import UsageError
from labtop.tui.screens.base import LabScreen
from labtop.tui.screens.curves_metrics import grid_shape, matching, page_of
from labtop.tui.screens.dialogs import Choice, Picker, Prompt
from labtop.tui.widgets.chart import ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.views.chart import Chart, Pen, Picture
from labtop.views.chart_curves import Face, Smoothing, XAxis
from labtop.views.chart_extent import x_scale
from labtop.views.chart_raster import ASCII, BRAILLE
from labtop.views.chart_readings import next_x
from labtop.views.chart_scale import Scale, zoomed
from labtop.views.chart_source import CurveSource, CurvesView, RunFacts, metric_names
from labtop.views.chart_ticks import AxisKind, format_position
from labtop.views.text import clean

MOST_RUNS = 50
"""Runs that are overlaid at once; more are counted, not drawn."""

EMA_AMOUNTS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
WINDOW_AMOUNTS = (1, 5, 11, 25, 51, 101, 251, 501, 1001)
AXES: tuple[AxisKind, ...] = ("step", "relative", "clock")
WIDTH_BESIDE = 64  # from here on the legend of one chart stands beside it


class CurvesScreen(LabScreen):
    """Curves of runs."""

    NAME = "curves"
    HEADING = "Curves"
    MINIMUM: ClassVar[tuple[int, int]] = (20, 5)
    CSS_PATH = "curves.tcss"

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
        self.view = CurvesView()
        self.facts: tuple[RunFacts, ...] = ()
        self.charts: tuple[Chart, ...] = ()
        self.wanted = ""  # the filter on metrics
        self.metric: str | None = None  # the current one
        self.is_single = False  # one chart, large
        self.focus_key: str | None = None  # of a curve
        self.cursor_x: float | None = None
        self.shows_all = False  # the runs of the Runs table instead of the chosen ones
        self._left_out = 0
        self._source: CurveSource | None = None

    # parts

    def compose_body(self) -> ComposeResult:
        """Charts and their legend."""
        with Container(id="board"):
            yield Container(id="charts")
            yield CurveLegend(id="legend")

    def on_mount(self) -> None:
        """Load at once where the store is open."""
        super().on_mount()
        self.show_runs(self.run_ids)

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Show other runs, in the same way."""
        super().show_runs(run_ids)
        self._load()

    def session_changed(self) -> None:
        """Shapes, colours or the baseline may be others."""
        if self.facts:
            self._build()

    def catalog_changed(self) -> None:
        """Read runs again that were alive: their curves may have grown."""
        if self._source is not None:
            self._source.forget([each.run_id for each in self.facts if each.is_live])
        self._load()

    def on_screen_resume(self) -> None:
        """What happened while another screen was in front."""
        if self.charts:
            self._build()

    # loading

    def _load(self) -> None:
        if not self.session.is_open:
            return
        catalog = self.session.catalog
        if self._source is None:
            self._source = CurveSource(catalog)
        source, chosen, query = self._source, self.run_ids, self.session.state.view

        def read() -> tuple[tuple[RunFacts, ...], int]:
            run_ids: Sequence[str] = chosen
            if self.shows_all or not chosen:
                from labtop.query.request import SortKey, TableQuery

                sort = tuple(SortKey(each.lstrip("-"), each.startswith("-")) for each in query.sort)
                rows = catalog.select(TableQuery(query.where, sort, query.archived)).rows
                left_out = max(0, len(rows) - MOST_RUNS)
                return source.facts(catalog.ids(rows[:MOST_RUNS])), left_out
            return source.facts(run_ids[:MOST_RUNS]), max(0, len(run_ids) - MOST_RUNS)

        self.request("runs", read, self._loaded)

    def _loaded(self, answer: tuple[tuple[RunFacts, ...], int]) -> None:
        self.facts, self._left_out = answer
        self._build()

    def _build(self) -> None:
        """Ask for the charts of the page."""
        source, facts, view = self._source, self.facts, self.view
        metrics = self.metrics
        if source is None:
            return
        if self.metric not in metrics:
            self.metric = metrics[0] if metrics else None
        page = self._page()
        faces, baseline = self._faces(), self.session.baseline_run_id
        self.request("charts", lambda: source.charts(facts, page, view, faces, baseline), self._built)

    def _built(self, charts: tuple[Chart, ...]) -> None:
        self.charts = charts
        self._show()

    def _faces(self) -> dict[str, Face]:
        markers = self.session.markers([each.run_id for each in self.facts])
        return {
            each.run_id: Face(each.run_id, each.name, markers[each.run_id].glyph, markers[each.run_id].colour)
            for each in self.facts
        }

    # what is shown

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the runs have and the filter lets through."""
        return matching(metric_names(self.facts), self.wanted)

    @property
    def chart(self) -> Chart | None:
        """The current chart."""
        return next((each for each in self.charts if each.title == self.metric), None)

    @property
    def current_view(self) -> ChartView | None:
        """The widget of the current chart."""
        views = self.query(ChartView)
        return next(
            (each for each in views if each.display and each.chart and each.chart.title == self.metric), None
        )

    @property
    def pen(self) -> Pen:
        """Braille, or what the terminal can show; without colours where the user wants none."""
        is_ascii = self.session.is_ascii
        return Pen(ASCII if is_ascii else BRAILLE, is_ascii, bool(os.environ.get("NO_COLOR")))

    def _page(self) -> tuple[str, ...]:
        """The metrics that are in sight."""
        metrics = self.metrics
        if self.metric is None or not metrics:
            return ()
        if self.is_single or len(metrics) == 1:
            return (self.metric,)
        columns, rows = self._shape(len(metrics))
        return tuple(metrics[at] for at in page_of(metrics.index(self.metric), len(metrics), columns * rows))

    def _shape(self, count: int) -> tuple[int, int]:
        size = self.size
        return grid_shape(count, size.width, max(1, size.height - 3))

    def _show(self) -> None:
        """Hand charts to widgets, and say what they are."""
        is_large = len(self.charts) == 1
        self.set_class(is_large and self.size.width >= WIDTH_BESIDE and self.size.height >= 8, "-beside")
        self.set_class(self.size.height < 8, "-no-legend")
        container = self.query_one("#charts", Container)
        columns, rows = (1, 1) if is_large else self._shape(len(self.charts))
        container.styles.grid_size_columns, container.styles.grid_size_rows = columns, rows
        views = list(container.query(ChartView))
        for number in range(len(views), len(self.charts)):
            view = ChartView(self._draw_in_thread, id=f"chart-{number}")
            views.append(view)
            container.mount(view)
        pen, beside = self.pen, self.has_class("-beside")
        for number, view in enumerate(views):
            chart = self.charts[number] if number < len(self.charts) else None
            view.display = chart is not None
            if chart is not None:
                chart = chart if chart.focus == self.focus_key else replace(chart, focus=self.focus_key)
            is_current = chart is not None and chart.title == self.metric and not is_large
            view.cursor_x = self.cursor_x
            view.show_chart(chart, pen, is_current=is_current, has_values=not beside)
        current = self.chart
        legend = self.query_one(CurveLegend)
        legend.show_cursor(self.cursor_x)
        legend.show_chart(None if current is None else replace(current, focus=self.focus_key), pen)
        self._say_what()

    def _draw_in_thread(
        self, slot: str, work: Callable[[], Picture], then: Callable[[Picture], object]
    ) -> None:
        self.request(slot, work, then)

    def _say_what(self) -> None:
        """The title line: runs, axis, smoothing, page, cursor."""
        if not self.facts:
            reason = "no runs to draw" if self.session.is_open else "opening the store"
            self.set_title(reason)
            return
        runs = f"{len(self.facts)} run{'s' * (len(self.facts) != 1)}"
        if self._left_out:
            runs += f", {self._left_out:,} more not drawn"
        metrics, page = self.metrics, self._page()
        parts = [
            f"{self._x_title()} {self._position()}" if self.cursor_x is not None else f"x {self._x_title()}",
            runs,
        ]
        if not metrics:
            parts.append("no metric" + (f" fits {self.wanted!r}" if self.wanted else " logged"))
        elif len(page) < len(metrics):
            first = metrics.index(page[0]) + 1
            where = f"{first}" if len(page) == 1 else f"{first}-{first + len(page) - 1}"
            parts.append(f"metric {where} of {len(metrics)}")
        if self.wanted:
            parts.append(f"filter {self.wanted}")
        parts += [str(self.view.smoothing)] if self.view.smoothing.is_on else []
        if self.view.averaged:
            band = {"std": "mean ± std", "range": "mean, min-max"}.get(self.view.band, "mean")
            parts.append(f"{band} over seeds")
        parts += ["log y"] if self.view.log_y else []
        parts += ["outliers cut"] if self.view.robust else []
        parts += ["zoomed"] if self.view.x is not None else []
        self.set_title(*(clean(part, 120) for part in parts))

    def _x_title(self) -> str:
        return ("log " if self.view.log_x else "") + self.view.axis.title

    def _position(self) -> str:
        chart = self.chart
        if chart is None or self.cursor_x is None:
            return ""
        scale = chart.x or x_scale(chart.curves, chart.log_x)
        kind: AxisKind = "number" if self.view.axis.metric else self.view.axis.kind
        return format_position(self.cursor_x, scale, kind, max(self.size.width, 10))

    def on_resize(self, event: object) -> None:
        """Another size may hold other charts."""
        super().on_resize(event)  # type: ignore[arg-type]  # Textual's own event, passed through
        if self.facts:
            self._build()

    # the cursor

    def action_cursor_left(self) -> None:
        """To the point before, at least one cell away."""
        self._move_cursor(-1, 1)

    def action_cursor_right(self) -> None:
        """To the next point, at least one cell away."""
        self._move_cursor(1, 1)

    def action_cursor_far_left(self) -> None:
        """Ten cells to the left."""
        self._move_cursor(-1, 10)

    def action_cursor_far_right(self) -> None:
        """Ten cells to the right."""
        self._move_cursor(1, 10)

    def action_cursor_first(self) -> None:
        """To the first point."""
        self._cursor_to_end(-1)

    def action_cursor_last(self) -> None:
        """To the last point."""
        self._cursor_to_end(1)

    def on_chart_view_pointed(self, event: ChartView.Pointed) -> None:
        """A click puts the cursor, and makes the chart the current one."""
        if event.view.chart is not None and event.view.chart.title != self.metric:
            self.metric = event.view.chart.title
            self._show()
        self._set_cursor(event.x)

    def _move_cursor(self, direction: int, cells: int) -> None:
        view, chart = self.current_view, self.chart
        picture = view.picture if view else None
        if chart is None or picture is None:
            return
        if self.cursor_x is None:
            self._cursor_to_end(-direction if direction > 0 else 1)
            return
        cell = picture.cell_at(self.cursor_x) + direction * cells
        low, high = picture.cell_x(min(max(cell, 0), picture.plot_width - 1))
        start = max(self.cursor_x, _just_below(low))
        if direction < 0:
            start = min(self.cursor_x, _just_above(high))
        found = next_x(chart.curves, start, direction, picture.x.low, picture.x.high)
        if found is not None:
            self._set_cursor(found)
        elif cells > 1:
            self._cursor_to_end(direction)
        elif self.view.x is not None:
            self._pan(direction)

    def _cursor_to_end(self, direction: int) -> None:
        view, chart = self.current_view, self.chart
        if chart is None or view is None or view.picture is None:
            return
        scale = view.picture.x
        start = _just_above(scale.high) if direction > 0 else _just_below(scale.low)
        self._set_cursor(next_x(chart.curves, start, -direction, scale.low, scale.high))

    def _set_cursor(self, x: float | None) -> None:
        self.cursor_x = x
        for view in self.query(ChartView):
            if view.display:
                view.show_cursor(x)
        self.query_one(CurveLegend).show_cursor(x)
        self._say_what()

    # range and scale

    def action_zoom_in(self) -> None:
        """Half as much of x, around the cursor."""
        self._zoom(0.5)

    def action_zoom_out(self) -> None:
        """Twice as much of x."""
        self._zoom(2.0)

    def action_zoom_all(self) -> None:
        """All of x."""
        self._change(x=None)

    def _zoom(self, factor: float) -> None:
        chart = self.chart
        if chart is None or chart.x is None:
            return
        whole = x_scale([curve for each in self.charts for curve in each.curves], self.view.log_x)
        centre = self.cursor_x if self.cursor_x is not None else chart.x.value(0.5)
        near = zoomed(chart.x, centre, factor, whole)
        self._change(x=None if near == whole else near)

    def _pan(self, direction: int) -> None:
        chart, shown = self.chart, self.view.x
        if chart is None or shown is None:
            return
        whole = x_scale([curve for each in self.charts for curve in each.curves], self.view.log_x)
        low, high = (float(each) for each in whole.fractions([shown.low, shown.high]))
        by = direction * min((high - low) / 2, 1 - high if direction > 0 else low)
        if abs(by) > 1e-12:
            self._change(x=Scale(whole.value(low + by), whole.value(high + by), whole.log))

    def action_x_axis(self, text: str = "") -> None:
        """x is step, then time since the start, then clock time; on the command line also any metric."""
        words = {"step": "step", "relative": "relative", "time": "clock", "clock": "clock"}
        if text in words:
            axis = XAxis(words[text])  # type: ignore[arg-type]  # one of the kinds, by the table above
        elif text:
            axis = self._metric_axis(text)
        else:
            at = AXES.index(self.view.axis.kind) if not self.view.axis.metric else len(AXES) - 1
            axis = XAxis(AXES[(at + 1) % len(AXES)])
        self._set_axis(axis)

    def action_x_metric(self) -> None:
        """Choose a metric for x."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self._set_axis(self._metric_axis(key))

        choices = [Choice(name, name) for name in metric_names(self.facts)]
        self.app.push_screen(Picker("x axis", choices), chosen)

    def _metric_axis(self, name: str) -> XAxis:
        if name not in metric_names(self.facts):
            raise UsageError(
                f"no metric {name!r} in these runs", "step, relative, clock, or a metric's full name"
            )
        return XAxis("number", name)

    def _set_axis(self, axis: XAxis) -> None:
        self.cursor_x = None
        self._change(axis=axis, x=None)

    def action_log_x(self) -> None:
        """A logarithmic x axis, or back."""
        self._change(log_x=not self.view.log_x, x=None)

    def action_log_y(self) -> None:
        """A logarithmic y axis, or back."""
        self._change(log_y=not self.view.log_y)

    def action_cut_outliers(self) -> None:
        """y without the outermost 1 % of the points, or back; the charts say how many points are cut off."""
        self._change(robust=not self.view.robust)

    # smoothing and seeds

    def action_smooth_more(self) -> None:
        """One step smoother."""
        self._smooth(1)

    def action_smooth_less(self) -> None:
        """One step less smooth."""
        self._smooth(-1)

    def action_smooth(self, text: str = "") -> None:
        """So much smoothing: a weight below 1, or a window of points; nothing for none."""
        try:
            amount = float(text or 0)
        except ValueError:
            amount = -1.0
        if not 0 <= amount <= 1_000_000:
            raise UsageError(
                f"cannot smooth by {text!r}", "0.9 is an EMA with that weight, 25 a window of points"
            )
        self._change(smoothing=Smoothing("ema", amount) if amount < 1 else Smoothing("window", amount))

    def action_smoothing_method(self) -> None:
        """EMA or window."""
        now = self.view.smoothing
        ladder, other = (
            (EMA_AMOUNTS, WINDOW_AMOUNTS) if now.method == "ema" else (WINDOW_AMOUNTS, EMA_AMOUNTS)
        )
        at = sum(each <= now.amount for each in ladder) - 1
        method: Literal["ema", "window"] = "window" if now.method == "ema" else "ema"
        self._change(smoothing=Smoothing(method, float(other[max(0, min(at, len(other) - 1))])))
        if not self.view.smoothing.is_on:
            self.say(f"smoothing will be by {'a window of points' if method == 'window' else 'EMA'}")

    def _smooth(self, by: int) -> None:
        now = self.view.smoothing
        ladder: Sequence[float] = EMA_AMOUNTS if now.method == "ema" else WINDOW_AMOUNTS
        at = sum(each <= now.amount for each in ladder) - 1
        self._change(smoothing=Smoothing(now.method, float(ladder[max(0, min(at + by, len(ladder) - 1))])))

    def action_average_seeds(self) -> None:
        """Runs that are the same but for the seed as one mean, or back."""
        self.focus_key = None
        self._change(averaged=not self.view.averaged)

    def action_behind(self) -> None:
        """What lies behind a curve: of a mean ± std, min–max or nothing; of a smoothed curve its points or nothing."""
        if self.view.averaged:
            order = ("std", "range", "nothing")
            self._change(band=order[(order.index(self.view.band) + 1) % 3])
        elif self.view.smoothing.is_on:
            self._change(with_logged=not self.view.with_logged)
        else:
            self.say("nothing lies behind a curve that is neither smoothed (]) nor a mean over seeds (s)")

    # metrics and runs

    def action_next_metric(self) -> None:
        """The next chart."""
        self._go_to_metric(1)

    def action_previous_metric(self) -> None:
        """The chart before."""
        self._go_to_metric(-1)

    def action_next_metrics(self) -> None:
        """The next page of charts."""
        self._go_to_metric(len(self.charts) or 1)

    def action_previous_metrics(self) -> None:
        """The page of charts before."""
        self._go_to_metric(-(len(self.charts) or 1))

    def _go_to_metric(self, by: int) -> None:
        metrics = self.metrics
        if self.metric is None or not metrics:
            return
        at = metrics.index(self.metric) + by
        self.metric = metrics[at % len(metrics) if abs(by) == 1 else max(0, min(at, len(metrics) - 1))]
        if {each.title for each in self.charts} == set(self._page()):
            self._show()
        else:
            self._build()

    def action_zoom(self) -> None:
        """The current chart alone, or all of them."""
        self.is_single = not self.is_single
        self._build()

    def action_filter_metrics(self, text: str | None = None) -> None:
        """Only metrics that contain a word or fit a pattern."""

        def answered(typed: str | None) -> None:
            if typed is not None:
                self.wanted = typed.strip()
                self._build()

        def explain(typed: str) -> str:
            names = metric_names(self.facts)
            return f"{len(matching(names, typed)):,} of {len(names):,} metrics"

        if text is not None:
            answered(text)
        else:
            self.app.push_screen(Prompt("metrics", self.wanted, explain=explain), answered)

    def action_next_curve(self) -> None:
        """Bring the next curve to the front."""
        self._focus_curve(1)

    def action_previous_curve(self) -> None:
        """Bring the curve before to the front."""
        self._focus_curve(-1)

    def _focus_curve(self, by: int) -> None:
        from labtop.views.chart_readings import ranked

        chart = self.chart
        keys = [each.curve.key for each in ranked(chart.curves, None, chart.goal)] if chart else []
        if not keys:
            return
        at = keys.index(self.focus_key) + by if self.focus_key in keys else (0 if by > 0 else len(keys) - 1)
        self.focus_key = keys[at % len(keys)]
        self._show()

    def action_all_runs(self) -> None:
        """The runs that the Runs screen shows, or only the chosen ones."""
        self.shows_all = not self.shows_all
        self._load()

    def action_baseline(self) -> None:
        """Pin the run of the curve in front as the baseline, or let go of it."""
        if self.focus_key is None or not any(each.run_id == self.focus_key for each in self.facts):
            self.say("choose a curve first (j, k), then pin it as the baseline")
            return
        pinned = self.session.baseline_run_id
        self.session.set_baseline(None if pinned == self.focus_key else self.focus_key)

    def action_close(self) -> None:
        """Undo what is on top: the cursor, the curve in front, the stretch of x, the large chart."""
        if self.cursor_x is not None:
            self._set_cursor(None)
        elif self.focus_key is not None:
            self.focus_key = None
            self._show()
        elif self.view.x is not None:
            self._change(x=None)
        elif self.is_single:
            self.action_zoom()

    def _change(self, **changes: object) -> None:
        self.view = replace(self.view, **changes)  # type: ignore[arg-type]  # names are checked by the callers' tests
        self._build()


def _just_below(value: float) -> float:
    import math

    return math.nextafter(value, -math.inf)


def _just_above(value: float) -> float:
    import math

    return math.nextafter(value, math.inf)
