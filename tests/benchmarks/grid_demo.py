"""Small apps that a pty drives: our grid, Textual's DataTable on the same rows, and an app that shows one word.

python -m tests.benchmarks.grid_demo grid|datatable|bare [rows]
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from functools import lru_cache

from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.widgets import DataTable, Static

from labtop.tui.line_filter import TerminalFilter
from labtop.tui.widgets.grid import Grid
from labtop.views.glyphs import glyphs, locale_is_ascii, marker
from labtop.views.spark import draw_spark
from labtop.views.table_shape import Cell, TableColumn, TableRow

STATUSES = ("finished", "finished", "finished", "running", "failed", "killed")
COLUMNS = 30


class MadeUpTable:
    """Rows of a sweep, computed from their place: status, name, two sparklines, ten metrics, fourteen params, age."""

    version = 0

    def __init__(self, row_count: int, ascii: bool = False) -> None:
        self.row_count = row_count
        self.glyphs = glyphs(ascii)
        self.columns = (
            TableColumn("status", "", 1, is_frozen=True),
            TableColumn("name", "name", 20, is_frozen=True),
            TableColumn("spark.loss", "val/loss", 12),
            TableColumn("spark.acc", "val/acc", 12),
            *(TableColumn(f"metrics.m{n}", f"val/m{n}↓", 8, "right") for n in range(10)),
            *(TableColumn(f"params.p{n}", f"p{n}", 7, "right") for n in range(14)),
            TableColumn("tags", "tags", 12),
            TableColumn("age", "age", 4, "right"),
        )

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows by place."""
        return [TableRow(index, values(index)) for index in range(start, stop)]

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a row shows."""
        status, name, loss, accuracy, *rest = row.values
        metrics, params, tags, age = rest[:10], rest[10:24], rest[24], rest[25]
        return (
            Cell(self.glyphs.status[status], f"status-{status}"),
            Cell(name),
            Cell(draw_spark(loss, 12, self.glyphs), "spark"),
            Cell(draw_spark(accuracy, 12, self.glyphs), "spark"),
            *(Cell(f"{value:8.4f}") for value in metrics),
            *(Cell(f"{value:7.4g}") for value in params),
            Cell(tags),
            Cell(f"{age}d"),
        )


@lru_cache(4096)
def values(index: int) -> tuple[object, ...]:
    """The values of one row."""
    level = [round(3.5 + 3.5 * math.sin(index * 0.7 + at / 3)) for at in range(64)]
    return (
        STATUSES[index % len(STATUSES)],
        f"sweep-{index:06d}",
        "".join(map(str, level)),
        "".join(str(7 - each) for each in level),
        *(abs(math.sin(index * 1.7 + n)) for n in range(10)),
        *((10.0 ** -(n % 5)) * (1 + index % 7) for n in range(14)),
        ("paper", "ablation", "")[index % 3],
        index % 90,
    )


class LeanApp(App[None]):
    """Textual set up as labtop does: an ANSI theme, and the filter that leaves out what says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ascii = locale_is_ascii()
        self.terminal_filter = TerminalFilter(not os.environ.get("NO_COLOR"), self.ascii)
        self.theme = "ansi-dark"

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, then ours."""
        return self.terminal_filter.after(super().get_line_filters())


class GridApp(LeanApp):
    """The grid and one line below it."""

    def __init__(self, row_count: int) -> None:
        super().__init__()
        self.rows = MadeUpTable(row_count, self.ascii)

    def compose(self) -> ComposeResult:
        """The grid and one line below it."""
        yield Grid(ascii=self.ascii)
        yield Static("ready")

    def on_mount(self) -> None:
        """Show the table at once, with two marks."""
        grid = self.query_one(Grid)
        grid.show(self.rows)
        grid.set_marks({3: marker(0, self.ascii), 5: marker(1, self.ascii)}, baseline=7)
        grid.focus()

    def on_grid_rows_wanted(self, event: Grid.RowsWanted) -> None:
        """Rows come one turn of the loop later, as from a thread."""
        rows = event.table.fetch(event.start, event.end)
        self.call_later(event.grid.supply, event.table, event.start, rows)

    def key_down(self) -> None:
        """One row down."""
        self.query_one(Grid).move(1)

    def key_up(self) -> None:
        """One row up."""
        self.query_one(Grid).move(-1)

    def key_right(self) -> None:
        """One column to the right."""
        self.query_one(Grid).move(0, 1)

    def key_left(self) -> None:
        """One column to the left."""
        self.query_one(Grid).move(0, -1)

    def key_pagedown(self) -> None:
        """A page down."""
        self.query_one(Grid).page(1)

    def key_pageup(self) -> None:
        """A page up."""
        self.query_one(Grid).page(-1)

    def key_end(self) -> None:
        """The last row."""
        self.query_one(Grid).move_to(10**9)


class DataTableApp(App[None]):
    """Textual's own table with the same cells."""

    def __init__(self, row_count: int) -> None:
        super().__init__()
        self.rows = MadeUpTable(row_count)

    def compose(self) -> ComposeResult:
        """The table and one line below it."""
        yield DataTable[str](cursor_type="row", fixed_columns=2)
        yield Static("ready")

    def on_mount(self) -> None:
        """Fill the table."""
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns(*(column.title for column in self.rows.columns))
        table.add_rows(
            [cell.text for cell in self.rows.cells(row)] for row in self.rows.fetch(0, self.rows.row_count)
        )
        table.focus()


class BareApp(App[None]):
    """The least that Textual can show: the floor."""

    def compose(self) -> ComposeResult:
        """One word."""
        yield Static("ready sweep-000003")


def main() -> None:
    """Run one of the apps."""
    kind, row_count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    app: App[None] = (
        BareApp()
        if kind == "bare"
        else DataTableApp(row_count)
        if kind == "datatable"
        else GridApp(row_count)
    )
    app.run()


if __name__ == "__main__":
    main()
