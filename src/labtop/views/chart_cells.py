"""The characters of a chart's plot with their inks, and the marks set on top of the raster.

Marks are what makes a chart readable without colours: each curve's shape at its end (and along it where there are
no colours at all), and signs where something could not be drawn.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from labtop.views.chart import BLANK, Chart, Ink, Pen, Piece, Role
from labtop.views.chart_curves import Curve
from labtop.views.chart_raster import NOBODY, Raster
from labtop.views.chart_scale import Scale

_CELL_ROLES: tuple[Role, ...] = ("blank", "line", "back", "marker", "lost")
_ROLE_CODE = {role: code for code, role in enumerate(_CELL_ROLES)}


@dataclass(frozen=True, slots=True)
class Lost:
    """By dot column: the curve of which something cannot be drawn there, or NOBODY."""

    nan: NDArray[np.bool_]
    above: NDArray[np.bool_]
    below: NDArray[np.bool_]
    owner: NDArray[np.int16]


class Cells:
    """Characters and inks of the plot with the gutter at its right and the lines for marks above and below."""

    def __init__(self, raster: Raster, gutter: int, top: int, bottom: int) -> None:
        shape = (top + raster.height + bottom, raster.width + gutter)
        self.top, self.plot = top, raster
        self.codes = np.full(shape, ord(" "), dtype=np.uint32)
        self.inks = np.zeros(shape, dtype=np.int32)
        inner = (slice(top, top + raster.height), slice(0, raster.width))
        self.codes[inner] = raster.codes()
        owners = raster.owners().astype(np.int32)
        roles = np.where(raster.front > 0, _ROLE_CODE["line"], _ROLE_CODE["back"])
        self.inks[inner] = np.where(owners == NOBODY, 0, (owners + 1) * len(_CELL_ROLES) + roles)

    def put(self, line: int, cell: int, character: str, role: Role, curve: int) -> None:
        """Write one character."""
        self.codes[line, cell] = ord(character)
        self.inks[line, cell] = (curve + 1) * len(_CELL_ROLES) + _ROLE_CODE[role]

    def is_free(self, line: int, cell: int) -> bool:
        """Whether a cell of the plot or the gutter is empty."""
        return bool(self.codes[line, cell] == ord(" "))

    def pieces(self, line: int) -> list[Piece]:
        """One line as pieces; blanks take the ink before them, which saves bytes on the way to the terminal."""
        codes, inks = self.codes[line], self.inks[line]
        filled = np.maximum.accumulate(np.where(codes != ord(" "), np.arange(codes.size), -1))
        if filled[-1] < 0:
            return [Piece(" " * codes.size, BLANK)]
        carried = np.where(filled >= 0, inks[np.maximum(filled, 0)], 0)
        starts = [0, *(np.flatnonzero(np.diff(carried)) + 1), codes.size]
        text = codes.astype("<u4").tobytes().decode("utf-32-le")
        return [
            Piece(text[start:stop], _ink(int(carried[start]))) for start, stop in itertools.pairwise(starts)
        ]


@lru_cache(1024)
def _ink(code: int) -> Ink:
    curve, role = divmod(code, len(_CELL_ROLES))
    return Ink(_CELL_ROLES[role], curve - 1) if code else BLANK


def mark_ends(cells: Cells, chart: Chart, order: list[int], x: Scale, y: Scale, raster: Raster) -> None:
    """Put each curve's shape right after its last point that is shown; a lone point gets it on itself."""
    for at in order:
        curve = chart.curves[at]
        place = _last_shown(curve, x, y)
        if place is None:
            continue
        column = int(x.fraction(curve.x[place]) * (raster.columns - 1) + 0.5) // raster.dot_set.across
        row = int((1 - y.fraction(curve.drawn[place])) * (raster.rows - 1) + 0.5) // raster.dot_set.down
        line = cells.top + row
        first = column if curve.x.size == 1 else column + 1
        for cell in range(first, min(first + 3, cells.codes.shape[1])):
            if cells.is_free(line, cell) or curve.x.size == 1:
                cells.put(line, cell, curve.glyph, "marker", at)
                break


def _last_shown(curve: Curve, x: Scale, y: Scale) -> int | None:
    """The last point of a curve that lies on the plot."""
    start, stop = curve.within(x)
    while stop > start:  # look at the last few first: most curves end in a number
        first = max(start, stop - 1024)
        shown = np.flatnonzero((curve.drawn[first:stop] >= y.low) & (curve.drawn[first:stop] <= y.high))
        if shown.size:
            return first + int(shown[-1])
        stop = first
    return None


def strew(cells: Cells, chart: Chart, raster: Raster) -> None:
    """Without colours: each curve's shape here and there on its line, at places that differ from curve to curve."""
    if len(chart.curves) < 2:
        return
    owners = np.where(raster.front > 0, raster.front_owner, NOBODY)
    every = max(12, min(3 * len(chart.curves), raster.width // 2))
    for at, curve in enumerate(chart.curves):
        for column in range((at * every // len(chart.curves)) + 2, raster.width, every):
            lines = np.flatnonzero(owners[:, column] == at)
            if lines.size:
                cells.put(cells.top + int(lines[lines.size // 2]), column, curve.glyph, "marker", at)


def mark_lost(cells: Cells, lost: Lost, pen: Pen, top: int, bottom: int) -> None:
    """Marks where a value is NaN, infinite or beyond the axis, on the lines kept free for them.

    `top` and `bottom` tell whether there are such lines. A chart too low for them has the marks on its outermost
    lines, wherever nothing is drawn.
    """
    signs = pen.symbols
    last = cells.codes.shape[0] - 1
    for flags, line, symbol, is_kept_free in (
        (lost.above, 0, signs.above, top),
        (lost.below, last, signs.below, bottom),
        (lost.nan, last, signs.nan, bottom),
    ):
        for column in np.flatnonzero(flags):
            cell = int(column) // pen.dots.across
            if is_kept_free or cells.is_free(line, cell):
                cells.put(line, cell, symbol, "lost", int(lost.owner[column]))
