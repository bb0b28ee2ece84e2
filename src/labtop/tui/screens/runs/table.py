"""The heart of the Runs screen: a view (what is asked) becomes a table (what is drawn), in a thread.

Also paints the rows of the last session at the start, long before the catalog can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.errors import FilterError
from labtop.tui.painted import PaintedTable
from labtop.tui.run_edits import RunEdits
from labtop.tui.runs_view import RunsView, UndoStack
from labtop.tui.screens.runs.loading import Asked, Loaded, Members, load_table
from labtop.tui.widgets.grid import Grid
from labtop.views.glyphs import Glyphs, glyphs

if TYPE_CHECKING:
    from labtop.model.columns import Column


class RunsTable(RunEdits):
    """State and loading of the Runs screen; what keys do is added by its subclasses."""

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__(run_ids)
        self.view = RunsView()
        self.undo_stack = UndoStack()
        self.members: Members | None = None
        self.loaded: Loaded | None = None
        self.follows = False
        self.was_grouped = False
        self.ids: dict[int, str] = {}  # row number → run id, of all rows that were fetched

    @property
    def grid(self) -> Grid:
        """The table's widget."""
        return self.query_one(Grid)

    @property
    def drawn_with(self) -> Glyphs:
        """The glyphs of this terminal."""
        return glyphs(self.session.is_ascii)

    @property
    def is_grouped(self) -> bool:
        """Whether lines are groups of runs."""
        return bool(self.view.group) and self.members is None

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """Keys of the columns on the screen, in their order."""
        return tuple(column.key for column in self.loaded.table.columns) if self.loaded else ()

    def column_of(self, key: str) -> Column | None:
        """The column of a key."""
        from labtop.views.table_columns import find_keys

        return next(iter(find_keys(self.session.catalog.columns(), [key])), None)

    # changing what is asked

    def change_view(self, view: RunsView, members: Members | None = None) -> None:
        """Show another view, and remember the old one for undo."""
        if view == self.view and members == self.members:
            return
        if view != self.view:
            self.undo_stack.push(self.view)
        if view.sort != self.view.sort:
            self.session.current_run_id = None  # one sorts to see what comes first
        self._take(view, members)

    def _take(self, view: RunsView, members: Members | None = None) -> None:
        self.view, self.members = view, members
        self.session.state.view = view
        self.load()

    def action_undo(self) -> None:
        """The view before."""
        view = self.undo_stack.undo(self.view)
        self._take(view) if view else self.say("nothing to undo", "warning")

    def action_redo(self) -> None:
        """The view that was taken back."""
        view = self.undo_stack.redo(self.view)
        self._take(view) if view else self.say("nothing to redo", "warning")

    # loading

    def load(self, typed: str | None = None) -> None:
        """Ask for the table. `typed` is a filter that is being typed: columns stay, errors go to `filter_failed`."""
        if not self.session.is_open:
            return
        catalog, drawn = self.session.catalog, self.drawn_with
        asked = self._asked(typed)
        like = self.loaded.table if typed is not None and self.loaded else None
        self.request(
            "table",
            lambda: load_table(catalog, asked, drawn, like),
            self._arrived,
            failed=self._failed,
            interrupt=catalog.interrupt,
        )

    def _asked(self, typed: str | None) -> Asked:
        session = self.session
        marked = {run_id: session.marker(run_id) for run_id in session.marked_run_ids}
        view = self.view if typed is None else replace(self.view, where=typed)
        last = self.loaded.asked if self.loaded else None
        return Asked(
            view=view,
            members=self.members,
            baseline=session.baseline_run_id,
            marked=marked,
            current=session.current_run_id,
            is_changed=last is None or (view, self.members) != (last.view, last.members),
            follows=self.follows,
            group=last.members.place if last and last.members and not self.members else 0,
        )

    def _arrived(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.ids.update(loaded.ids)
        if loaded.running is not None:
            self.session.running = loaded.running
        if loaded.hurt is not None:
            self.session.hurt = loaded.hurt
        table = loaded.table
        self.grid.empty_text = "no run fits" if loaded.selection.total else ""
        self.grid.show(table, table.first_rows, table.first_start, loaded.cursor)
        if self.was_grouped != self.is_grouped:
            self.was_grouped = self.is_grouped
            self.grid.move_to_column(10**6)  # there and back scrolls to the very first column
            self.grid.move_to_column(0)
        self.grid.set_marks(loaded.marks, loaded.baseline_row)
        self.table_arrived(loaded)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, FilterError):
            self.filter_failed(error)
        else:
            self.lab.show_error(error)

    def table_arrived(self, loaded: Loaded) -> None:
        """A table has come and is shown."""

    def filter_failed(self, error: FilterError) -> None:
        """The filter is wrong."""

    def on_grid_rows_wanted(self, event: Grid.RowsWanted) -> None:
        """Fetch rows that come into sight."""
        table = event.table
        if isinstance(table, PaintedTable):
            return
        start, stop = event.start, event.end
        self.request(
            "rows", lambda: table.fetch(start, stop), lambda rows: event.grid.supply(table, start, rows)
        )

    # the first paint

    def paint_last(self) -> None:
        """Show the rows of the last session until the catalog answers."""
        painted = PaintedTable.from_json(self.session.state.painted)
        if painted is not None:
            self.grid.show(painted, painted.rows, 0, painted.cursor)
            self.grid.set_marks(painted.marks, painted.baseline)

    def keep_painted(self) -> None:
        """Remember the rows on the screen for the next start."""
        if self.loaded is not None and self.grid.table is self.loaded.table:
            self.session.state.painted = PaintedTable.of(
                self.grid, self.loaded.marks, self.loaded.baseline_row
            )
