"""The heart of the Runs screen: a view (what is asked) becomes a table (what is drawn), in a thread.

Also paints the rows of the last session at the start, long before the catalog can answer.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from labtop.errors import FilterError
from labtop.tui.painted import PaintedTable
from labtop.tui.run_edits import RunEdits
from labtop.tui.runs_view import RunsView, UndoStack
from labtop.tui.session import Marker
from labtop.tui.widgets.grid import Grid
from labtop.views.glyphs import Glyphs, glyphs
from labtop.views.table_shape import TableRow

if TYPE_CHECKING:
    from labtop.model.columns import Column
    from labtop.query.catalog import Catalog, Selection
    from labtop.views.table import TableView
    from labtop.views.table_groups import GroupView

    RunTable: TypeAlias = TableView | GroupView


@dataclass(frozen=True, slots=True)
class Members:
    """The runs of one group, opened."""

    rows: array[int]
    title: str


@dataclass(frozen=True, slots=True)
class Asked:
    """All that decides what the table shows."""

    view: RunsView
    members: Members | None
    baseline: str | None
    marked: Mapping[str, Marker]
    current: str | None  # the run that the cursor shall stay on; None for the first line
    is_changed: bool  # another view, not the same one again
    follows: bool


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The answer: a table, and what stands around it."""

    asked: Asked
    selection: Selection
    table: RunTable
    cursor: int | None
    marks: Mapping[int, Marker]
    baseline_row: int | None
    running: int | None  # None: not counted this time
    ids: Mapping[int, str]  # of the rows at hand
    hurt: int | None = None  # runs with problems, of all; None: not counted this time


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


def ids_of(catalog: Catalog, rows: Sequence[TableRow]) -> dict[int, str]:
    """The run ids of rows, by their number."""
    numbers = [row.number for row in rows]
    return dict(zip(numbers, catalog.ids(numbers), strict=True))


def load_table(catalog: Catalog, asked: Asked, drawn: Glyphs, like: Any = None) -> Loaded:
    """Ask the catalog. Runs in a thread. Raises FilterError."""
    from labtop.query.catalog import Selection, TableQuery
    from labtop.views.table import TableSpec, TableView, build_table
    from labtop.views.table_groups import build_groups

    view = asked.view
    query = TableQuery(view.where, sort_keys(view), view.archived)
    baseline = catalog.row_of(asked.baseline) if asked.baseline else None
    spec = TableSpec(
        query=query,
        columns=view.columns,
        hidden=view.hidden,
        widths=view.widths,
        group=view.group,
        show_constant=view.show_constant,
        baseline=baseline,
    )
    selection = catalog.select(query)
    if asked.members is not None:
        inside = set(asked.members.rows)
        kept = array("I", (row for row in selection.rows if row in inside))
        selection = Selection(selection.revision, kept, selection.total)
    table: RunTable
    if view.group and asked.members is None:
        table, cursor = (
            build_groups(catalog, spec, drawn, selection=selection),
            0 if asked.is_changed else None,
        )
    else:
        cursor = _place(catalog, selection, asked)
        earlier = like if isinstance(like, TableView) else None
        table = build_table(catalog, spec, drawn, selection=selection, like=earlier, around=cursor or 0)
    rows_of = {run_id: catalog.row_of(run_id) for run_id in asked.marked}
    marks = {row: marker for run_id, marker in asked.marked.items() if (row := rows_of[run_id]) is not None}
    ids: dict[int, str] = {}
    if view.group and asked.members is None:
        marks, baseline = {}, None
    else:
        ids = ids_of(catalog, table.first_rows)
        ids |= {row: run_id for run_id in asked.marked if (row := rows_of.get(run_id)) is not None}
    running = len(catalog.select(TableQuery("run.status = running"))) if like is None else None
    hurt = len(catalog.select(TableQuery("run.problems > 0"))) if like is None else None
    return Loaded(asked, selection, table, cursor, marks, baseline, running, ids, hurt)


def sort_keys(view: RunsView) -> tuple[Any, ...]:
    """The sort keys of a view."""
    from labtop.query.request import SortKey

    return tuple(SortKey(key.removeprefix("-"), key.startswith("-")) for key in view.sort)


def _place(catalog: Catalog, selection: Selection, asked: Asked) -> int | None:
    """Where the run under the cursor is now; when following, where the newest is."""
    if asked.follows:
        from labtop.query.catalog import TableQuery

        newest = catalog.select(TableQuery(asked.view.where)).rows[:1]
        row = newest[0] if newest else None
    else:
        row = catalog.row_of(asked.current) if asked.current else None
    try:
        return selection.rows.index(-1 if row is None else row)
    except (ValueError, OverflowError):  # array('I') holds no -1
        return 0 if asked.is_changed else None
