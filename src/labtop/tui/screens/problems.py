"""Problems: the files that could not be read, with their reasons; everything else was."""

from __future__ import annotations

from rich.text import Text

from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.text import clean


class ProblemsScreen(ListScreen):
    """One damaged file and its reason after the other."""

    NAME = "problems"
    HEADING = "Problems"

    def on_mount(self) -> None:
        """Show what there is."""
        self.catalog_changed()

    def catalog_changed(self) -> None:
        """Show what there is now."""
        problems = self.session.catalog.problems if self.session.is_open else ()
        lines: list[Line] = []
        for problem in problems:
            lines.append(Line(Text(clean(problem.path, 400), "bold", no_wrap=True), problem.path))
            lines.append(Line(Text("    " + clean(problem.reason, 400), no_wrap=True), is_heading=True))
        if self.session.is_open and self.session.catalog.cut:
            lines.append(Line(Text(clean(self.session.catalog.cut, 400)), is_heading=True))
        if not lines:
            lines = [Line(Text("Everything could be read.", "dim"), is_heading=True)]
        self.set_title(f"{len(problems)} that could not be read; all else was" if problems else "none")
        self.query_one(LineView).show(lines)
