"""The actions that change how curves are looked at: range, axes, smoothing, seeds. What they act on is the screen's.

Each makes a new `CurvesView` and asks for the charts again; what was read and smoothed before is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from labtop.errors import UsageError
from labtop.tui.choice import Choice
from labtop.tui.screens.base import LabScreen
from labtop.views.chart import Chart
from labtop.views.chart_curves import Smoothing, XAxis
from labtop.views.chart_extent import x_scale
from labtop.views.chart_look import CurvesView
from labtop.views.chart_scale import Scale, zoomed
from labtop.views.chart_source import RunFacts, metric_names
from labtop.views.chart_ticks import AxisKind

AXIS_WORDS: dict[str, AxisKind] = {"step": "step", "relative": "relative", "time": "clock", "clock": "clock"}


class CurveLooks(LabScreen):
    """A screen whose curves can be looked at in many ways."""

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
        self.view = CurvesView()
        self.facts: tuple[RunFacts, ...] = ()
        self.charts: tuple[Chart, ...] = ()
        self.focus_key: str | None = None  # of a curve
        self.cursor_x: float | None = None

    def build(self) -> None:
        """Ask for the charts of what is in sight; screens do."""
        raise NotImplementedError

    @property
    def chart(self) -> Chart | None:
        """The current chart; screens know which."""
        raise NotImplementedError

    def look(self, **changes: Any) -> None:
        """Look at the curves in another way."""
        self.view = replace(self.view, **changes)
        self.build()

    def action_ranks(self, text: str | None = None) -> None:
        """Whose points, where several processes logged a metric: rank 0, an aggregate, every rank, or a named one."""
        self.focus_key = None
        if text is None:
            self.view = self.view.next_ranks()
            self.build()
            return
        from labtop.query.ranks import RankChoice

        RankChoice.parse(text)
        self.look(ranks=text.strip().lower())

    # range and scale

    def action_zoom_in(self) -> None:
        """Half as much of x, around the cursor."""
        self._zoom(0.5)

    def action_zoom_out(self) -> None:
        """Twice as much of x."""
        self._zoom(2.0)

    def action_zoom_all(self) -> None:
        """All of x."""
        self.look(x=None)

    def _zoom(self, factor: float) -> None:
        chart = self.chart
        if chart is None or chart.x is None:
            return
        whole = x_scale([curve for each in self.charts for curve in each.curves], self.view.log_x)
        centre = self.cursor_x if self.cursor_x is not None else chart.x.value(0.5)
        near = zoomed(chart.x, centre, factor, whole)
        self.look(x=None if near == whole else near)

    def pan(self, direction: int) -> None:
        """Show the next half of the stretch in a direction."""
        chart, shown = self.chart, self.view.x
        if chart is None or shown is None:
            return
        whole = x_scale([curve for each in self.charts for curve in each.curves], self.view.log_x)
        low, high = (float(each) for each in whole.fractions([shown.low, shown.high]))
        by = direction * min((high - low) / 2, 1 - high if direction > 0 else low)
        if abs(by) > 1e-12:
            self.look(x=Scale(whole.value(low + by), whole.value(high + by), whole.log))

    def action_x_axis(self, text: str = "") -> None:
        """x is step, then time since the start, then clock time; on the command line also any metric."""
        if text in AXIS_WORDS:
            axis = XAxis(AXIS_WORDS[text])
        elif text:
            axis = self._metric_axis(text)
        else:
            axis = self.view.next_axis()
        self._set_axis(axis)

    def action_x_metric(self) -> None:
        """Choose a metric for x."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self._set_axis(self._metric_axis(key))

        choices = [Choice(name, name) for name in metric_names(self.facts)]
        self.pick("x axis", choices, chosen)

    def _metric_axis(self, name: str) -> XAxis:
        if name not in metric_names(self.facts):
            raise UsageError(
                f"no metric {name!r} in these runs", "step, relative, clock, or a metric's full name"
            )
        return XAxis("number", name)

    def _set_axis(self, axis: XAxis) -> None:
        self.cursor_x = None
        self.look(axis=axis, x=None)

    def action_log_x(self) -> None:
        """A logarithmic x axis, or back."""
        self.look(log_x=not self.view.log_x, x=None)

    def action_log_y(self) -> None:
        """A logarithmic y axis, or back."""
        self.look(log_y=not self.view.log_y)

    def action_cut_outliers(self) -> None:
        """y without the outermost 1 % of the points, or back; the charts say how many points are cut off."""
        self.look(robust=not self.view.robust)

    # smoothing and seeds

    def action_smooth_more(self) -> None:
        """One step smoother."""
        self.look(smoothing=self.view.smoothed(1).smoothing)

    def action_smooth_less(self) -> None:
        """One step less smooth."""
        self.look(smoothing=self.view.smoothed(-1).smoothing)

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
        self.look(smoothing=Smoothing("ema", amount) if amount < 1 else Smoothing("window", amount))

    def action_smoothing_method(self) -> None:
        """EMA or window."""
        self.look(smoothing=self.view.smoothed_otherwise().smoothing)
        if not self.view.smoothing.is_on:
            self.say(
                "smoothing (]) is now by " + ("EMA" if self.view.smoothing.method == "ema" else "a window")
            )

    def action_average_seeds(self) -> None:
        """Runs that are the same but for the seed as one mean, or back."""
        self.focus_key = None
        self.look(averaged=not self.view.averaged)

    def action_behind(self) -> None:
        """What lies behind a curve: of a mean ± std, min–max or nothing; of a smoothed curve its points or nothing."""
        if self.view.averaged:
            self.look(band=self.view.next_band().band)
        elif self.view.smoothing.is_on:
            self.look(with_logged=not self.view.with_logged)
        else:
            self.say("nothing lies behind a curve that is neither smoothed (]) nor a mean over seeds (s)")
