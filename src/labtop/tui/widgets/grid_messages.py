"""What a grid tells the screen it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from labtop.views.table_shape import Table, TableColumn, TableRow

if TYPE_CHECKING:
    from labtop.tui.widgets.grid import Grid


class GridMessage(Message, namespace="grid"):
    """Any message of a grid."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    @property
    def control(self) -> Grid:
        """The grid that sent it."""
        return self.grid


class RowsWanted(GridMessage, namespace="grid"):
    """The grid needs rows of `table` from `start` up to `end`: fetch them in a thread, then `grid.supply()`."""

    def __init__(self, grid: Grid, table: Table, start: int, end: int) -> None:
        super().__init__(grid)
        self.table = table
        self.start = start
        self.end = end


class CursorMoved(GridMessage, namespace="grid"):
    """The cursor stands on another row, or the row under it has come or is another one."""

    def __init__(self, grid: Grid, index: int, row: TableRow | None) -> None:
        super().__init__(grid)
        self.index = index
        self.row = row


class RowChosen(GridMessage, namespace="grid"):
    """A row was clicked twice."""

    def __init__(self, grid: Grid, index: int, row: TableRow | None) -> None:
        super().__init__(grid)
        self.index = index
        self.row = row


class HeaderClicked(GridMessage, namespace="grid"):
    """The title of a column was clicked: sort by it; `add` (with ctrl or shift) to sort by it too."""

    def __init__(self, grid: Grid, column: TableColumn, add: bool) -> None:
        super().__init__(grid)
        self.column = column
        self.add = add
