"""Compare: any number of runs side by side, only what differs, and in how many things they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from labtop.analysis.compare import Comparison, compare
from labtop.analysis.rows import Row
from labtop.analysis.text_diff import DiffLine, diff_lines, patch_lines
from labtop.analysis.values import lines_of, relation
from labtop.model.run import RunRecord
from labtop.tui.choice import Choice
from labtop.tui.screens.base import LabScreen
from labtop.tui.screens.grid_moves import GridMoves
from labtop.tui.widgets.grid import Grid
from labtop.views.comparison import Branch, ComparedRun, Entry, run_titles, text_rows
from labtop.views.comparison_table import ComparisonTable, TransposedTable
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.tui.screens.difference import Compute


class CompareScreen(GridMoves, LabScreen):
    """The first run is the baseline: what differs from it is bold, and a metric's delta refers to it."""

    NAME = "compare"
    HEADING = "Compare"
    MINIMUM: ClassVar[tuple[int, int]] = (30, 6)
    AUTO_FOCUS: ClassVar[str | None] = "Grid"
    CSS_PATH = "compare.tcss"

    def __init__(self, run_ids: tuple[str, ...] = ()) -> None:
        super().__init__(run_ids)
        self.records: tuple[RunRecord, ...] = ()
        self.comparison: Comparison | None = None
        self.shows_all = False
        self.is_transposed = False
        self.needle = ""
        self.folded: set[Branch] = set()
        self._said = ""  # the headline as it stands

    # what is shown

    def compose_body(self) -> ComposeResult:
        """The line that counts the causes, and the grid."""
        yield Static("", id="headline", markup=False)
        yield Grid(ascii=self.session.is_ascii)

    def on_mount(self) -> None:
        """Load the runs."""
        self._load()

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Compare other runs."""
        if run_ids != self.run_ids:
            self.run_ids = run_ids
            self._load()

    def catalog_changed(self) -> None:
        """Runs that are running may have gone on."""
        self._load()

    def session_changed(self) -> None:
        """Another baseline comes first; marks give runs their shapes."""
        self._load()

    def on_resize(self, event: events.Resize) -> None:
        """Share the width out anew."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def _load(self) -> None:
        if not self.session.is_open:
            return
        catalog, ids, shows_all = self.session.catalog, self._ordered_ids(), self.shows_all

        def compute() -> tuple[tuple[RunRecord, ...], Comparison | None]:
            records = tuple(catalog.records(ids))
            return records, compare(records, all=shows_all or len(records) == 1) if records else None

        self.request("records", compute, self._loaded)

    def _ordered_ids(self) -> tuple[str, ...]:
        """The baseline first; beside a single run it is what that is compared with."""
        baseline = self.session.baseline_run_id
        ids = dict.fromkeys(self.run_ids)
        if baseline and (baseline in ids or len(ids) < 2):
            return (baseline, *(run_id for run_id in ids if run_id != baseline))
        return tuple(ids)

    def _loaded(self, answer: tuple[tuple[RunRecord, ...], Comparison | None]) -> None:
        self.records, self.comparison = answer
        self._draw()

    def _draw(self) -> None:
        comparison, grid = self.comparison, self.query_one(Grid)
        if comparison is None:
            self.set_title("no runs")
            self._say_headline(Text("Mark runs with space on the Runs screen, then press c."))
            return
        heads, table = self._table(comparison)
        self.set_title(*self._title(comparison, heads))
        one = " — mark others with space on the Runs screen" if len(self.records) == 1 else ""
        self._say_headline(Text(clean(comparison.headline, 2_000) + one))
        grid.empty_text = self._nothing()
        grid.show(table, table.fetch(0, table.row_count))
        markers = self.session.markers(comparison.run_ids)
        grid.set_marks(
            {
                at: (each.glyph, each.colour)
                for at, each in enumerate(markers[run_id] for run_id in comparison.run_ids)
            }
            if self.is_transposed
            else {},
            0 if self.is_transposed else None,
        )

    def _table(
        self, comparison: Comparison
    ) -> tuple[Sequence[ComparedRun], ComparisonTable | TransposedTable]:
        goals = {
            name: metric.goal for each in self.records for name, metric in each.metrics.items() if metric.goal
        }
        ascii = self.session.is_ascii
        if self.is_transposed:
            heads = run_titles(comparison)
            return heads, TransposedTable(comparison, heads, goals, self.needle, ascii)
        markers = {run_id: each.glyph for run_id, each in self.session.markers(comparison.run_ids).items()}
        heads = run_titles(comparison, markers)
        return heads, ComparisonTable(
            comparison, heads, goals, self.needle, self.folded, ascii, self.size.width
        )

    def _title(self, comparison: Comparison, heads: Sequence[ComparedRun]) -> list[str]:
        number = len(comparison.run_ids)
        if number == 1:
            return ["1 run", heads[0].title]
        parts = [
            f"{number} runs",
            f"against {heads[0].title}",
            "everything" if self.shows_all else "what differs",
        ]
        return [*parts, f"filter: {clean(self.needle, 60)}"] if self.needle else parts

    def _nothing(self) -> str:
        if self.needle:
            return "no fact fits the filter"
        return "the runs agree in everything that was recorded; a shows it"

    def _say_headline(self, text: Text) -> None:
        headline = self.query_one("#headline", Static)
        if text.plain != self._said:
            self._said = text.plain
            headline.update(text)

    # under the cursor

    @property
    def entry(self) -> Entry | None:
        """The section, branch or fact under the cursor."""
        grid = self.query_one(Grid)
        if isinstance(grid.table, TransposedTable):
            return grid.table.entry(grid.cursor_column - 1)
        return grid.table.entry(grid.cursor_index) if isinstance(grid.table, ComparisonTable) else None

    @property
    def run_at_cursor(self) -> int:
        """The number of the run under the cursor; the baseline where the cursor is on the keys."""
        grid = self.query_one(Grid)
        return max(0, grid.cursor_index if self.is_transposed else grid.cursor_column - 1)

    def _other_run(self, rows: Iterable[Row]) -> int:
        """The run under the cursor, or in place of the baseline itself the first that differs from it in some rows."""
        if at := self.run_at_cursor:
            return at
        chosen = list(rows)
        others = range(1, len(self.records))
        differing = (at for at in others if any(relation(row.values[0], row.values[at]) for row in chosen))
        return next(differing, min(1, len(self.records) - 1))

    def on_grid_rows_wanted(self, event: Grid.RowsWanted) -> None:
        """All rows are at hand."""
        event.grid.supply(event.table, event.start, event.table.fetch(event.start, event.end))

    def on_grid_row_chosen(self) -> None:
        """A double click opens."""
        self.action_open_value()

    # actions

    def action_all_facts(self) -> None:
        """Everything, or only what differs."""
        self.shows_all = not self.shows_all
        self._load()

    def action_transpose(self) -> None:
        """A row a run, or a column a run."""
        self.is_transposed = not self.is_transposed
        self._draw()

    def action_fold(self) -> None:
        """Fold the section or branch under the cursor away, or unfold it."""
        entry = self.entry
        if entry is None or self.is_transposed:
            return
        branch = entry.branch if entry.kind != "fact" else self._enclosing(entry)
        self.folded ^= {branch}
        self._draw()
        self._to_branch(branch)

    def _enclosing(self, entry: Entry) -> Branch:
        """The nearest branch or section above a fact that has a line of its own."""
        grid = self.query_one(Grid)
        assert isinstance(grid.table, ComparisonTable)
        above = (grid.table.entries[at] for at in range(grid.cursor_index, -1, -1))
        return next(
            each.branch for each in above if each.kind != "fact" and each.depth <= max(0, entry.depth - 1)
        )

    def _to_branch(self, branch: Branch) -> None:
        grid = self.query_one(Grid)
        if isinstance(grid.table, ComparisonTable):
            found = (
                at
                for at, each in enumerate(grid.table.entries)
                if each.kind != "fact" and each.branch == branch
            )
            grid.move_to(next(found, grid.cursor_index))

    def action_filter_facts(self, needle: str = "") -> None:
        """Keep the facts whose key or value holds some words; as they are typed."""
        before = self.needle
        if needle:
            self._set_needle(needle)
            return

        def explain(typed: str) -> str:
            self._set_needle(typed)
            table = self.query_one(Grid).table
            facts = [each for each in getattr(table, "entries", ()) if each.kind == "fact"]
            return f"{len(facts)} fit   Enter keeps   Esc drops" if typed else "words in a key or value"

        def done(typed: str | None) -> None:
            self._set_needle(before if typed is None else typed)

        self.ask("", before, done, prompt="/", explain=explain)

    def _set_needle(self, needle: str) -> None:
        if needle != self.needle:
            self.needle = needle
            self._draw()

    def action_close(self) -> None:
        """Drop the filter, or go back."""
        if self.needle:
            self._set_needle("")
        else:
            self.call_later(self.lab.action_back)

    def action_baseline(self) -> None:
        """Compare everything with the run under the cursor."""
        if self.records:
            run_id = self.records[self.run_at_cursor].id
            self.session.set_baseline(None if run_id == self.session.baseline_run_id else run_id)

    def action_open_value(self) -> None:
        """Open a value as a text diff against the baseline; fold a section."""
        entry = self.entry
        if entry is None:
            return
        if entry.row is None:
            self.action_fold()
            return
        if entry.branch[:2] in (("code", "commit"), ("code", "patch")) and len(self.records) > 1:
            self.action_code_diff()
            return
        row = entry.row
        run = self._other_run([row])

        def compute() -> Sequence[DiffLine]:
            return diff_lines(lines_of(row.values[0]), lines_of(row.values[run]), context=None)

        self._open(f"{row.section} {row.key}: {self._pair(run)}", run, compute)

    def action_code_diff(self) -> None:
        """What changed in the code between the baseline and the run under the cursor, patches included."""
        if len(self.records) < 2:
            self.say("mark another run to compare the code with", "warning")
            return
        rows = self.comparison.rows if self.comparison else ()
        run = self._other_run(
            row for row in rows if row.section == "code" and row.path[0] in ("commit", "patch")
        )
        catalog, first, second = self.session.catalog, self.records[0], self.records[run]

        def compute() -> Sequence[DiffLine]:
            from pathlib import Path

            from labtop.reproduce.code_diff import code_diff

            folders = catalog.run_folder(first.id), catalog.run_folder(second.id)
            found = code_diff(first, second, *folders, Path.cwd())
            notes = [DiffLine("header", ((f"incomplete: {words}", False),)) for words in found.missing]
            return (*notes, *patch_lines(found.patch))

        self._open(f"code: {self._pair(run)}", run, compute)

    def _pair(self, run: int) -> str:
        return f"{self.records[0].name} → {self.records[run].name}"

    def _open(self, title: str, run: int, compute: Compute) -> None:
        from labtop.tui.screens.difference import DifferenceScreen

        ids = (self.records[0].id, self.records[run].id)
        self.app.push_screen(DifferenceScreen(ids, title, compute))

    def action_reproduce(self) -> None:
        """How to bring the run under the cursor back."""
        if self.records:
            self.lab.show("reproduce", (self.records[self.run_at_cursor].id,))

    def action_copy_compared(self) -> None:
        """Copy the value, the line or the whole comparison."""
        if self.comparison is None:
            return
        choices = (
            Choice("value", "the value under the cursor", letter="v"),
            Choice("row", "the line under the cursor, with every run's value", letter="r"),
            Choice("headline", "in how many things they differ", letter="h"),
            Choice("table", "the comparison as a Markdown table", letter="t"),
        )
        self.menu("copy", choices, self._copy)

    def _copy(self, what: str | None) -> None:
        text = self._text_of(what) if what else ""
        if text:
            self.lab.copy(text, what or "")

    def _text_of(self, what: str) -> str:
        assert self.comparison is not None
        entry = self.entry
        if what == "headline":
            return self.comparison.headline
        if what == "table":
            from io import BytesIO

            from labtop.views.export import Sheet, write_sheet

            columns = ("section", "key", *(head.title for head in run_titles(self.comparison)))
            stream = BytesIO()
            write_sheet(Sheet(columns, list(text_rows(self.comparison)), "comparison"), "md", stream)
            return stream.getvalue().decode("utf-8", "replace").rstrip("\n")
        if entry is None or entry.row is None:
            return entry.label if entry else ""
        values = ["\n".join(lines_of(value)) for value in entry.row.values]
        return values[self.run_at_cursor] if what == "value" else "\t".join((entry.row.key, *values))
