"""Curves: several metrics as a grid of charts, or one of them large, over the marked runs.

The screen holds what is looked at (`CurvesView`, the metric, the cursor) as values; a source reads and builds charts
from them in a thread, and the charts repaint what differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from labtop.tui.screens.curves.cursor import CurveCursor
from labtop.tui.widgets.chart import ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.views.chart import Chart, Pen, Picture
from labtop.views.chart_curves import Face
from labtop.views.chart_extent import x_scale
from labtop.views.chart_ranks import MOST_LINES
from labtop.views.chart_raster import ASCII, BRAILLE
from labtop.views.chart_source import CurveSource, RunFacts
from labtop.views.chart_ticks import AxisKind, format_position
from labtop.views.text import clean

MOST_RUNS = MOST_LINES
"""Runs that are overlaid at once; more are counted, not drawn."""

WIDTH_BESIDE = 64  # from here on the legend of one chart stands beside it


class CurvesScreen(CurveCursor):
    """Curves of runs."""

    NAME = "curves"
    HEADING = "Curves"
    MINIMUM: ClassVar[tuple[int, int]] = (20, 5)
    CSS_PATH = "curves.tcss"

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
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
        self.load()

    def session_changed(self) -> None:
        """Shapes, colours or the baseline may be others."""
        if self.facts:
            self.build()

    def catalog_changed(self) -> None:
        """Read runs again that were alive: their curves may have grown."""
        if self._source is not None:
            self._source.forget([each.run_id for each in self.facts if each.is_live])
        self.load()

    def on_screen_resume(self) -> None:
        """What happened while another screen was in front."""
        if self.charts:
            self.build()

    # loading

    def load(self) -> None:
        """Read which runs there are and what they logged."""
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
        page = self.page
        faces, baseline = self._faces(), self.session.baseline_run_id
        self.request("charts", lambda: source.charts(facts, page, view, faces, baseline), self._built)

    def _built(self, charts: tuple[Chart, ...]) -> None:
        self.charts = charts
        self.repaint()

    def _faces(self) -> dict[str, Face]:
        markers = self.session.markers([each.run_id for each in self.facts])
        return {
            each.run_id: Face(each.run_id, each.name, markers[each.run_id].glyph, markers[each.run_id].colour)
            for each in self.facts
        }

    # what is shown

    @property
    def pen(self) -> Pen:
        """Braille, or what the terminal can show; without colours where the user wants none."""
        is_ascii = self.session.is_ascii
        return Pen(ASCII if is_ascii else BRAILLE, is_ascii, bool(os.environ.get("NO_COLOR")))

    def repaint(self) -> None:
        """Hand charts to widgets, and say what they are."""
        is_large = len(self.charts) == 1
        self.set_class(is_large and self.size.width >= WIDTH_BESIDE and self.size.height >= 8, "-beside")
        self.set_class(self.size.height < 8, "-no-legend")
        self.set_class(self.size.height >= 40, "-tall")
        container = self.query_one("#charts", Container)
        columns, rows = (1, 1) if is_large else self.shape(len(self.charts))
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
        self.tell()

    def _draw_in_thread(
        self, slot: str, work: Callable[[], Picture], then: Callable[[Picture], object]
    ) -> None:
        self.request(slot, work, then)

    def tell(self) -> None:
        """The title line: runs, axis, smoothing, page, cursor."""
        if not self.facts:
            reason = "no runs to draw" if self.session.is_open else "opening the store"
            self.set_title(reason)
            return
        runs = f"{len(self.facts)} run{'s' * (len(self.facts) != 1)}"
        if self._left_out:
            runs += f", {self._left_out:,} more not drawn"
        metrics, page = self.metrics, self.page
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
