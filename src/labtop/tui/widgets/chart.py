"""A chart in a terminal: one title line with values, then the plot with its ticks.

Line-API: the picture is drawn once for a chart and a size, off the UI thread when there is much to go through; a
cursor is laid over it, and only the cells that changed are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from labtop.tui.widgets.chart_strips import CellText, StripView, line_of, overlaid
from labtop.tui.widgets.chart_styles import PLAIN, QUIET, STRONG, curve_style, ink_style
from labtop.tui.widgets.grid_lines import fit_title
from labtop.views.chart import BRAILLE_PEN, Chart, Ink, Pen, Picture
from labtop.views.chart_drawing import draw
from labtop.views.chart_notes import in_room, notes
from labtop.views.chart_readings import Reading, ranked, reading
from labtop.views.glyphs import glyphs
from labtop.views.numbers import NumberFormat, format_numbers, widened
from labtop.views.text import clean

DRAWN_AT_ONCE = 300_000
"""Points that are drawn without a thread: some 2 ms."""

Job: TypeAlias = Callable[[str, Callable[[], Picture], Callable[[Picture], object]], None]
"""Runs work in a thread and hands its answer back: slot, work, what to do with the answer."""


class ChartView(StripView):
    """One chart. `show_chart` gives it something to draw, `show_cursor` a place to read values at."""

    DEFAULT_CSS = "ChartView { height: 1fr; width: 1fr; }"

    class Pointed(Message):
        """The plot was clicked at an x."""

        def __init__(self, view: ChartView, x: float) -> None:
            super().__init__()
            self.view = view
            self.x = x

    def __init__(self, job: Job | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self._job = job
        self.chart: Chart | None = None
        self.picture: Picture | None = None
        self.pen: Pen = BRAILLE_PEN
        self.cursor_x: float | None = None
        self.is_current = False
        self.has_values = True  # whether the title line lists values; a legend beside says them otherwise
        self._base: list[Strip] = []
        self._drawn: tuple[Chart, int, int, Pen] | None = None
        self._ranked: list[Reading] = []
        self._format: NumberFormat | None = None
        self._overlay: dict[int, dict[int, CellText]] = {}

    def show_chart(
        self, chart: Chart | None, pen: Pen, *, is_current: bool = False, has_values: bool = True
    ) -> None:
        """Draw another chart, or the same in another way."""
        if chart != self.chart:
            self._format = None
            self._ranked = ranked(chart.curves, None, chart.goal) if chart else []
        self.chart, self.pen, self.is_current, self.has_values = chart, pen, is_current, has_values
        self._redraw()

    def show_cursor(self, x: float | None) -> None:
        """Move the cursor, or take it away."""
        if x != self.cursor_x:
            self.cursor_x = x
            self._paint()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def on_click(self, event: events.Click) -> None:
        """Tell where on the x axis the click was."""
        if self.picture is None:
            return
        cell = event.x - self.picture.left
        if 0 <= cell < self.picture.plot_width:
            low, high = self.picture.cell_x(cell)
            self.post_message(self.Pointed(self, (low + high) / 2))

    def _redraw(self) -> None:
        width, height = self.size.width, self.size.height - 1
        chart, pen = self.chart, self.pen
        if chart is None or width < 1 or height < 1:
            self.picture, self._base, self._drawn = None, [], None
            self._paint()
            return
        wanted = (chart, width, height, pen)
        if self._drawn == wanted and self.picture is not None:
            self._paint()
        elif self._job is None or chart.points <= DRAWN_AT_ONCE:
            self._show_picture(draw(chart, width, height, pen), wanted)
        else:
            self._job(
                f"draw-{self.id}",
                lambda: draw(chart, width, height, pen),
                lambda it: self._show_picture(it, wanted),
            )

    def _show_picture(self, picture: Picture, drawn: tuple[Chart, int, int, Pen]) -> None:
        if drawn[0] != self.chart or drawn[3] != self.pen:
            return
        self.picture, self._drawn = picture, drawn
        chart, is_plain = drawn[0], self.pen.is_plain
        self._base = [
            line_of(((text, ink_style(ink, chart, is_plain)) for text, ink in line), picture.width)
            for line in picture.lines
        ]
        self._paint()

    def _paint(self) -> None:
        """Repaint what differs: lines of the picture, cells of the cursor, values in the title."""
        if self.chart is None:
            self._overlay = {}
            self.show_strips([])
            return
        before, after = self._overlay, self._cursor_cells()
        self._overlay = after
        changed = {
            (line, cell)
            for line in before.keys() | after.keys()
            for cell in before.get(line, {}).keys() | after.get(line, {}).keys()
            if before.get(line, {}).get(cell) != after.get(line, {}).get(cell)
        }
        if changed:
            self.refresh(*(Region(cell, line + 1, 1, 1) for line, cell in changed))
        self.show_strips([self._title(self.chart), *self._base])

    def render_line(self, y: int) -> Strip:
        """One line, with what of the cursor is on it."""
        strip = super().render_line(y)
        cells = self._overlay.get(y - 1)
        return overlaid(strip, cells) if cells and y <= len(self._base) else strip

    @property
    def lines(self) -> list[str]:
        """What is shown, without styles."""
        return [self.render_line(y).text for y in range(len(self._strips))]

    def _cursor_cells(self) -> dict[int, dict[int, CellText]]:
        """By line of the picture: a line where there is nothing, and each curve's shape at its nearest point."""
        chart, picture, x = self.chart, self.picture, self.cursor_x
        if chart is None or picture is None or x is None:
            return {}
        cell = picture.cell_at(x)
        if not 0 <= cell < picture.plot_width:
            return {}
        upright = (self.pen.symbols.cursor, ink_style(Ink("cursor"), chart, self.pen.is_plain))
        cells: dict[int, dict[int, CellText]] = {
            picture.top + row: {picture.left + cell: upright}
            for row in range(picture.plot_height)
            if not picture.filled[row, cell]
        }
        for curve in sorted(chart.curves, key=lambda curve: curve.key == chart.focus):
            found = reading(curve, x)
            spot = picture.cell_of(found.x, found.drawn) if found and not found.is_beyond else None
            if spot is not None:
                is_faded = chart.focus is not None and chart.focus != curve.key
                shape_style = curve_style(curve.colour, self.pen.is_plain, dim=is_faded, bold=True)
                cells.setdefault(spot[0], {})[spot[1]] = (curve.glyph, shape_style)
        return cells

    def _title(self, chart: Chart) -> Strip:
        """Name, direction, values best first, and the small print at the right."""
        width = self.size.width
        signs = glyphs(self.pen.is_ascii)
        arrow = {"min": signs.lower_is_better, "max": signs.higher_is_better}.get(chart.goal or "", "")
        most = width // 2 if self.has_values else width - min(cell_len(chart.title), width // 3) - 4
        small = in_room(notes(chart, self.picture, self.pen), most, signs.ellipsis)
        head = signs.group if self.is_current else " "
        room = max(width - cell_len(small) - 3 - len(arrow), 1)
        title = fit_title(clean(chart.title, 200), room, signs.ellipsis) + arrow
        pieces: list[tuple[str, Style]] = [(head, STRONG), (title, STRONG if self.is_current else PLAIN)]
        used = 1 + cell_len(title)
        if self.has_values:
            values = self._values(chart, width - used - cell_len(small) - 3)
            pieces += values
            used += sum(cell_len(text) for text, _ in values)
        gap = width - used - cell_len(small) - bool(small)
        pieces += [(" " * max(gap, 0), PLAIN), (small, PLAIN if self.pen.is_plain else QUIET)]
        return line_of(pieces, width)

    def _values(self, chart: Chart, room: int) -> list[tuple[str, Style]]:
        """As many values as there is room for, and how many more there are."""
        readings = self._ranked
        ended = ""
        if self.cursor_x is not None:
            found = [each for curve in readings if (each := reading(curve.curve, self.cursor_x)) is not None]
            readings = [each for each in found if not each.is_beyond]
            ended = f" {len(found) - len(readings)} ended" if len(found) > len(readings) else ""
        shown = format_numbers([each.logged for each in readings])
        self._format = shown if self._format is None else widened(self._format, shown)
        pieces: list[tuple[str, Style]] = []
        for place_in_rank, each in enumerate(readings):
            text = (
                f" {each.curve.glyph}{self._format.text(each.logged).strip() if not each.is_beyond else '-'}"
            )
            more = f" +{len(readings) - place_in_rank}"
            last = place_in_rank == len(readings) - 1
            if cell_len(text) + (0 if last else len(more)) > room:
                return (
                    [*pieces, (more, PLAIN if self.pen.is_plain else QUIET)] if len(more) <= room else pieces
                )
            is_faded = chart.focus is not None and chart.focus != each.curve.key
            pieces.append((text, curve_style(each.curve.colour, self.pen.is_plain, dim=is_faded)))
            room -= cell_len(text)
        return [*pieces, (ended, PLAIN if self.pen.is_plain else QUIET)] if len(ended) <= room else pieces
