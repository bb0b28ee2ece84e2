"""A table of cleaned text as lines: columns aligned, cut to a terminal where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDEST = 60  # cells of a column on a terminal
NARROW = 24  # cells of a column of text where not all columns fit
PADDED = (
    200  # cells that a column in a pipe is filled up to: one name of 100,000 characters fills no other line
)
GAP = "  "


@dataclass(frozen=True, slots=True)
class TextTable:
    """Titles and cells; `right` says which columns stand at the right, as numbers do."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[bool]

    def lines(self, width: int | None, ellipsis: str) -> tuple[list[str], Sequence[str]]:
        """The lines, titles first, and the titles of columns that do not fit into `width` cells (None: all fit)."""
        widths = [
            max([_cells(name), *(_cells(row[at]) for row in self.rows)])
            for at, name in enumerate(self.header)
        ]
        if width is not None:
            widths = _narrowed([min(each, WIDEST) for each in widths], self.right, width)
        else:
            widths = [min(each, PADDED) for each in widths]
        shown = len(widths) if width is None else _fitting(widths, width)
        told = [self.header, *self.rows] if self.header else []
        ellipsis = "" if width is None else ellipsis
        return [self._line(cells, widths[:shown], ellipsis) for cells in told], self.header[shown:]

    def _line(self, cells: Sequence[str], widths: Sequence[int], ellipsis: str) -> str:
        """A line; what is too long is cut, or stays whole where there is no `ellipsis`."""
        parts = []
        for cell, width, is_right in zip(cells, widths, self.right, strict=False):
            length = _cells(cell)
            if length > width:
                parts.append(_cut(cell, width - 1) + ellipsis if ellipsis else cell)
            else:
                room = " " * (width - length)
                parts.append(room + cell if is_right else cell + room)
        return GAP.join(parts).rstrip()


def _cells(text: str) -> int:
    """How many cells a text takes, as the terminal library measures it."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(text, width)


def on_the_point(cells: Sequence[str]) -> Sequence[str]:
    """Numbers with blanks behind them, so that at the right their points stand below each other."""
    tails = [len(cell) - len(cell.partition(".")[0]) for cell in cells]
    longest = max(tails, default=0)
    return [cell + " " * (longest - tail) for cell, tail in zip(cells, tails, strict=True)]


def _narrowed(widths: Sequence[int], right: Sequence[bool], room: int) -> list[int]:
    """Columns of text as narrow as is needed for more columns to fit; the first ones get what is left over."""
    if _fitting(widths, room) == len(widths):
        return list(widths)
    narrow = [each if is_right else min(each, NARROW) for each, is_right in zip(widths, right, strict=True)]
    shown = _fitting(narrow, room)
    spare = max(0, room - sum(narrow[:shown]) - len(GAP) * (shown - 1))
    for at in range(shown):
        more = min(widths[at] - narrow[at], spare)
        narrow[at] += more
        spare -= more
    return narrow


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns fit; one always does."""
    shown = 0
    for width in widths:
        room -= width + (len(GAP) if shown else 0)
        if room < 0:
            break
        shown += 1
    return max(shown, 1)
