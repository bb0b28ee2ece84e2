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
from labtop.views.table_shape import Cell, Cut, TableColumn

StyleOf = Callable[[str], Style]
Marker = tuple[str, str]  # glyph, and a colour as rich names it


class _Line:
    """Collects pieces of text under names of styles; neighbours under one name become one segment."""

    __slots__ = ("_name", "_segments", "_style_of", "_text", "width")

    def __init__(self, style_of: StyleOf, name: str) -> None:
        self._style_of = style_of
        self._segments: list[Segment] = []
        self._name = name
        self._text = ""
        self.width = 0

    def add(self, text: str, width: int, name: str) -> None:
        """Add a piece that is `width` cells wide."""
        if name != self._name:
            self._flush()
            self._name = name
        self._text += text
        self.width += width

    def space(self, width: int) -> None:
        """Add blanks in the style that is in force: they show nothing, and a change of style costs bytes."""
        self._text += " " * width
        self.width += width

    def add_segment(self, text: str, width: int, style: Style) -> None:
        """Add a piece with a style of its own."""
        self._flush()
        self._segments.append(Segment(text, style))
        self.width += width

    def _flush(self) -> None:
        if self._text:
            self._segments.append(Segment(self._text, self._style_of(self._name)))
            self._text = ""

    def strip(self, width: int) -> Strip:
        """The line, filled up or cut to `width` cells."""
        if self.width < width:
            self.add(" " * (width - self.width), width - self.width, self._name)
        self._flush()
        strip = Strip(self._segments, self.width)
        return strip if self.width == width else strip.crop(0, width)


def draw_row(
    cells: Sequence[Cell],
    columns: Sequence[TableColumn],
    layout: Layout,
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    marker: Marker | None,
    is_baseline: bool,
) -> Strip:
    """One row."""
    line = _Line(style_of, "")
    if marker is not None:
        line.add_segment(marker[0], 1, style_of("") + Style(color=marker[1]))
    line.add(
        (" " if marker is None else "") + (glyphs.baseline if is_baseline else " "), 1 + (marker is None), ""
    )
    ellipsis = glyphs.ellipsis
    for number, x, size in layout.places:
        if x > line.width:
            line.space(x - line.width)
        cell = cells[number]
        align = columns[number].align
        if cell.note:
            for text, name, taken in fit(cell, size, align, ellipsis):
                line.add(text, taken, name)
        else:
            line.add(clip(cell.text, size, align, ellipsis, columns[number].cut), size, cell.style)
    return line.strip(width)


def draw_cursor_row(
    cells: Sequence[Cell],
    columns: Sequence[TableColumn],
    layout: Layout,
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    marker: Marker | None,
    is_baseline: bool,
    cursor_column: int,
    is_focused: bool,
) -> Strip:
    """The row under the cursor: all in one style but the cell of the cursor."""
    plain = "cursor" if is_focused else "cursor-blurred"
    line = _Line(style_of, plain)
    line.add((marker[0] if marker else " ") + (glyphs.baseline if is_baseline else " "), GUTTER, plain)
    for number, x, size in layout.places:
        line.space(x - line.width)
        column = columns[number]
        pieces = fit(cells[number], size, column.align, glyphs.ellipsis, column.cut)
        text = "".join(each[0] for each in pieces)
        if number == cursor_column:
            line.add_segment(text, size, style_of(plain) + style_of("cell"))
        else:
            line.add(text, size, plain)
    return line.strip(width)


def draw_header(
    columns: Sequence[TableColumn],
    layout: Layout,
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    cursor_column: int,
) -> Strip:
    """The titles, with marks for sorting and for columns that are out of sight."""
    marks = {"ascending": glyphs.ascending, "descending": glyphs.descending, "": ""}
    line = _Line(style_of, "header")
    for number, x, size in layout.places:
        column = columns[number]
        if number == layout.first and layout.more_left:
            line.space(x - line.width - 1)
            line.add(glyphs.more_left, 1, "header")
        line.space(x - line.width)
        mark = marks[column.sorted]
        title = fit_title(column.title, size - len(mark), glyphs.ellipsis) + mark
        room = " " * (size - cell_len(title))
        title = room + title if column.align == "right" else title + room
        if number == cursor_column:
            line.add_segment(title, size, style_of("header") + style_of("header-cursor"))
        else:
            line.add(title, size, "header")
    if not layout.more_right:
        return line.strip(width)
    return Strip(
        [*line.strip(width).crop(0, width - 1), Segment(glyphs.more_right, style_of("header"))], width
    )


def fit(
    cell: Cell, width: int, align: str, ellipsis: str, cut: Cut = "end"
) -> Iterable[tuple[str, str, int]]:
    """The pieces of a cell in exactly `width` cells: text, name of its style, cells.

    Where it is too narrow for both, the note gives way to the text.
    """
    text, style, note, note_style = cell
    if not note:
        yield clip(text, width, align, ellipsis, cut), style, width
        return
    tail = " " + note
    room = width - cell_len(tail)
    if room < cell_len(text.strip()):
        yield clip(text, width, align, ellipsis, cut), style, width
        return
    yield clip(text, room, align, ellipsis, cut), style, room
    yield tail, note_style, width - room


def clip(text: str, width: int, align: str, ellipsis: str, cut: Cut = "end") -> str:
    """`text` in exactly `width` cells, with an ellipsis where something was cut."""
    if text.isascii():
        length = len(text)
        if length <= width:
            return text.rjust(width) if align == "right" else text.ljust(width)
        text = text.strip()
        if len(text) <= width:
            return text.rjust(width) if align == "right" else text.ljust(width)
        if cut == "middle" and width > 2:
            tail = width // 2
            return text[: width - 1 - tail] + ellipsis + text[-tail:]
        return text[: width - 1] + ellipsis if width > 0 else ""
    length = cell_len(text)
    if length <= width:
        return " " * (width - length) + text if align == "right" else text + " " * (width - length)
    if cut == "middle" and width > 2:
        end = text
        while cell_len(end) > width // 2:
            end = end[1:]
        return set_cell_size(text, width - 1 - cell_len(end)) + ellipsis + end
    return set_cell_size(text, width - 1) + ellipsis if width > 0 else ""


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
