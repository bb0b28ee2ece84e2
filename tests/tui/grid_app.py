"""A small app around a grid, and a table that lives in memory."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import App, ComposeResult
from textual.filter import LineFilter

from labtop.tui.line_filter import TerminalFilter
from labtop.tui.widgets.grid import Grid
from labtop.tui.widgets.grid_messages import CursorMoved, HeaderClicked, RowChosen, RowsWanted
from labtop.views.table_shape import Cell, TableColumn, TableRow
from labtop.views.text import clean

HOSTILE = (
    "plain",
    "\x1b]52;c;VEFCTEU=\x1b\\ clipboard",
    "\x1b]0;title\x07 \x9b31m \x07\x00",
    "[/b] [@click=app.quit]x[/] [TODO] [link=http://x]y",
    "two\nlines\r\nand\u2028more",
    "left\u202eright\u2066\u200f\u061c",
    "中文字符" * 75,
    "e" + "\u0301" * 200,
    "\u0301leading",
    "\udcff\ud800 lone",
    "zero\u200bwidth\ufeff\u200d",
    "👩‍👩‍👧 family ☂️",
    "",
)


class MemoryTable:
    """Rows that are there: a name, and numbers computed from the place."""

    def __init__(
        self, row_count: int = 1000, columns: int = 12, names: Sequence[str] = (), mark: str = ""
    ) -> None:
        self.row_count = row_count
        self.version = 0
        self.names = names
        self.mark = mark
        self.columns = (
            TableColumn("status", "", 1, is_frozen=True),
            TableColumn("name", "name", 16, is_frozen=True),
            *(TableColumn(f"params.p{number}", f"model.p{number}", 8, "right") for number in range(columns)),
        )

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows by place."""
        return [self.row(index) for index in range(start, min(stop, self.row_count))]

    def row(self, index: int) -> TableRow:
        """One row."""
        name = self.names[index % len(self.names)] if self.names else f"{self.mark}run {index}"
        return TableRow(
            index, ("finished", name, *(index + number for number in range(len(self.columns) - 2)))
        )

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a row shows."""
        _, name, *numbers = row.values
        return [
            Cell("✓", "status-finished"),
            Cell(clean(name)),
            *(Cell(f"{number:.1f}") for number in numbers),
        ]


class GridApp(App[None]):
    """One grid; what it posts is kept, and rows are supplied unless `answers` is False."""

    def __init__(self, table: MemoryTable | None = None, answers: bool = True) -> None:
        super().__init__()
        self.theme = "ansi-dark"
        self.terminal_filter = TerminalFilter()
        self.answers = answers
        self.first_table = table or MemoryTable()
        self.wanted: list[tuple[int, int]] = []
        self.cursor_moves: list[CursorMoved] = []
        self.clicks: list[str] = []

    def get_line_filters(self) -> list[LineFilter]:
        return self.terminal_filter.after(super().get_line_filters())

    def compose(self) -> ComposeResult:
        yield Grid()

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def on_mount(self) -> None:
        self.grid.show(self.first_table)
        self.grid.focus()

    @on(RowsWanted)
    def fetch(self, event: RowsWanted) -> None:
        self.wanted.append((event.start, event.end))
        if self.answers:
            event.grid.supply(event.table, event.start, event.table.fetch(event.start, event.end))

    @on(CursorMoved)
    def remember(self, event: CursorMoved) -> None:
        self.cursor_moves.append(event)

    @on(HeaderClicked)
    def header(self, event: HeaderClicked) -> None:
        self.clicks.append(f"{'+' if event.add else ''}{event.column.key}")

    @on(RowChosen)
    def chosen(self, event: RowChosen) -> None:
        self.clicks.append(f"row {event.index}")

    def lines(self) -> list[str]:
        """What is on the screen, a text a line."""
        return [strip.text for strip in self.screen._compositor.render_strips()]
