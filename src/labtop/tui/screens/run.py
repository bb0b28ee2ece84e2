"""Run: everything recorded of one run, what differs from the baseline on top, and the end of its output."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from labtop.model.run import RunRecord
from labtop.tui.record_lines import OPENS, section_lines
from labtop.tui.run_edits import RunEdits
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.facts import Section
from labtop.views.glyphs import glyphs
from labtop.views.record import record_sections
from labtop.views.record_output import output_tail
from labtop.views.record_source import missing_output
from labtop.views.text import clean

LEFT = ("Run", "Metrics", "Values", "Params", "Summary", "Output")
"""What stands in the left pane where there are two; the rest is in the right one."""


class RunScreen(RunEdits, ListScreen):
    """One run. In a wide terminal its results are on the left and what made them on the right."""

    NAME = "run"
    HEADING = "Run"
    AUTO_FOCUS = "#results"
    DEFAULT_CSS = """
    RunScreen #origins { display: none; border-left: solid $foreground 20%; padding-left: 1; width: 45%; }
    RunScreen.-two-panes #origins { display: block; }
    """

    def __init__(self, run_ids: tuple[str, ...] = ()) -> None:
        super().__init__(run_ids[:1])
        self.record: RunRecord | None = None
        self._sections: list[Section] = []

    def compose_body(self) -> ComposeResult:
        """Results, origins."""
        with Horizontal():
            yield LineView(id="results")
            yield LineView(id="origins")

    def on_mount(self) -> None:
        """Load the run."""
        self._load()

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Show another run."""
        if run_ids[:1] != self.run_ids:
            self.run_ids = run_ids[:1]
            self._load()

    def catalog_changed(self) -> None:
        """The run may have gone on."""
        self._load()

    def session_changed(self) -> None:
        """There may be another baseline."""
        self._load()

    def edited_run_ids(self) -> tuple[str, ...]:
        """Edits act on the run shown."""
        return self.run_ids

    def edited_record(self) -> RunRecord | None:
        """The run shown."""
        return self.record

    def _load(self) -> None:
        if not self.run_ids:
            self._show_nothing()
            return
        catalog, run_id, baseline_id = self.session.catalog, self.run_ids[0], self.session.baseline_run_id

        def compute() -> tuple[RunRecord, list[Section]]:
            record = catalog.record(run_id)
            has_baseline = baseline_id is not None and catalog.row_of(baseline_id) is not None
            baseline = catalog.record(baseline_id) if has_baseline and baseline_id else None
            sections = record_sections(record, baseline)
            output = output_tail(catalog.run_folder(run_id)) or missing_output(record)
            return record, [*sections, output] if output else sections

        self.request("record", compute, self._loaded)

    def _loaded(self, answer: tuple[RunRecord, list[Section]]) -> None:
        self.record, self._sections = answer
        record = self.record
        self.set_title(Text(clean(record.name, 120)), clean(record.id, 20), str(record.status))
        self._draw()

    def _show_nothing(self) -> None:
        self.set_title("none chosen")
        self.query_one("#results", LineView).show(
            [Line(Text("  There is no run to show.", "dim"), is_heading=True)]
        )

    def on_resize(self, event: events.Resize) -> None:
        """One pane or two."""
        super().on_resize(event)
        self.set_class(event.size.width >= 120, "-two-panes")
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self._sections:
            return
        drawn = glyphs(self.session.is_ascii)
        results, origins = self.query_one("#results", LineView), self.query_one("#origins", LineView)
        left, right = self._sections, list[Section]()
        if self.has_class("-two-panes"):
            left = [each for each in self._sections if each.title in LEFT]
            right = [each for each in self._sections if each.title not in LEFT]
        results.show(section_lines(left, results.size.width - 1, drawn))
        origins.show(section_lines(right, origins.size.width - 1, drawn))

    def action_next_pane(self) -> None:
        """The other pane, or the next section."""
        if self.has_class("-two-panes"):
            other = "#results" if self.list_view.id == "origins" else "#origins"
            self.query_one(other, LineView).focus()
        else:
            self._to_section(1)

    def action_previous_pane(self) -> None:
        """The other pane, or the section before."""
        if self.has_class("-two-panes"):
            self.action_next_pane()
        else:
            self._to_section(-1)

    def action_show_value(self) -> None:
        """Open the rich value under the cursor."""
        line = self.list_view.line
        if line is None or not line.key.startswith(OPENS):
            self.say("Enter opens an image, a table or a curve, where the run logged one")
            return
        from labtop.tui.screens.value import ValueScreen

        self.app.push_screen(ValueScreen(self.run_ids, line.key.removeprefix(OPENS)))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A second click opens it too."""
        self.action_show_value()

    def _to_section(self, step: int) -> None:
        view = self.list_view
        starts = [at for at, line in enumerate(view.lines) if line.is_heading and line.text.plain.strip()]
        starts = [
            at + 1 for at in starts if at + 1 < len(view.lines) and not view.lines[at + 1].is_heading
        ] or [0]
        if step > 0:
            view.begin_with(next((at for at in starts if at > view.cursor), starts[0]))
        else:
            view.begin_with(next((at for at in reversed(starts) if at < view.cursor), starts[-1]))
