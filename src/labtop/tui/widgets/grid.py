"""The grid: a table of any length in a terminal, drawn line by line.

Textual's DataTable makes every row an object and repaints the page for each key. This one knows rows by their
place, draws only what is on the screen, and after any change repaints only the lines that look different. It reads
nothing itself: it posts `RowsWanted` and is fed with `supply()`, and what was on the screen stays there until
the rows of a new table have come.

How the bytes are kept few: the terminal's own colours are left alone (an ANSI theme, and `tui/line_filter.py` to
drop the codes that say "default"); there is no scroll bar, which would cost a piece in every line; the row under
the cursor is one piece; at the edge the page moves by a third, so that most cursor keys touch two lines.

The parts: `grid_viewport` where it stands, `grid_rows` what is at hand and what to ask for, `grid_layout` which
columns are seen, `grid_lines` a row as a strip, `grid_painter` keeps what is drawn, `grid_messages` what it tells the
screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from labtop.tui.widgets import grid_messages
from labtop.tui.widgets.grid_layout import first_to_show
from labtop.tui.widgets.grid_lines import Marker
from labtop.tui.widgets.grid_painter import Painter
from labtop.tui.widgets.grid_rows import RowStore
from labtop.tui.widgets.grid_viewport import Viewport
from labtop.views.glyphs import glyphs
from labtop.views.table_shape import Table, TableColumn, TableRow

HEADER = 1  # lines above the rows
WHEEL = 3  # lines a notch
AHEAD_S = 0.02  # rest after a key before the next page is drawn ahead
AHEAD_ROWS = 16  # drawn at a time


class Grid(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows and columns with a cursor. Keys come as method calls from the screen, which reads the table of actions."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {  # noqa: RUF012  # as Textual declares it
        "grid--header",
        "grid--header-cursor",
        "grid--cursor",
        "grid--cursor-blurred",
        "grid--cell",
        "grid--quiet",
        "grid--name",
        "grid--spark",
        "grid--nan",
        "grid--good",
        "grid--bad",
        "grid--differs",
        "grid--status-running",
        "grid--status-finished",
        "grid--status-failed",
        "grid--status-killed",
        "grid--status-crashed",
        "grid--status-lost",
        "grid--status-unknown",
    }
    DEFAULT_CSS = """
    Grid { height: 1fr; scrollbar-size: 0 0; overflow: hidden hidden; }
    Grid > .grid--header { text-style: bold; }
    Grid > .grid--header-cursor { text-style: bold underline; }
    Grid > .grid--cursor { text-style: reverse; }
    Grid > .grid--cursor-blurred { text-style: underline; }
    Grid > .grid--cell { text-style: bold underline; }
    Grid > .grid--quiet { text-style: dim; }
    Grid > .grid--name { text-style: none; }
    Grid > .grid--spark { color: $secondary; }
    Grid > .grid--nan { color: $error; text-style: bold; }
    Grid > .grid--good { color: $success; }
    Grid > .grid--bad { color: $error; }
    Grid > .grid--differs { text-style: bold; }
    Grid > .grid--status-running { color: $success; text-style: bold; }
    Grid > .grid--status-finished { color: $success; }
    Grid > .grid--status-failed { color: $error; text-style: bold; }
    Grid > .grid--status-killed { color: $warning; }
    Grid > .grid--status-crashed { color: $error; text-style: bold; }
    Grid > .grid--status-lost { color: $warning; text-style: bold; }
    Grid > .grid--status-unknown { text-style: dim; }
    """

    RowsWanted: TypeAlias = grid_messages.RowsWanted
    CursorMoved: TypeAlias = grid_messages.CursorMoved
    RowChosen: TypeAlias = grid_messages.RowChosen
    HeaderClicked: TypeAlias = grid_messages.HeaderClicked

    def __init__(
        self,
        *,
        ascii: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.table: Table | None = None
        self.empty_text = ""  # shown where there is no row
        self._view = Viewport()
        self._rows = RowStore()
        self._next: tuple[Table, RowStore, int | None] | None = None  # waits for its first rows
        self._version = -1
        self._styles: dict[str, Style] = {}
        self._painter = Painter(glyphs(ascii), self._style_of)
        self._painted: dict[int, Strip] = {}  # what is on the screen, by line
        self._drawing_ahead: Timer | None = None

    # what is shown

    def show(
        self, table: Table, rows: Sequence[TableRow] = (), start: int = 0, cursor: int | None = None
    ) -> None:
        """Show another table, or the same one at a later revision, with rows that are at hand already.

        The old one stays on the screen until the rows that will be seen have come. `cursor` is the place of the
        row that the cursor shall stand on (the same run as before, say); without it the place stays.
        """
        store = RowStore(table.row_count)
        store.put(start, rows)
        self._next = (table, store, cursor)
        self._swap_or_ask()

    def supply(self, table: Table, start: int, rows: Sequence[TableRow]) -> None:
        """Hand over rows that were wanted; those of a table that is no longer shown are dropped."""
        if self._next is not None and self._next[0] is table:
            self._next[1].put(start, rows)
            self._swap_or_ask()
        elif self.table is table:
            had_row = self.row is not None
            self._rows.put(start, rows)
            if table.version != self._version:
                self._version = table.version
                self._painter.forget()
                self._arrange()
            self._repaint()
            if not had_row and self.row is not None:
                self._tell_cursor()
            self._look_ahead()

    def set_marks(self, marks: Mapping[int, Marker], baseline: int | None = None) -> None:
        """Mark rows by their number with a glyph and a colour, and one as the baseline."""
        painter = self._painter
        if marks != painter.marks or baseline != painter.baseline:
            painter.marks, painter.baseline = dict(marks), baseline
            self._redraw()

    @property
    def row_count(self) -> int:
        """How many rows the table has."""
        return self._view.row_count

    @property
    def cursor_index(self) -> int:
        """The place of the row under the cursor."""
        return self._view.index

    @property
    def cursor_column(self) -> int:
        """The number of the column under the cursor."""
        return self._painter.cursor

    @property
    def seen(self) -> range:
        """The places of the rows on the screen."""
        return self._view.seen

    @property
    def row(self) -> TableRow | None:
        """The row under the cursor; None where there is none or it has not come yet."""
        return self._rows.get(self._view.index)

    @property
    def column(self) -> TableColumn | None:
        """The column under the cursor."""
        columns = self._columns
        return columns[min(self.cursor_column, len(columns) - 1)] if columns else None

    @property
    def cell(self) -> Any:
        """The value under the cursor, as it was fetched."""
        row = self.row
        return row.values[self.cursor_column] if row and self.cursor_column < len(row.values) else None

    @property
    def cell_text(self) -> str:
        """What the cell under the cursor shows."""
        if (row := self.row) is None or self.table is None:
            return ""
        cells = self.table.cells(row)
        return cells[self.cursor_column].text.strip() if self.cursor_column < len(cells) else ""

    def row_at(self, index: int) -> TableRow | None:
        """The row at a place, if it is at hand."""
        return self._rows.get(index)

    # moving

    def move(self, rows: int = 0, columns: int = 0) -> None:
        """Move the cursor by some rows and columns, as far as there are any."""
        if rows:
            self.move_to(self._view.index + rows)
        if columns:
            self.move_to_column(self.cursor_column + columns)

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at a place, and turn the page when it is not on the screen."""
        was = self._view.index
        self._view.move_to(index)
        self._moved(was)

    def page(self, pages: float) -> None:
        """Turn whole or half pages; the cursor keeps its line on the screen."""
        was = self._view.index
        self._view.page(pages)
        self._moved(was)

    def scroll_rows(self, lines: int) -> None:
        """Scroll without moving the cursor, until it would leave the screen."""
        was = self._view.index
        self._view.scroll(lines)
        self._moved(was)

    def move_to_column(self, number: int) -> None:
        """Put the cursor on a column, and scroll sideways until it is seen."""
        if not self._columns:
            return
        self._painter.move_cursor(max(0, min(number, len(self._columns) - 1)))
        first = self._painter.layout.first
        self._arrange(first_to_show(self._columns, self.size.width, first, self.cursor_column))
        self._repaint()

    # Textual's side

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        strip = self._draw(y)
        self._painted[y] = strip
        return strip

    def notify_style_update(self) -> None:
        """A theme or class changed: all styles are made anew."""
        super().notify_style_update()
        self._styles.clear()
        self._painter.forget()

    def on_resize(self) -> None:
        """Keep the cursor on the screen."""
        self.virtual_size = Size(self.size.width, self.size.height)
        self._view.resize(self.size.height - HEADER)
        self._arrange()
        self._repaint()
        if self._next is None:
            self._look_ahead()
        else:
            self._swap_or_ask()

    def on_focus(self) -> None:
        """Show that keys arrive here."""
        self._redraw()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._redraw()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click was; on a title, ask to sort."""
        number = self._painter.layout.number_at(event.x)
        if event.y < HEADER:
            if number is not None:
                self.post_message(self.HeaderClicked(self, self._columns[number], event.ctrl or event.shift))
            return
        index = self._view.top + event.y - HEADER
        if index >= self.row_count:
            return
        if number is not None:
            self._painter.move_cursor(number)
            self._repaint()
        self.move_to(index)
        if event.chain == 2:
            self.post_message(self.RowChosen(self, index, self.row))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(-WHEEL)

    # tables and rows

    @property
    def _columns(self) -> Sequence[TableColumn]:
        return self.table.columns if self.table is not None else ()

    def _swap_or_ask(self) -> None:
        """Take the next table over as soon as all rows of its first page have come; ask for them until then."""
        if self._next is None:
            return
        table, store, cursor = self._next
        view = self._view.on_another(table.row_count, cursor)
        if self.table is not None and not store.has(view.top, view.top + view.height):
            self._ask(table, store, view)
            return
        was, column = self.row, self.column
        self.table, self._rows, self._view, self._next = table, store, view, None
        keys = [each.key for each in table.columns]
        place = keys.index(column.key) if column is not None and column.key in keys else self.cursor_column
        self._painter.move_cursor(max(0, min(place, len(keys) - 1)))
        self._painter.forget()
        self._version = table.version
        self._arrange()
        self._repaint()
        self._look_ahead()
        if was is None or was != self.row:
            self._tell_cursor()

    def _look_ahead(self) -> None:
        """Ask for the rows that will be needed next, and draw the next page while nothing else happens."""
        if self.table is None or not self.is_attached:
            return
        if self._next is None:
            self._ask(self.table, self._rows, self._view)
        if self._drawing_ahead is not None:
            self._drawing_ahead.stop()
        self._drawing_ahead = self.set_timer(AHEAD_S, self._draw_ahead)

    def _ask(self, table: Table, store: RowStore, view: Viewport) -> None:
        if self.size.height and (wanted := store.missing(view.top, view.height, view.direction)):
            self.post_message(self.RowsWanted(self, table, *wanted))

    def _moved(self, was: int) -> None:
        self._repaint()
        if was != self._view.index:
            self._tell_cursor()
        self._look_ahead()

    def _tell_cursor(self) -> None:
        self.post_message(self.CursorMoved(self, self._view.index, self.row))

    # drawing

    def _arrange(self, first: int | None = None) -> None:
        self._painter.arrange(self._columns, self.size.width, first)

    def _redraw(self) -> None:
        self._painter.is_focused = self.has_focus
        self._painter.forget()
        self._repaint()

    def _repaint(self) -> None:
        """Refresh the lines that look different from what is on the screen, and no others."""
        if not self.is_attached:
            return
        changed = [y for y in range(self.size.height) if self._draw(y) != self._painted.get(y)]
        for y, count in _runs(changed):
            self.refresh(Region(0, y, self.size.width, count))

    def _draw(self, y: int) -> Strip:
        if self.table is None:
            return self._painter.blank()
        if y < HEADER:
            return self._painter.header(self._columns)
        index = self._view.top + y - HEADER
        if index < self.row_count:
            return self._painter.row(self.table, index, self._rows.get(index), index == self._view.index)
        return self._painter.blank(self.empty_text if y == HEADER + 1 and not self.row_count else "")

    def _draw_ahead(self) -> None:
        """A page then turns in half the time. Some rows at a time: a key must not wait."""
        table, view, rows = self.table, self._view, self._rows
        if table is None:
            return
        start = view.top + view.height * view.direction
        ahead = range(max(0, start), min(start + view.height, self.row_count))
        missing = [each for each in ahead if not self._painter.has(each) and rows.get(each) is not None]
        for index in missing[:AHEAD_ROWS]:
            self._painter.row(table, index, rows.get(index), False)
        if len(missing) > AHEAD_ROWS:
            self._drawing_ahead = self.set_timer(AHEAD_S, self._draw_ahead)

    def _style_of(self, name: str) -> Style:
        """A style by its short name, on the grid's own colours; those of the cursor's cell are laid over others."""
        style = self._styles.get(name)
        if style is None:
            known = f"grid--{name}" in self.COMPONENT_CLASSES
            style = self.get_component_rich_style(f"grid--{name}", partial=True) if known else Style.null()
            style = style if name in ("cell", "header-cursor") else self.rich_style + style
            self._styles[name] = style
        return style


def _runs(lines: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring lines as (first, count): one region costs Textual less than fifty."""
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or lines[at] != lines[at - 1] + 1:
            yield lines[start], at - start
            start = at
