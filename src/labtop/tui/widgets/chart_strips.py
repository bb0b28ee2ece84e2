"""A widget made of ready lines that sends only the cells that changed.

A cursor that moves by one cell in four charts touches some forty cells; whole lines would be ten times the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

JOIN = 6  # unchanged cells between two changes that are cheaper to send than to jump over
_Cell = tuple[str, Style | None]
CellText: TypeAlias = tuple[str, Style]
"""What is in one cell."""


class StripView(Widget):
    """Lines that are handed in whole; what differs from before is repainted."""

    ALLOW_SELECT = False

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []

    def show_strips(self, strips: Sequence[Strip]) -> int:
        """Show other lines; gives the number of cells that are repainted."""
        before, self._strips = self._strips, list(strips)
        if len(before) != len(strips):
            self.refresh()
            return self.size.width * self.size.height
        regions = [
            Region(start, y, stop - start, 1)
            for y, (old, new) in enumerate(zip(before, strips, strict=True))
            for start, stop in changed_spans(old, new)
        ]
        if regions:
            self.refresh(*regions)
        return sum(each.width for each in regions)

    @property
    def lines(self) -> list[str]:
        """What is shown, without styles."""
        return [strip.text for strip in self._strips]

    def render_line(self, y: int) -> Strip:
        """One line, on the theme's background."""
        style = Style(bgcolor=self.rich_style.bgcolor)
        if y < len(self._strips):
            return self._strips[y].apply_style(style)
        return Strip.blank(self.size.width, style)


def changed_spans(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """The stretches of cells in which two lines differ, near ones joined."""
    if old is new or old == new:
        return []
    before, after = _cells(old), _cells(new)
    length = max(len(before), len(after))
    nothing: _Cell = (" ", None)
    before += [nothing] * (length - len(before))
    after += [nothing] * (length - len(after))
    spans: list[tuple[int, int]] = []
    for at in range(length):
        if before[at] == after[at]:
            continue
        if spans and at - spans[-1][1] <= JOIN:
            spans[-1] = (spans[-1][0], at + 1)
        else:
            spans.append((at, at + 1))
    # half of a wide character cannot be sent
    return [(max(0, start - 1) if after[start][0] == "" else start, stop) for start, stop in spans]


def overlaid(strip: Strip, cells: Mapping[int, CellText]) -> Strip:
    """A line of single-width characters with some of its cells replaced."""
    segments: list[Segment] = []
    waiting = sorted(cells)
    at = 0
    for text, style, _ in strip:
        start, end = at, at + len(text)
        while waiting and waiting[0] < end:
            cell = waiting.pop(0)
            if cell > start:
                segments.append(Segment(text[start - at : cell - at], style))
            segments.append(Segment(*cells[cell]))
            start = cell + 1
        if start < end:
            segments.append(Segment(text[start - at :], style))
        at = end
    return Strip(segments, strip.cell_length)


def line_of(pieces: Iterable[tuple[str, Style]], width: int) -> Strip:
    """Pieces as a line of exactly `width` cells."""
    segments = [Segment(text, style) for text, style in pieces if text]
    strip = Strip(segments, sum(cell_len(segment.text) for segment in segments))
    return strip.crop(0, width) if strip.cell_length > width else strip.extend_cell_length(width)


def _cells(strip: Strip) -> list[_Cell]:
    """A line cell by cell; the second cell of a wide character is empty, marks belong to their letter."""
    cells: list[_Cell] = []
    for text, style, _ in strip:
        if text.isascii():
            cells += [(character, style) for character in text]
            continue
        for character in text:
            width = cell_len(character)
            if width == 0 and cells:
                cells[-1] = (cells[-1][0] + character, cells[-1][1])
            else:
                cells.append((character, style))
                cells += [("", style)] * (width - 1)
    return cells
