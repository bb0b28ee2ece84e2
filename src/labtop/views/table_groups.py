"""The table of groups: a line for runs that agree in some columns, or that are the same but for the seed.

Each metric is the mean over the group's runs ± the standard deviation of the sample. The number of runs stands in
front; where a mean rests on fewer of them the cell says on how many, and NaN is counted, never averaged away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.query.request import Aggregate, RunGroup, Selection
from labtop.views.glyphs import UNICODE, Glyphs
from labtop.views.numbers import NumberFormat, format_numbers, widened
from labtop.views.table import TableSpec, sort_marks, table_column, titles
from labtop.views.table_cells import WRITERS, CellWriter, NumberWriter
from labtop.views.table_columns import MOST_OF_A_KIND, candidates, find_keys
from labtop.views.table_order import by_presence
from labtop.views.table_shape import Cell, TableColumn, TableRow

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

_COUNT = Column("runs", "runs", "field", COLUMN_TYPES["integer"])


class AggregateWriter(NumberWriter):
    """mean ± std, the points of all means below each other."""

    def __init__(self, column: Column, glyphs: Glyphs) -> None:
        super().__init__(column, glyphs)
        self._spread = 0  # cells of the widest "± std"
        self._digits: NumberFormat | None = None

    def learn(self, values: Iterable[Any]) -> bool:
        """Choose digits that tell the means apart."""
        known = [value for value in values if isinstance(value, Aggregate)]
        found = format_numbers(value.mean for value in known)
        self._digits = found if self._digits is None else widened(self._digits, found)
        self._spread = max([self._spread, *(len(self._std(value)) for value in known)])
        self.note_width = max([self.note_width, *(len(_note(value)) for value in known)])
        self.width = max(self.width, self._digits.width + self._spread)
        return True

    def write(self, value: Any) -> Cell:
        """One aggregate; the note says what was not counted."""
        if not isinstance(value, Aggregate) or self._digits is None:
            return Cell(self.glyphs.nothing.rjust(self.width), "quiet")
        if value.mean is None:
            text, style = self.glyphs.nothing.rjust(self.width), "quiet"
        else:
            text = self._digits.text(value.mean) + self._std(value).ljust(self._spread)
            style = "" if math.isfinite(value.mean) else "nan"
        note = _note(value).rjust(self.note_width)
        return Cell(text.rjust(self.width), style, note, "nan" if value.nan_count else "quiet")

    def _std(self, value: Aggregate) -> str:
        if value.mean is None or value.std is None or self._digits is None:
            return ""
        if not math.isfinite(value.std):
            return self.glyphs.plus_minus + "NaN"
        decimals = self._digits.decimals
        fixed = (
            decimals is not None
            and not self._digits.scientific
            and (value.std == 0 or value.std >= 10**-decimals)
        )
        return self.glyphs.plus_minus + (f"{value.std:.{decimals}f}" if fixed else f"{value.std:.2g}")


def _writer(column: Column, glyphs: Glyphs) -> CellWriter:
    """How a value grouped by is written; a status as its word, there is room for it."""
    return (
        CellWriter(column, glyphs)
        if column.type.name == "status"
        else WRITERS[column.type.name](column, glyphs)
    )


def _note(value: Aggregate) -> str:
    if value.nan_count:
        return f"{value.nan_count} NaN"
    return f"n={value.n}" if value.missing and value.n else ""


class GroupView:
    """Rows of groups, all of them at hand. `groups` are in the order of the rows."""

    def __init__(
        self,
        columns: Sequence[Column],
        by_count: int,
        groups: Sequence[RunGroup],
        spec: TableSpec,
        glyphs: Glyphs,
    ) -> None:
        self.spec = spec
        self.version = 0
        shown = (_COUNT, *columns)
        self._keys = [column.key for column in shown]
        self._writers: list[CellWriter] = [
            _writer(column, glyphs) if at <= by_count else AggregateWriter(column, glyphs)
            for at, column in enumerate(shown)
        ]
        self.groups = _sorted(groups, spec, [column.key for column in columns[:by_count]])
        metrics = [column.key for column in columns[by_count:]]
        self._rows = [
            TableRow(at, (group.n, *group.by, *(group.values.get(key) for key in metrics)))
            for at, group in enumerate(self.groups)
        ]
        for at, writer in enumerate(self._writers):
            writer.learn([row.values[at] for row in self._rows])
        sorts = sort_marks(spec.query)
        self.columns = tuple(
            self._column(column, writer, title, sorts.get(column.key, ""))
            for column, writer, title in zip(shown, self._writers, titles(shown, glyphs), strict=True)
        )
        self.first_rows = tuple(self._rows)
        self.first_start = 0

    @property
    def row_count(self) -> int:
        """How many groups there are."""
        return len(self._rows)

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows from `start` up to `stop`."""
        return self._rows[max(0, start) : stop]

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a row shows, one cell a column."""
        return [writer.write(value) for writer, value in zip(self._writers, row.values, strict=True)]

    def _column(
        self, column: Column, writer: CellWriter, title: str, sort: Literal["", "ascending", "descending"]
    ) -> TableColumn:
        drawn = table_column(column, writer, title, self.spec.widths, sort)
        frozen = column.key == _COUNT.key
        return TableColumn(
            drawn.key, drawn.title or column.name, drawn.width, drawn.align, frozen, drawn.sorted
        )


def build_groups(
    catalog: Catalog, spec: TableSpec, glyphs: Glyphs = UNICODE, *, selection: Selection | None = None
) -> GroupView:
    """The groups that `spec.group` asks for. Reads; call it from a thread. Raises FilterError."""
    chosen = catalog.select(spec.query) if selection is None else selection
    known = catalog.columns()
    default, _ = candidates(known)
    asked = find_keys(known, spec.columns) if spec.columns else default
    metrics = [each for each in asked if each.kind == "metric" and each.key not in spec.hidden][
        :MOST_OF_A_KIND
    ]
    keys = [metric.key for metric in metrics]
    groups = catalog.group(chosen, "seed" if spec.group == ("seed",) else spec.group, keys)
    by_keys = groups[0].by_keys if groups else spec.group if spec.group != ("seed",) else ()
    by = find_keys(known, by_keys)
    shown = [at for at, column in enumerate(by) if column.key not in spec.hidden]
    if len(by) == len(by_keys) and len(shown) < len(by):
        groups = tuple(
            RunGroup(
                group.rows,
                tuple(group.by[at] for at in shown),
                tuple(by_keys[at] for at in shown),
                group.values,
            )
            for group in groups
        )
        by = tuple(by[at] for at in shown)
    runs = {key: sum(_used(group.values.get(key)) for group in groups) for key in keys}
    present = [each for each in metrics if runs[each.key]]
    if not spec.columns:
        present = list(by_presence(present, runs))
    return GroupView([*by, *present], len(by), groups, spec, glyphs)


def _used(value: Aggregate | None) -> int:
    """How many runs of a group have a metric, NaN or not."""
    return 0 if value is None else value.n + value.nan_count


def _sorted(groups: Sequence[RunGroup], spec: TableSpec, by_keys: Sequence[str]) -> tuple[RunGroup, ...]:
    """Groups by the sort keys that they have: values grouped by, means, or the number of runs; nothing comes last."""
    ordered = list(groups)
    for key in reversed(spec.query.sort):
        place = by_keys.index(key.column) if key.column in by_keys else None

        def value(group: RunGroup, name: str = key.column, at: int | None = place) -> Any:
            if name == _COUNT.key:
                return group.n
            if at is not None:
                return group.by[at]
            found = group.values.get(name)
            return found.mean if found is not None else None

        known = [group for group in ordered if not _is_nothing(value(group))]
        known.sort(key=lambda group: _orderable(value(group)), reverse=key.descending)
        ordered = known + [group for group in ordered if _is_nothing(value(group))]
    return tuple(ordered)


def _is_nothing(value: Any) -> bool:
    return value is None or value != value


def _orderable(value: Any) -> tuple[int, Any]:
    """Numbers before text before anything else, so that mixed values have an order."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, str(value))
