"""Problems: the files that could not be read and the runs of which something could not; everything else was."""

from __future__ import annotations

from rich.text import Text
from textual import events

from labtop.query.request import TableQuery
from labtop.tui.record_lines import wrapped
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.problems import Told, told_problems
from labtop.views.text import clean

MOST_RUNS = 500
"""Runs whose problems are told; of more of them only the number is."""


class ProblemsScreen(ListScreen):
    """What is damaged and why, one after the other."""

    NAME = "problems"
    HEADING = "Problems"

    def __init__(self, run_ids: tuple[str, ...] = ()) -> None:
        super().__init__(run_ids)
        self._told: tuple[Told, ...] | None = None
        self._untold = 0

    def on_mount(self) -> None:
        """Show what there is."""
        self.catalog_changed()

    def on_resize(self, event: events.Resize) -> None:
        """Break long lines anew."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def catalog_changed(self) -> None:
        """Look for what there is now."""
        if not self.session.is_open:
            return
        catalog = self.session.catalog

        def compute() -> tuple[tuple[Told, ...], int, int]:
            hurt = catalog.select(TableQuery("run.problems > 0")).rows
            told = told_problems(catalog.problems, catalog.records(catalog.ids(hurt[:MOST_RUNS])))
            return told, len(catalog.problems), len(hurt)

        self.request("problems", compute, self._found)

    def _found(self, answer: tuple[tuple[Told, ...], int, int]) -> None:
        self._told, files, runs = answer
        self._untold = max(0, runs - MOST_RUNS)
        counts = (
            f"{files:,} unreadable" if files else "",
            f"{runs:,} run{'s' * (runs != 1)} with problems" if runs else "",
        )
        said = ", ".join(filter(None, counts))
        self.set_title(f"{said}; all else was read" if said else "none")
        self._draw()

    def _draw(self) -> None:
        if self._told is None:
            return
        view = self.query_one(LineView)
        room = max(8, view.size.width - 5)
        lines: list[Line] = []
        for told in self._told:
            lines += [Line(Text(each, "bold"), told.what) for each in wrapped(told.what, room)]
            if told.where:
                lines += [
                    Line(Text("    " + each, "dim"), is_heading=True) for each in wrapped(told.where, room)
                ]
            lines += [Line(Text("    " + each), is_heading=True) for each in wrapped(told.why, room)]
        if self._untold:
            more = f"{self._untold:,} more runs have problems: labtop ls --where 'problems > 0'"
            lines += [Line(Text(each), is_heading=True) for each in wrapped(more, room)]
        if cut := self.session.catalog.cut:
            lines += [Line(Text(each), is_heading=True) for each in wrapped(clean(cut), room)]
        view.show(lines or [Line(Text("Everything could be read.", "dim"), is_heading=True)])
