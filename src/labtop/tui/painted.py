"""The rows that were on the screen when labtop was left: painted at the next start before DuckDB is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labtop.tui.session import Marker
from labtop.views.table_shape import Cell, TableColumn, TableRow
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.tui.widgets.grid import Grid

MOST_ROWS = 200


class PaintedTable:
    """A table of cells as they were drawn; it can be looked at, and nothing else."""

    version = 0

    def __init__(
        self,
        columns: Sequence[TableColumn],
        rows: Sequence[TableRow],
        cursor: int,
        marks: Mapping[int, Marker],
        baseline: int | None,
    ) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(rows)
        self.cursor = cursor
        self.marks = marks
        self.baseline = baseline

    @property
    def row_count(self) -> int:
        """How many rows were kept."""
        return len(self.rows)

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows from `start` up to `stop`."""
        return list(self.rows[start:stop])

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """The cells of a row, as they were."""
        return row.values

    @staticmethod
    def of(grid: Grid, marks: Mapping[int, Marker], baseline: int | None) -> dict[str, Any]:
        """The rows on a grid's screen as JSON."""
        table = grid.table
        if table is None:
            return {}
        rows = [row for index in grid.seen[:MOST_ROWS] if (row := grid.row_at(index)) is not None]
        return {
            "columns": [
                [c.key, c.title, c.width, c.align, c.is_frozen, c.sorted, c.least, c.cut]
                for c in table.columns
            ],
            "rows": [[row.number, [list(cell) for cell in table.cells(row)]] for row in rows],
            "cursor": grid.cursor_index - grid.seen.start,
            "marks": [[number, *marker] for number, marker in marks.items()],
            "baseline": baseline,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PaintedTable | None:
        """The table of JSON that anyone may have written; None where it is not one."""
        try:
            columns = [
                TableColumn(
                    str(key), clean(str(title)), max(1, min(int(width), 300)), align, bool(frozen), order,
                    max(0, int(least)), "middle" if cut == "middle" else "end",
                )
                for key, title, width, align, frozen, order, least, cut in values["columns"]
            ]  # fmt: skip
            rows = [
                TableRow(int(number), tuple(Cell(*(clean(str(part)) for part in cell)) for cell in cells))
                for number, cells in values["rows"]
            ]
            marks = {
                int(number): Marker(clean(str(glyph))[:1], str(colour))
                for number, glyph, colour in values["marks"]
            }
            baseline = values["baseline"]
            cursor = int(values["cursor"])
        except (KeyError, TypeError, ValueError):
            return None
        if not rows or any(len(row.values) != len(columns) for row in rows):
            return None
        return cls(columns, rows, cursor, marks, baseline if isinstance(baseline, int) else None)
