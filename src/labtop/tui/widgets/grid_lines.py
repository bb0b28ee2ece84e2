"""Lines of a grid: cells become strips with as few styles as they can do with.

Neighbours of one style are joined into one piece, and the row under the cursor is one piece but for its cell: each
change of style costs a dozen bytes on the way to the terminal. Text is cut by the width of its cells, never by
its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from labtop.tui.widgets.grid_layout import GUTTER, Layout
from labtop.views.glyphs import Glyphs
from labtop.views.table_shape import Cell, TableColumn

StyleOf = Callable[[str], Style]
Marker = tuple[str, str]  # glyph, and a colour as rich names it


class _Line:
    """Collects pieces of text; neighbours of one style become one."""

    __slots__ = ("_style", "_text", "segments", "width")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.width = 0
        self._text: list[str] = []
        self._style: Style | None = None

    def add(self, text: str, width: int, style: Style) -> None:
        """Add a piece that is `width` cells wide."""
        if style != self._style:
            self._flush()
            self._style = style
        self._text.append(text)
        self.width += width

    def _flush(self) -> None:
        if self._text:
            self.segments.append(Segment("".join(self._text), self._style))
            self._text = []

    def strip(self) -> Strip:
        """The finished line."""
        self._flush()
        return Strip(self.segments, self.width)


def draw_row(
    cells: Sequence[Cell],
    columns: Sequence[TableColumn],
    layout: Layout,
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    *,
    marker: Marker | None = None,
    is_baseline: bool = False,
    cursor_column: int | None = None,
    is_focused: bool = True,
) -> Strip:
    """One row. `cursor_column` is the column of the cursor when the row is under it."""
    under = cursor_column is not None
    plain = style_of(("cursor" if is_focused else "cursor-blurred") if under else "")
    line = _Line()
    _add_gutter(line, marker, is_baseline, glyphs, plain, under)
    for place in layout.places:
        line.add(" " * (place.x - line.width), place.x - line.width, plain)
        cell, column = cells[place.number], columns[place.number]
        for text, name, size in fit(cell, place.width, column.align, glyphs.ellipsis):
            if not under:
                line.add(text, size, style_of(name) if name else plain)
            else:
                line.add(text, size, plain + style_of("cell") if place.number == cursor_column else plain)
    if line.width < width:
        line.add(" " * (width - line.width), width - line.width, plain)
    return line.strip()


def draw_header(
    columns: Sequence[TableColumn],
    layout: Layout,
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    cursor_column: int,
) -> Strip:
    """The titles, with marks for sorting and for columns that are out of sight."""
    plain, cursor = style_of("header"), style_of("header") + style_of("header-cursor")
    marks = {"ascending": glyphs.ascending, "descending": glyphs.descending, "": ""}
    line = _Line()
    for place in layout.places:
        column = columns[place.number]
        gap = place.x - line.width
        is_first = place.number == layout.first and layout.more_left
        line.add(" " * (gap - 1) + glyphs.more_left if is_first else " " * gap, gap, plain)
        title = fit_title(column.title, place.width - cell_len(marks[column.sorted]), glyphs.ellipsis)
        title += marks[column.sorted]
        room = place.width - cell_len(title)
        title = " " * room + title if column.align == "right" else title + " " * room
        line.add(title, place.width, cursor if place.number == cursor_column else plain)
    if layout.more_right and line.width >= width and line.width > GUTTER:
        strip = line.strip().crop(0, width - 1)
        return Strip([*strip, Segment(glyphs.more_right, plain)], width)
    tail = width - line.width
    line.add(glyphs.more_right.rjust(tail) if layout.more_right else " " * tail, tail, plain)
    return line.strip()


def fit(cell: Cell, width: int, align: str, ellipsis: str) -> Iterable[tuple[str, str, int]]:
    """The pieces of a cell in exactly `width` cells: text, name of its style, cells.

    Where it is too narrow for both, the note gives way to the text.
    """
    text, style, note, note_style = cell
    if not note:
        yield clip(text, width, align, ellipsis), style, width
        return
    tail = " " + note
    room = width - cell_len(tail)
    if room < cell_len(text.strip()):
        yield clip(text, width, align, ellipsis), style, width
        return
    yield clip(text, room, align, ellipsis), style, room
    yield tail, note_style, width - room


def clip(text: str, width: int, align: str, ellipsis: str) -> str:
    """`text` in exactly `width` cells, with an ellipsis where something was cut."""
    if text.isascii():
        length = len(text)
        if length <= width:
            return text.rjust(width) if align == "right" else text.ljust(width)
        text = text.strip()
        if len(text) <= width:
            return text.rjust(width) if align == "right" else text.ljust(width)
        return text[: width - 1] + ellipsis if width > 0 else ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + ellipsis if width > 0 else ""
    return " " * (width - length) + text if align == "right" else text + " " * (width - length)


def fit_title(title: str, width: int, ellipsis: str) -> str:
    """A title in at most `width` cells. Of a path the end is kept, because it tells: "…coder.lr"."""
    if cell_len(title) <= width:
        return title
    if width <= 0:
        return ""
    if "/" in title or "." in title:
        kept = title
        while kept and cell_len(kept) > width - 1:
            kept = kept[1:]
        return ellipsis + kept
    return set_cell_size(title, width - 1) + ellipsis


def _add_gutter(
    line: _Line, marker: Marker | None, is_baseline: bool, glyphs: Glyphs, plain: Style, under: bool
) -> None:
    if marker is None:
        line.add(" ", 1, plain)
    else:
        glyph, colour = marker
        line.add(glyph, 1, plain if under else plain + Style(color=colour))
    line.add(glyphs.baseline if is_baseline else " ", 1, plain)
