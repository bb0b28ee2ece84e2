"""The grid: a table of any length in a terminal, drawn line by line.

Textual's DataTable makes every row an object and repaints the page for each key. This one knows rows by their
place, draws only what is on the screen, and after any change repaints only the lines that look different. It reads
nothing itself: it posts `RowsWanted` and is fed with `supply()`, and what was on the screen stays there until
the rows of a new table have come.

How the bytes are kept few: the terminal's own colours are left alone (an ANSI theme, and `tui/line_filter.py` to
drop the codes that say "default"); there is no scroll bar, which would cost a piece in every line; the row under
the cursor is one piece; at the edge the page moves by a third, so that most cursor keys touch two lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from labtop.tui.widgets.grid_layout import Layout, first_to_show, lay_out
from labtop.tui.widgets.grid_lines import Marker, clip, draw_cursor_row, draw_header, draw_row
from labtop.tui.widgets.grid_rows import RowStore
from labtop.views.glyphs import Glyphs, glyphs
from labtop.views.table_shape import Cell, Table, TableColumn, TableRow

HEADER = 1  # lines above the rows
WHEEL = 3  # lines a notch
AHEAD_S = 0.02  # rest after a key before the next page is drawn ahead
AHEAD_ROWS = 16  # drawn at a time
WANTED_AT_START = 60  # rows asked for before the size of the screen is known


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

    class RowsWanted(Message):
        """The grid needs rows of `table` from `start` up to `stop`: fetch them in a thread, then `supply()`."""

        def __init__(self, grid: Grid, table: Table, start: int, stop: int) -> None:
            super().__init__()
            self.grid = grid
            self.table = table
            self.start = start
            self.end = stop  # every Message has a method `stop`

        @property
        def control(self) -> Grid:
            """The grid that asks."""
            return self.grid

    class CursorMoved(Message):
        """The cursor stands on another row, or the row under it is another one or has come."""

        def __init__(self, grid: Grid, index: int, row: TableRow | None) -> None:
            super().__init__()
            self.grid = grid
            self.index = index
            self.row = row

        @property
        def control(self) -> Grid:
            """The grid whose cursor it is."""
            return self.grid

    class RowChosen(Message):
        """A row was clicked twice."""

        def __init__(self, grid: Grid, index: int, row: TableRow | None) -> None:
            super().__init__()
            self.grid = grid
            self.index = index
            self.row = row

        @property
        def control(self) -> Grid:
            """The grid whose row it is."""
            return self.grid

    class HeaderClicked(Message):
        """The title of a column was clicked: sort by it; `add` with ctrl or shift, to sort by it too."""

        def __init__(self, grid: Grid, column: TableColumn, add: bool) -> None:
            super().__init__()
            self.grid = grid
            self.column = column
            self.add = add

        @property
        def control(self) -> Grid:
            """The grid whose header it is."""
            return self.grid

    def __init__(
        self,
        *,
        ascii: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.glyphs: Glyphs = glyphs(ascii)
        self.table: Table | None = None
        self.cursor_index = 0  # place of the row under the cursor
        self.cursor_column = 0
        self.empty_text = ""  # shown where there is no row
        self._top = 0  # place of the first row on the screen
        self._first_column = 0
        self._direction = 1
        self._rows = RowStore()
        self._next: tuple[Table, RowStore, int | None] | None = None  # waits for its first rows
        self._marks: Mapping[int, Marker] = {}
        self._baseline: int | None = None
        self._version = -1
        self._layout = Layout((), 0, False, False)
        self._drawing_ahead: Timer | None = None
        self._styles: dict[str, Style] = {}
        self._lines: dict[tuple[int, bool], Strip] = {}  # drawn rows by place, and whether under the cursor
        self._painted: dict[int, Strip] = {}  # what is on the screen, by line

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
            had_cursor = self._rows.get(self.cursor_index) is not None
            self._rows.put(start, rows)
            self._forget_if_changed()
            self._repaint()
            if not had_cursor and self._rows.get(self.cursor_index) is not None:
                self._tell_cursor()
            self._want_rows()

    def set_marks(self, marks: Mapping[int, Marker], baseline: int | None = None) -> None:
        """Mark rows by their number with a glyph and a colour, and one as the baseline."""
        if marks != self._marks or baseline != self._baseline:
            self._marks, self._baseline = dict(marks), baseline
            self._lines.clear()
            self._repaint()

    @property
    def row_count(self) -> int:
        """How many rows the table has."""
        return self._rows.row_count

    @property
    def row(self) -> TableRow | None:
        """The row under the cursor; None where there is none or it has not come yet."""
        return self._rows.get(self.cursor_index)

    @property
    def column(self) -> TableColumn | None:
        """The column under the cursor."""
        if self.table is None or not self.table.columns:
            return None
        return self.table.columns[min(self.cursor_column, len(self.table.columns) - 1)]

    @property
    def cell(self) -> Any:
        """The value under the cursor, as it was fetched."""
        row = self.row
        return row.values[self.cursor_column] if row and self.cursor_column < len(row.values) else None

    @property
    def cell_text(self) -> str:
        """What the cell under the cursor shows."""
        row = self.row
        if row is None or self.table is None:
            return ""
        cells = self.table.cells(row)
        return cells[self.cursor_column].text.strip() if self.cursor_column < len(cells) else ""

    def row_at(self, index: int) -> TableRow | None:
        """The row at a place, if it is at hand."""
        return self._rows.get(index)

    @property
    def seen(self) -> range:
        """The places of the rows on the screen."""
        return range(self._top, min(self._top + self._height, self.row_count))

    # moving

    def move(self, rows: int = 0, columns: int = 0) -> None:
        """Move the cursor by some rows and columns, as far as there are any."""
        if rows:
            self.move_to(self.cursor_index + rows)
        if columns:
            self.move_to_column(self.cursor_column + columns)

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at a place, and turn the page when it is not on the screen."""
        index = max(0, min(index, self.row_count - 1))
        if index == self.cursor_index:
            return
        self._direction = 1 if index > self.cursor_index else -1
        height, step = self._height, max(1, self._height // 3)
        top = self._top
        if index < top:
            top = index - step + 1 if top - index <= step else index - height // 2
        elif index >= top + height:
            top = index - height + step if index - (top + height) < step else index - height // 2
        self._go(index, top)

    def page(self, pages: float) -> None:
        """Turn whole or half pages; the cursor keeps its line on the screen."""
        step = max(1, int(abs(pages) * self._height)) * (1 if pages > 0 else -1)
        self._direction = 1 if step > 0 else -1
        self._go(self.cursor_index + step, self._top + step)

    def move_to_column(self, number: int) -> None:
        """Put the cursor on a column, and scroll sideways until it is seen."""
        if self.table is None or not self.table.columns:
            return
        self.cursor_column = max(0, min(number, len(self.table.columns) - 1))
        frozen = sum(column.is_frozen for column in self.table.columns)
        wanted = first_to_show(self.table.columns, self.size.width, self._layout.first, self.cursor_column)
        self._first_column = max(frozen, wanted) if wanted != self._layout.first else self._layout.first
        self._arrange()
        self._repaint()

    def scroll_rows(self, lines: int) -> None:
        """Scroll without moving the cursor, until it would leave the screen."""
        self._direction = 1 if lines > 0 else -1
        top = max(0, min(self._top + lines, self.row_count - self._height))
        index = max(top, min(self.cursor_index, top + self._height - 1))
        self._go(index, top)

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
        self._lines.clear()

    def on_resize(self) -> None:
        """Keep the cursor on the screen."""
        self.virtual_size = Size(self.size.width, self.size.height)
        self._arrange()
        self._go(self.cursor_index, self._top, is_forced=True)
        if self._next is not None:
            self._swap_or_ask()

    def on_focus(self) -> None:
        """Show that keys arrive here."""
        self._lines.clear()
        self._repaint()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._lines.clear()
        self._repaint()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click was; on a title, ask to sort."""
        if self.table is None:
            return
        number = self._layout.number_at(event.x)
        if event.y < HEADER:
            if number is not None:
                self.post_message(
                    self.HeaderClicked(self, self.table.columns[number], event.ctrl or event.shift)
                )
            return
        index = self._top + event.y - HEADER
        if index >= self.row_count:
            return
        if number is not None:
            self.cursor_column = number
            self._lines.pop((self.cursor_index, True), None)
        self.move_to(index)
        self._repaint()
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

    # inside

    @property
    def _height(self) -> int:
        return max(1, self.size.height - HEADER)

    def _go(self, index: int, top: int, is_forced: bool = False) -> None:
        """Cursor to `index`, first row on the screen to `top`; both kept in range, and the cursor on the screen."""
        last = max(0, self.row_count - 1)
        index = max(0, min(index, last))
        top = max(0, min(top, last + 1 - self._height))
        top = max(index - self._height + 1, min(top, index))
        moved = index != self.cursor_index
        self.cursor_index, self._top = index, top
        self._repaint()
        if moved:
            self._tell_cursor()
        if self.is_attached or is_forced:
            self._want_rows()
            self._draw_ahead_soon()

    def _swap_or_ask(self) -> None:
        """Take the next table over as soon as all rows of its first page have come; ask for them until then."""
        if self._next is None:
            return
        table, store, cursor = self._next
        index = max(0, min(self.cursor_index if cursor is None else cursor, table.row_count - 1))
        line = self.cursor_index - self._top
        top = max(0, min(index - line, table.row_count - self._height))
        if self.table is not None and not store.has(top, top + self._height):
            self._ask(table, store, top)
            return
        column = self.column
        was = self._rows.get(self.cursor_index)
        self.table, self._rows, self._next = table, store, None
        keys = [each.key for each in table.columns]
        if column is not None and column.key in keys:
            self.cursor_column = keys.index(column.key)
        self.cursor_column = max(0, min(self.cursor_column, len(keys) - 1))
        self._version = table.version
        self._lines.clear()
        self.cursor_index, self._top = index, top
        self._arrange()
        self._go(index, top, is_forced=True)
        if was is None or was != self.row:
            self._tell_cursor()

    def _want_rows(self) -> None:
        if self.table is not None and self._next is None:
            self._ask(self.table, self._rows, self._top)

    def _ask(self, table: Table, store: RowStore, top: int) -> None:
        height = self._height if self.size.height else WANTED_AT_START
        if wanted := store.missing(top, height, self._direction):
            self.post_message(self.RowsWanted(self, table, *wanted))

    def _draw_ahead_soon(self) -> None:
        """Draw the next page while nothing else happens: a page then turns in half the time."""
        if self._drawing_ahead is not None:
            self._drawing_ahead.stop()
        self._drawing_ahead = self.set_timer(AHEAD_S, self._draw_ahead)

    def _draw_ahead(self) -> None:
        step = self._height * self._direction
        drawn = 0
        for index in range(self._top + step, self._top + step + self._height):
            key = (index, False)
            if key not in self._lines and self._rows.get(index) is not None:
                self._keep(key, self._draw_row(index, self.size.width))
                drawn += 1
                if drawn == AHEAD_ROWS:  # a key must not wait long
                    self._draw_ahead_soon()
                    return

    def _keep(self, key: tuple[int, bool], strip: Strip) -> None:
        if len(self._lines) > 1024:
            self._lines.clear()
        self._lines[key] = strip

    def _tell_cursor(self) -> None:
        self.post_message(self.CursorMoved(self, self.cursor_index, self.row))

    def _arrange(self) -> None:
        """Lay the columns out again; drawn lines are kept when nothing moved."""
        columns = self.table.columns if self.table is not None else ()
        layout = lay_out(columns, self.size.width, self._first_column)
        if layout != self._layout:
            self._layout = layout
            self._lines.clear()

    def _forget_if_changed(self) -> None:
        if self.table is not None and self.table.version != self._version:
            self._version = self.table.version
            self._lines.clear()
            self._arrange()

    def _repaint(self) -> None:
        """Refresh the lines that look different from what is on the screen, and no others."""
        if not self.is_attached:
            return
        changed = [
            y
            for y in range(self.size.height)
            if (painted := self._painted.get(y)) is None or self._draw(y) != painted
        ]
        for y, count in _runs(changed):
            self.refresh(Region(0, y, self.size.width, count))

    def _draw(self, y: int) -> Strip:
        width = self.size.width
        if self.table is None:
            return Strip.blank(width, self._style_of(""))
        if y < HEADER:
            return self._header(width)
        index = self._top + y - HEADER
        if index >= self.row_count:
            return self._blank(width, self.empty_text if y == HEADER + 1 and not self.row_count else "")
        key = (index, index == self.cursor_index)
        strip = self._lines.get(key)
        if strip is None or strip.cell_length != width:
            strip = self._draw_row(index, width)
            if self._rows.get(index) is not None:
                self._keep(key, strip)
        return strip

    def _header(self, width: int) -> Strip:
        assert self.table is not None
        return draw_header(
            self.table.columns, self._layout, width, self.glyphs, self._style_of, self.cursor_column
        )

    def _draw_row(self, index: int, width: int) -> Strip:
        assert self.table is not None
        row = self._rows.get(index)
        columns = self.table.columns
        cells = self.table.cells(row) if row is not None else [Cell("")] * len(columns)
        marker = self._marks.get(row.number) if row is not None else None
        is_baseline = row is not None and row.number == self._baseline
        common = (cells, columns, self._layout, width, self.glyphs, self._style_of)
        if index != self.cursor_index:
            return draw_row(*common, marker=marker, is_baseline=is_baseline)
        return draw_cursor_row(
            *common,
            marker=marker,
            is_baseline=is_baseline,
            cursor_column=self.cursor_column,
            is_focused=self.has_focus,
        )

    def _blank(self, width: int, text: str) -> Strip:
        style = self._style_of("quiet" if text else "")
        return Strip([Segment(clip("  " + text, width, "left", self.glyphs.ellipsis), style)], width)

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
