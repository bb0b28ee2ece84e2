"""The run under the cursor, beside the table: one pane with what matters, or two with a little more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.text import Text

from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.glyphs import glyphs

if TYPE_CHECKING:
    from labtop.model.run import RunRecord
    from labtop.views.facts import Section

PANES = {
    "facts": ("Run", "Params", "Code", "Data", "Randomness", "Command"),
    "results": (
        "Metrics",
        "Summary",
        "Can it be reproduced?",
        "Environment",
        "Hardware",
        "Artifacts",
        "Problems",
    ),
    "single": ("Run", "Metrics", "Params", "Can it be reproduced?", "Code", "Data", "Artifacts", "Problems"),
}


class RunPreview(LineView):
    """A pane that is scrolled, not chosen from; Tab brings the keys here."""

    def __init__(self, part: Literal["facts", "results"], id: str) -> None:
        super().__init__(has_cursor=False, id=id)
        self.part = part
        self._shown: str | None = None
        self._sections: list[Section] = []
        self._wanted: tuple[str, ...] = ()

    def show_run(self, record: RunRecord, baseline: RunRecord | None, is_single: bool) -> None:
        """Show a run; another one from its top."""
        from labtop.views.record import record_sections  # costs a tenth of the time to the first paint

        self._wanted = PANES["single" if is_single else self.part]
        self._sections = record_sections(record, baseline)
        self._write(keep_place=record.id == self._shown)
        self._shown = record.id

    def show_nothing(self, why: str) -> None:
        """Say why there is no run here."""
        self._shown, self._sections = None, []
        self.show([Line(Text(why, "dim"))], keep_place=False)

    def _write(self, keep_place: bool) -> None:
        from labtop.tui.record_lines import section_lines

        drawn = glyphs(self.app.session.is_ascii)  # type: ignore[attr-defined]  # every app of ours has one
        by_title = {section.title: section for section in self._sections}
        sections = [by_title[title] for title in self._wanted if title in by_title]
        self.show(section_lines(sections, self.content_size.width, drawn), keep_place)
