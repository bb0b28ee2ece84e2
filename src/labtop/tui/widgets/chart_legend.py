"""Which curve is which run and what it is worth: a column beside one chart, or one line under several.

Sorted by the last value, best first, and never reordered by the cursor, so that the eye stays on a run. What does
not fit is counted.
"""

from __future__ import annotations

import math

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from labtop.tui.widgets.chart_strips import StripView, line_of
from labtop.tui.widgets.chart_styles import PLAIN, QUIET, STRONG, curve_style
from labtop.tui.widgets.grid_lines import clip
from labtop.views.chart import BRAILLE_PEN, Chart, Pen
from labtop.views.chart_readings import Reading, delta, ranked, reading
from labtop.views.chart_ticks import plain_number
from labtop.views.glyphs import glyphs
from labtop.views.numbers import NumberFormat, format_numbers, widened
from labtop.views.text import clean

_Pieces = list[tuple[str, Style]]


class CurveLegend(StripView):
    """The legend of the current chart."""

    DEFAULT_CSS = "CurveLegend { height: 1; width: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chart: Chart | None = None
        self._pen: Pen = BRAILLE_PEN
        self._cursor_x: float | None = None
        self._ranked: list[Reading] = []
        self._format: NumberFormat | None = None

    def show_chart(self, chart: Chart | None, pen: Pen) -> None:
        """Be the legend of a chart."""
        if chart != self._chart:
            self._format = None
            self._ranked = ranked(chart.curves, None, chart.goal) if chart else []
        self._chart, self._pen = chart, pen
        self._paint()

    def show_cursor(self, x: float | None) -> None:
        """Say the values at x, or with None the last ones."""
        if x != self._cursor_x:
            self._cursor_x = x
            self._paint()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._paint()

    def _paint(self) -> None:
        if self._chart is None or not self.size.height:
            self.show_strips([])
        elif self.size.height < 3:
            self.show_strips(self._as_lines(self._chart, self.size.width, self.size.height))
        else:
            self.show_strips(self._as_column(self._chart, self.size.width, self.size.height))

    def _as_lines(self, chart: Chart, width: int, height: int) -> list[Strip]:
        """Shapes and names in a row, or two; the one in focus first."""
        waiting = sorted(self._ranked, key=lambda each: each.curve.key != chart.focus)
        names = {each.curve.key: clean(each.curve.label, 200) for each in waiting}
        if sum(cell_len(name) + 4 for name in names.values()) > width * height:
            ellipsis = glyphs(self._pen.is_ascii).ellipsis
            longest = max(24, width * height // max(1, len(waiting)) - 4)
            names = {
                key: name if cell_len(name) <= longest else clip(name, longest, "left", ellipsis)
                for key, name in names.items()
            }
        strips: list[Strip] = []
        for number in range(height):
            pieces: _Pieces = []
            room = width
            while waiting:
                curve = waiting[0].curve
                name = names[curve.key]
                more = f"  +{len(waiting)} more" if number == height - 1 else ""
                is_last = len(waiting) == 1
                if cell_len(name) + 4 + (0 if is_last else len(more)) > room:
                    pieces += [(more, self._quiet)] if len(more) <= room else []
                    break
                pieces += [
                    (f" {curve.glyph} ", curve_style(curve.colour, self._pen.is_plain, bold=True)),
                    (f"{name} ", self._name_style(chart, curve.key)),
                ]
                room -= cell_len(name) + 4
                waiting = waiting[1:]
            strips.append(line_of(pieces, width))
        return strips

    def _as_column(self, chart: Chart, width: int, height: int) -> list[Strip]:
        """A run a line: shape, name, value, difference to the baseline."""
        readings = self._ranked
        if self._cursor_x is not None:
            readings = [
                found for each in readings if (found := reading(each.curve, self._cursor_x)) is not None
            ]
        baseline = next((each for each in readings if each.curve.key == chart.baseline), None)
        shown = format_numbers([each.logged for each in readings])
        self._format = shown if self._format is None else widened(self._format, shown)
        height -= 1  # the first line stays free, beside the title of the chart
        room = height if len(readings) <= height else height - 1
        focused = next((at for at, each in enumerate(readings) if each.curve.key == chart.focus), 0)
        first = max(0, focused - room + 1)
        lines = [
            line_of(self._row(chart, each, baseline, self._format, width), width)
            for each in readings[first : first + room]
        ]
        if len(readings) > room:
            unseen = len(readings) - len(lines)
            lines.append(line_of([(f"   +{unseen} more", self._quiet)], width))
        return [Strip.blank(width), *lines] + [Strip.blank(width)] * (height - len(lines))

    def _row(
        self, chart: Chart, each: Reading, baseline: Reading | None, numbers: NumberFormat, width: int
    ) -> _Pieces:
        signs = glyphs(self._pen.is_ascii)
        value = signs.nothing.rjust(numbers.width) if each.is_beyond else numbers.text(each.logged)
        change = ""
        if baseline is not None:
            by = delta(each, baseline)
            change = " " + (
                "" if by is None or math.isnan(by) else numbers.difference(each.logged, baseline.logged)
            )
            change = change.ljust(numbers.width + 2)
        if each.curve.key == chart.baseline:
            change = (" " + signs.baseline).ljust(len(change))
        elsewhere = ""
        if self._cursor_x is not None and not each.is_beyond and each.x != self._cursor_x:
            elsewhere = f"@{plain_number(each.step)}"
        room = width - 3 - cell_len(value) - len(change) - 1
        name = _name(each, max(room, 1), self._pen, self._cursor_x is not None)
        if elsewhere and cell_len(name) + len(elsewhere) + 1 <= room:
            gap = room - cell_len(name) - len(elsewhere)
            tail = [(" " * gap + elsewhere, self._quiet)]
        else:
            tail = [(" " * max(room - cell_len(name), 0), PLAIN)]
        colour = curve_style(each.curve.colour, self._pen.is_plain, bold=True)
        pieces: _Pieces = [
            (f" {each.curve.glyph} ", colour),
            (name, self._name_style(chart, each.curve.key)),
            *tail,
        ]
        return [*pieces, (f" {value}", self._name_style(chart, each.curve.key)), (change, self._quiet)]

    @property
    def _quiet(self) -> Style:
        return PLAIN if self._pen.is_plain else QUIET

    def _name_style(self, chart: Chart, key: str) -> Style:
        if chart.focus is None:
            return PLAIN
        return STRONG if chart.focus == key else self._quiet


def _name(each: Reading, width: int, pen: Pen, is_at_cursor: bool) -> str:
    """A curve's name with what has to be known of it: runs of a mean, NaN and infinities counted."""
    curve = each.curve
    parts = []
    if curve.counts is not None:
        parts.append(f"n={int(curve.counts[each.index]) if is_at_cursor else curve.runs}")
    if curve.nan_count:
        parts.append(f"{curve.nan_count:,} NaN")
    if curve.infinity_count:
        parts.append(f"{curve.infinity_count:,} inf")
    tail = "".join(f" {part}" for part in parts)
    ellipsis = glyphs(pen.is_ascii).ellipsis
    label = clean(curve.label, 200)
    room = width - len(tail)
    if room < 4:
        return clip(label, width, "left", ellipsis).rstrip()
    return (label if cell_len(label) <= room else clip(label, room, "left", ellipsis).rstrip()) + tail
