"""What the Runs screen asks the catalog, and what comes back: values, worked out in a thread."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from labtop.tui.runs_view import RunsView
from labtop.tui.session import Marker
from labtop.views.glyphs import Glyphs
from labtop.views.table_shape import TableRow

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog, Selection
    from labtop.views.table import TableView
    from labtop.views.table_groups import GroupView

    RunTable: TypeAlias = TableView | GroupView


@dataclass(frozen=True, slots=True)
class Members:
    """The runs of one group, opened."""

    rows: array[int]
    title: str
    place: int = 0  # of the group in its table


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
    group: int = 0  # the place of the group that the cursor shall stand on: the one that was open


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
            asked.group if asked.is_changed else None,
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
