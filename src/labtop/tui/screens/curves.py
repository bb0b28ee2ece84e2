"""Curves: several metrics as a grid of charts, or one of them large, over the marked runs.

The screen holds what is looked at (`CurvesView`, the metric, the cursor) as values; a source reads and builds charts
from them in a thread, and the charts repaint what differs.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from labtop.tui.screens.curve_looks import CurveLooks
from labtop.tui.screens.curves_metrics import grid_shape, matching, page_of, part_of
from labtop.tui.screens.dialogs import Choice, Menu, Prompt
from labtop.tui.widgets.chart import ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.views.chart import Chart, Pen, Picture
from labtop.views.chart_cursor import end_x, moved_x
from labtop.views.chart_curves import Face
from labtop.views.chart_extent import x_scale
from labtop.views.chart_ranks import MOST_LINES, run_of
from labtop.views.chart_raster import ASCII, BRAILLE
from labtop.views.chart_readings import ranked
from labtop.views.chart_source import CurveSource, RunFacts, has_curve, metric_names
from labtop.views.chart_ticks import AxisKind, format_position
from labtop.views.text import clean

MOST_RUNS = MOST_LINES
"""Runs that are overlaid at once; more are counted, not drawn."""

WIDTH_BESIDE = 64  # from here on the legend of one chart stands beside it


class CurvesScreen(CurveLooks):
    """Curves of runs."""

    NAME = "curves"
    HEADING = "Curves"
    MINIMUM: ClassVar[tuple[int, int]] = (20, 5)
    CSS_PATH = "curves.tcss"

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
        self.wanted = ""  # the filter on metrics
        self.metric: str | None = None  # the current one
        self.is_single = False  # one chart, large
        self.focus_key: str | None = None  # of a curve
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
        self.show_runs(self.run_ids)

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Show other runs, in the same way."""
        super().show_runs(run_ids)
        self._load()

    def session_changed(self) -> None:
        """Shapes, colours or the baseline may be others."""
        if self.facts:
            self.build()

    def catalog_changed(self) -> None:
        """Read runs again that were alive: their curves may have grown."""
        if self._source is not None:
            self._source.forget([each.run_id for each in self.facts if each.is_live])
        self._load()

    def on_screen_resume(self) -> None:
        """What happened while another screen was in front."""
        if self.charts:
            self.build()

    # loading

    def _load(self) -> None:
        if not self.session.is_open:
            return
        catalog = self.session.catalog
        if self._source is None:
            self._source = CurveSource(catalog)
        source, chosen, query = self._source, self.run_ids, self.session.state.view
        if not self.facts:
            self.set_title("reading")

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
        self.build()

    def build(self) -> None:
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
        at = metrics.index(self.metric)
        first, together = part_of(at, [has_curve(self.facts, name) for name in metrics])
        columns, rows = self._shape(together)
        return tuple(metrics[first + place] for place in page_of(at - first, together, columns * rows))

    def _shape(self, count: int) -> tuple[int, int]:
        size = self.size
        return grid_shape(count, size.width, max(1, size.height - 3))

    def _show(self) -> None:
        """Hand charts to widgets, and say what they are."""
        is_large = len(self.charts) == 1
        self.set_class(is_large and self.size.width >= WIDTH_BESIDE and self.size.height >= 8, "-beside")
        self.set_class(self.size.height < 8, "-no-legend")
        self.set_class(self.size.height >= 40, "-tall")
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
        parts += self.view.words()
        if self.view.averaged and self._source and self._source.families.said:
            parts.append(f"by {self._source.families.said}")
        if self._source and self._source.ranks:
            parts.append(self._source.ranks)
        problems = len(self._source.problems) if self._source else 0
        parts += [f"{problems} damaged file{'s' * (problems != 1)} left out"] if problems else []
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

    def on_resize(self, event: events.Resize) -> None:  # Textual calls the one of LabScreen too
        """Another size may hold other charts."""
        if self.facts:
            self.build()

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
        view = self.current_view
        if view is None or view.chart is None or view.picture is None:
            return
        found = moved_x(view.chart, view.picture, self.cursor_x, direction, cells)
        if found is not None:
            self._set_cursor(found)
        elif self.view.x is not None:
            self.pan(direction)

    def _cursor_to_end(self, direction: int) -> None:
        view = self.current_view
        if view is not None and view.chart is not None and view.picture is not None:
            self._set_cursor(end_x(view.chart, view.picture, direction))

    def _set_cursor(self, x: float | None) -> None:
        self.cursor_x = x
        for view in self.query(ChartView):
            if view.display:
                view.show_cursor(x)
        self.query_one(CurveLegend).show_cursor(x)
        self._say_what()

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
            self.build()

    def action_zoom(self) -> None:
        """The current chart alone, or all of them."""
        self.is_single = not self.is_single
        self.build()

    def action_filter_metrics(self, text: str | None = None) -> None:
        """Only metrics that contain a word or fit a pattern."""

        def answered(typed: str | None) -> None:
            if typed is not None:
                self.wanted = typed.strip()
                self.build()

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
        run_id = None if self.focus_key is None else run_of(self.focus_key)
        if run_id is None or not any(each.run_id == run_id for each in self.facts):
            self.say("choose a curve first (j, k), then pin it as the baseline")
            return
        pinned = self.session.baseline_run_id
        self.session.set_baseline(None if pinned == run_id else run_id)

    def action_close(self) -> None:
        """Undo what is on top: the cursor, the curve in front, the stretch of x, the large chart; or go back."""
        if self.cursor_x is not None:
            self._set_cursor(None)
        elif self.focus_key is not None:
            self.focus_key = None
            self._show()
        elif self.view.x is not None:
            self.look(x=None)
        elif self.is_single:
            self.action_zoom()
        else:
            self.lab.action_close()

    def action_export(self, path: str = "") -> None:
        """Write the points of what is shown to a file: unsmoothed, all of them."""

        def typed(answer: str | None) -> None:
            if answer and answer.strip():
                self._export(Path(answer.strip()).expanduser())

        if path:
            typed(path)
        else:
            self.app.push_screen(
                Prompt("export the points: .csv .parquet .json .jsonl .md .tex", "curves.csv"), typed
            )

    def _export(self, path: Path, overwrite: bool = False) -> None:
        if path.exists() and not overwrite:

            def answered(answer: str | None) -> None:
                if answer == "yes":
                    self._export(path, overwrite=True)

            choices = [Choice("yes", "replace it", letter="y"), Choice("no", "leave it", letter="n")]
            self.app.push_screen(Menu(f"{clean(str(path), 100)} exists", choices), answered)
            return
        catalog, run_ids = self.session.catalog, [each.run_id for each in self.facts]
        names, ranks = [glob.escape(name) for name in self._page()], self.view.ranks

        def write() -> str:
            from labtop.views.export import export, format_of
            from labtop.views.points import points_sheet

            sheet = points_sheet(catalog, run_ids, names, ranks)
            export([sheet], path, format_of(path))
            return f"wrote {len(sheet.rows):,} points of {len(run_ids)} runs to {path}"

        self.request("export", write, self.say)
