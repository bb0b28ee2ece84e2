"""The table of runs, ready to draw: columns chosen, constant ones counted, digits and deltas worked out.

`build_table()` reads and belongs in a thread; the view it gives writes cells at once from rows that were fetched.
The terminal UI, `labtop ls` and an export of what is shown all start here, so they agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from labtop.model.columns import Column
from labtop.query.request import Selection, TableQuery
from labtop.views.glyphs import UNICODE, Glyphs
from labtop.views.table_cells import WRITERS, CellWriter
from labtop.views.table_columns import (
    FROZEN,
    Choice,
    HiddenColumn,
    candidates,
    find_keys,
    hide_constant,
    with_curves,
)
from labtop.views.table_order import by_presence, curved, rows_with
from labtop.views.table_shape import Cell, TableColumn, TableRow
from labtop.views.text import cell_width, clean

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

SAMPLE = 100  # rows that digits and widths are chosen from, beside each page that is fetched
WIDEST_TITLE = 14
NARROWEST_FROZEN = 16  # cells of a name that are left of it on a narrow screen
CURVES_LOOKED_AT = 8
"""Metrics that are asked whether any run has a curve of them, the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """What a person wants to see. `columns` are keys; empty lets labtop choose. `baseline` is a row number."""

    query: TableQuery = field(default_factory=TableQuery)
    columns: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    group: tuple[str, ...] = ()  # ("seed",) for the same but for the seed
    show_constant: bool = False
    baseline: int | None = None
    sparks: int = 2


class TableView:
    """Rows of runs. Made by `build_table`; `selection` says which, in which order, and out of how many."""

    def __init__(
        self,
        catalog: Catalog,
        selection: Selection,
        choice: Choice,
        spec: TableSpec,
        glyphs: Glyphs,
        like: TableView | None = None,
    ) -> None:
        self.catalog = catalog
        self.selection = selection
        self.choice = choice
        self.spec = spec
        self.glyphs = glyphs
        self.version = 0
        self.first_rows: tuple[TableRow, ...] = ()
        self.first_start = 0
        self._keys = [column.key for column in choice.columns]
        self._writers = self._make_writers(like)
        self._titles = titles(choice.columns, glyphs)
        self.columns = self._lay_out()

    @property
    def row_count(self) -> int:
        """How many runs are shown."""
        return len(self.selection.rows)

    @property
    def total(self) -> int:
        """How many there are without the filter."""
        return self.selection.total

    @property
    def hidden(self) -> tuple[HiddenColumn, ...]:
        """Columns that do not vary, with their values."""
        return self.choice.hidden

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows from `start` up to `stop`. Reads; call it from a thread."""
        numbers = self.selection.rows[max(0, start) : stop]
        values = self.catalog.cells(numbers, self._keys)
        rows = [TableRow(number, tuple(each)) for number, each in zip(numbers, values, strict=True)]
        self._learn(rows)
        return rows

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a row shows, one cell a column. Reads nothing."""
        return [writer.write(value) for writer, value in zip(self._writers, row.values, strict=True)]

    def run_ids(self, start: int, stop: int) -> list[str]:
        """Ids of the runs from `start` up to `stop`."""
        return self.catalog.ids(self.selection.rows[start:stop])

    def _make_writers(self, like: TableView | None) -> list[CellWriter]:
        if like is not None and like._keys == self._keys and like.spec.baseline == self.spec.baseline:
            return [copy(writer) for writer in like._writers]  # the earlier view is still drawn
        base = self._baseline_values()
        return [
            WRITERS[column.type.name](column, self.glyphs, base.get(column.key), bool(base))
            for column in self.choice.columns
        ]

    def _baseline_values(self) -> dict[str, Any]:
        if self.spec.baseline is None:
            return {}
        (values,) = self.catalog.cells([self.spec.baseline], self._keys)
        return dict(zip(self._keys, values, strict=True))

    def _learn(self, rows: Sequence[TableRow]) -> None:
        """Let each column see the values it will write; widths only grow."""
        changed = False
        for at, writer in enumerate(self._writers):
            changed |= writer.learn([row.values[at] for row in rows])
        if changed:
            self.columns = self._lay_out()
            self.version += 1

    def _lay_out(self) -> tuple[TableColumn, ...]:
        sorts = sort_marks(self.spec.query)
        columns = []
        for column, writer, title in zip(self.choice.columns, self._writers, self._titles, strict=True):
            columns.append(table_column(column, writer, title, self.spec.widths, sorts.get(column.key, "")))
        return tuple(columns)


def build_table(
    catalog: Catalog,
    spec: TableSpec,
    glyphs: Glyphs = UNICODE,
    *,
    selection: Selection | None = None,
    like: TableView | None = None,
    around: int = 0,
) -> TableView:
    """A table of the runs that `spec` asks for, with the rows around one place at hand. Raises FilterError.

    `selection` saves asking again when it is known. `like` keeps the columns and digits of an earlier view, so that
    nothing jumps while a filter is typed.
    """
    chosen = catalog.select(spec.query) if selection is None else selection
    choice = like.choice if like is not None else _choose(catalog, chosen, spec)
    view = TableView(catalog, chosen, choice, spec, glyphs, like)
    view.first_start = max(0, min(around - SAMPLE // 2, view.row_count - SAMPLE))
    view.first_rows = tuple(view.fetch(view.first_start, view.first_start + SAMPLE))
    return view


def _choose(catalog: Catalog, selection: Selection, spec: TableSpec) -> Choice:
    known = catalog.columns()
    if spec.columns:
        frozen = [key for key in FROZEN if key not in spec.columns and key not in spec.hidden]
        keys = [*frozen, *sorted(spec.columns, key=lambda key: key not in FROZEN)]
        return Choice(tuple(each for each in find_keys(known, keys) if each.key not in spec.hidden))
    shown, left_out = candidates(known)
    profile = catalog.profile(selection, [column.key for column in shown])
    ordered = by_presence(shown, rows_with(profile, len(selection.rows)))
    curves = _curves(catalog, selection, ordered)[: spec.sparks] if spec.sparks else ()
    shown = tuple(each for each in with_curves(ordered, curves) if each.key not in spec.hidden)
    if spec.show_constant:
        return Choice(shown, (), left_out)
    choice = hide_constant(shown, profile, len(selection.rows))
    return Choice(choice.columns, choice.hidden, left_out)


def _curves(catalog: Catalog, selection: Selection, ordered: Sequence[Column]) -> tuple[Column, ...]:
    """The first metrics of which some run has a curve; to know that, points may have to be read."""
    metrics = [column for column in ordered if column.kind == "metric"][:CURVES_LOOKED_AT]
    return curved(metrics, catalog.profile(selection, [f"{metric.key}.count" for metric in metrics]))


def sort_marks(query: TableQuery) -> dict[str, Literal["ascending", "descending"]]:
    """Which columns are sorted, and how."""
    return {key.column: "descending" if key.descending else "ascending" for key in query.sort}


def table_column(
    column: Column,
    writer: CellWriter,
    title: str,
    widths: Mapping[str, int],
    sort: Literal["", "ascending", "descending"],
) -> TableColumn:
    """A column as wide as its values and, up to a limit, its title need; `widths` are those set by hand."""
    note = writer.note_width + 1 if writer.note_width else 0
    needed = max(writer.width + note, min(cell_width(title) + bool(sort), WIDEST_TITLE))
    width = widths.get(column.key, needed)
    is_frozen = column.key in FROZEN
    least = min(width, NARROWEST_FROZEN) if is_frozen and column.key not in widths else 0
    return TableColumn(column.key, title, max(1, width), writer.align, is_frozen, sort, least, writer.cut)


def titles(columns: Sequence[Column], glyphs: Glyphs) -> list[str]:
    """What stands above each column: its name, with the arrow of a metric's goal; the key where names collide."""
    times = Counter(column.name for column in columns if column.kind != "spark")
    return [_title(column, times[column.name] > 1 and column.kind != "spark", glyphs) for column in columns]


_SHORT = {
    "status": "", "started_at": "age", "ended_at": "ended", "duration_s": "time", "score": "repro",
    "dead_ranks": "dead",
}  # fmt: skip


def _title(column: Column, collides: bool, glyphs: Glyphs) -> str:
    if column.kind == "field":
        return _SHORT.get(column.key, column.name)
    name = clean(column.key if collides else column.name, 200, ascii=glyphs.is_ascii)
    if column.kind != "metric" or column.goal is None or column.key.endswith(".count"):
        return name
    return name + (glyphs.lower_is_better if column.goal == "min" else glyphs.higher_is_better)
