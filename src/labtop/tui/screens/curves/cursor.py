"""The cursor of the Curves screen: a place on the x axis, where the legend tells every curve's value."""

from __future__ import annotations

from labtop.tui.screens.curves.choice import CurveChoice
from labtop.tui.widgets.chart import ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.views.chart_cursor import end_x, moved_x


class CurveCursor(CurveChoice):
    """A screen of charts that have one cursor together."""

    def tell(self) -> None:
        """Say in the title line what is shown, and where the cursor is; screens do."""
        raise NotImplementedError

    @property
    def current_view(self) -> ChartView | None:
        """The widget of the current chart."""
        views = self.query(ChartView)
        return next(
            (each for each in views if each.display and each.chart and each.chart.title == self.metric), None
        )

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
            self.repaint()
        self.set_cursor(event.x)

    def _move_cursor(self, direction: int, cells: int) -> None:
        view = self.current_view
        if view is None or view.chart is None or view.picture is None:
            return
        found = moved_x(view.chart, view.picture, self.cursor_x, direction, cells)
        if found is not None:
            self.set_cursor(found)
        elif self.view.x is not None:
            self.pan(direction)

    def _cursor_to_end(self, direction: int) -> None:
        view = self.current_view
        if view is not None and view.chart is not None and view.picture is not None:
            self.set_cursor(end_x(view.chart, view.picture, direction))

    def set_cursor(self, x: float | None) -> None:
        """Put the cursor somewhere, or take it away."""
        self.cursor_x = x
        for view in self.query(ChartView):
            if view.display:
                view.show_cursor(x)
        self.query_one(CurveLegend).show_cursor(x)
        self.tell()

    def action_close(self) -> None:
        """Undo what is on top: the cursor, the curve in front, the stretch of x, the large chart; or go back."""
        if self.cursor_x is not None:
            self.set_cursor(None)
        elif self.focus_key is not None:
            self.focus_key = None
            self.repaint()
        elif self.view.x is not None:
            self.look(x=None)
        elif self.is_single:
            self.action_zoom()
        else:
            self.lab.action_close()
