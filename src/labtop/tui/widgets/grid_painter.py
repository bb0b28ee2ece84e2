"""Draws what a grid shows: rows, header and blanks as strips, each drawn once and kept while nothing changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from textual.strip import Strip

from labtop.tui.widgets.grid_layout import Layout, lay_out
from labtop.tui.widgets.grid_lines import Marker, StyleOf, clip, draw_cursor_row, draw_header, draw_row
from labtop.views.glyphs import Glyphs
from labtop.views.table_shape import Cell, Table, TableColumn, TableRow

LINES_KEPT = 1024


class Painter:
    """Strips by the place of their row. `cursor` is the column of the cursor; marks go by the number of a row."""

    def __init__(self, glyphs: Glyphs, style_of: StyleOf) -> None:
        self.glyphs = glyphs
        self.layout = Layout((), 0, False, False)
        self.width = 0
        self.cursor = 0
        self.is_focused = False
        self.marks: Mapping[int, Marker] = {}
        self.baseline: int | None = None
        self._style_of = style_of
        self._strips: dict[tuple[int, bool], Strip] = {}  # by place, and whether under the cursor

    def forget(self) -> None:
        """Draw everything anew when it is needed next."""
        self._strips.clear()

    def arrange(self, columns: Sequence[TableColumn], width: int, first: int | None = None) -> None:
        """Lay the columns out, from the scrolled column `first` on; what was drawn is kept when nothing moved."""
        layout = lay_out(columns, width, self.layout.first if first is None else first)
        if (layout, width) != (self.layout, self.width):
            self.layout, self.width = layout, width
            self.forget()

    def move_cursor(self, column: int) -> None:
        """Put the cursor on another column."""
        if column != self.cursor:
            self.cursor = column
            self._strips = {key: strip for key, strip in self._strips.items() if not key[1]}

    def has(self, index: int) -> bool:
        """Whether the row at a place is drawn, as it looks without the cursor."""
        return (index, False) in self._strips

    def row(self, table: Table, index: int, row: TableRow | None, is_under_cursor: bool) -> Strip:
        """The row at a place; an empty line when it has not come yet."""
        strip = self._strips.get((index, is_under_cursor))
        if strip is None:
            strip = self._draw(table, row, is_under_cursor)
            if row is not None:
                if len(self._strips) > LINES_KEPT:
                    self.forget()
                self._strips[index, is_under_cursor] = strip
        return strip

    def header(self, columns: Sequence[TableColumn]) -> Strip:
        """The titles."""
        return draw_header(columns, self.layout, self.width, self.glyphs, self._style_of, self.cursor)

    def blank(self, text: str = "") -> Strip:
        """A line without a row, with a quiet word where there is one to say."""
        shown = clip("  " + text if text else "", self.width, "left", self.glyphs.ellipsis)
        return Strip([Segment(shown, self._style_of("quiet" if text else ""))], self.width)

    def _draw(self, table: Table, row: TableRow | None, is_under_cursor: bool) -> Strip:
        columns = table.columns
        cells = table.cells(row) if row is not None else [Cell("")] * len(columns)
        marker = self.marks.get(row.number) if row is not None else None
        is_baseline = row is not None and row.number == self.baseline
        what = (cells, columns, self.layout, self.width, self.glyphs, self._style_of, marker, is_baseline)
        return draw_cursor_row(*what, self.cursor, self.is_focused) if is_under_cursor else draw_row(*what)
