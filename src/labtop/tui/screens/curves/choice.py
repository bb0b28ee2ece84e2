"""What of the curves is in sight: which runs, which metrics a page at a time, and which curve is in front."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from labtop.tui.screens.curves.looks import CurveLooks
from labtop.tui.screens.curves.metrics import grid_shape, matching, page_of, part_of
from labtop.views.chart import Chart
from labtop.views.chart_ranks import run_of
from labtop.views.chart_readings import ranked
from labtop.views.chart_source import has_curve, metric_names


class CurveChoice(CurveLooks):
    """A screen of charts that one can go through."""

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
        self.wanted = ""  # the filter on metrics
        self.metric: str | None = None  # the current one
        self.is_single = False  # one chart, large
        self.shows_all = False  # the runs of the Runs table instead of the chosen ones

    def load(self) -> None:
        """Read which runs there are and what they logged; screens do."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Show the charts that are there, with another one or another curve in front; screens do."""
        raise NotImplementedError

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the runs have and the filter lets through."""
        return matching(metric_names(self.facts), self.wanted)

    @property
    def chart(self) -> Chart | None:
        """The current chart."""
        return next((each for each in self.charts if each.title == self.metric), None)

    @property
    def page(self) -> tuple[str, ...]:
        """The metrics that are in sight."""
        metrics = self.metrics
        if self.metric is None or not metrics:
            return ()
        if self.is_single or len(metrics) == 1:
            return (self.metric,)
        at = metrics.index(self.metric)
        first, together = part_of(at, [has_curve(self.facts, name) for name in metrics])
        columns, rows = self.shape(together)
        return tuple(metrics[first + place] for place in page_of(at - first, together, columns * rows))

    def shape(self, count: int) -> tuple[int, int]:
        """Columns and rows of the grid for so many charts."""
        size = self.size
        return grid_shape(count, size.width, max(1, size.height - 3))

    # metrics

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
        if {each.title for each in self.charts} == set(self.page):
            self.repaint()
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
            self.ask("metrics", self.wanted, answered, explain=explain)

    # runs and curves

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
        self.repaint()

    def action_all_runs(self) -> None:
        """The runs that the Runs screen shows, or only the chosen ones."""
        self.shows_all = not self.shows_all
        self.load()

    def action_baseline(self) -> None:
        """Pin the run of the curve in front as the baseline, or let go of it."""
        run_id = None if self.focus_key is None else run_of(self.focus_key)
        if run_id is None or not any(each.run_id == run_id for each in self.facts):
            self.say("choose a curve first (j, k), then pin it as the baseline")
            return
        pinned = self.session.baseline_run_id
        self.session.set_baseline(None if pinned == run_id else run_id)

    def action_export(self, path: str = "") -> None:
        """Write the points of what is shown to a file: unsmoothed, all of them."""
        self.ask_file(
            "export the points: .csv .parquet .json .jsonl .md .tex", "curves.csv", self._export, path
        )

    def _export(self, path: Path) -> None:
        catalog, run_ids = self.session.catalog, [each.run_id for each in self.facts]
        names, ranks = [glob.escape(name) for name in self.page], self.view.ranks

        def write() -> str:
            from labtop.views.export import export, format_of
            from labtop.views.points import points_sheet

            sheet = points_sheet(catalog, run_ids, names, ranks)
            export([sheet], path, format_of(path))
            return f"wrote {len(sheet.rows):,} points of {len(run_ids)} runs to {path}"

        self.request("export", write, self.say)
