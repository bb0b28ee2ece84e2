"""A raster of dots in character cells: braille (2 × 4 dots a cell), half blocks (1 × 2) or ASCII (1 × 2).

Lines go to the front, bands and raw curves to the back: where a cell has both, only the front is drawn, so that a
smoothed curve stays readable on its noise. In a cell that several lines share, all their dots are lit and the
last one drawn gives the colour. Knows nothing of axes, styles or terminals.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labtop.views.chart_binning import Spans

Codes = NDArray[np.uint32]
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DotSet:
    """How many dots a cell has and which character shows which of them: `glyphs[bits]` is a code point."""

    name: str
    across: int
    down: int
    bits: tuple[tuple[int, ...], ...]  # bits[row][column] of a dot within its cell
    glyphs: Codes = field(repr=False)


BRAILLE = DotSet(
    "braille", 2, 4, ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80)),
    np.array([0x20, *range(0x2801, 0x2900)], dtype=np.uint32),
)  # fmt: skip
HALVES = DotSet("halves", 1, 2, ((1,), (2,)), np.array([ord(each) for each in " ▀▄█"], dtype=np.uint32))
ASCII = DotSet("ascii", 1, 2, ((1,), (2,)), np.array([ord(each) for each in " '.:"], dtype=np.uint32))
DOT_SETS = {each.name: each for each in (BRAILLE, HALVES, ASCII)}

NOBODY = -1


class Raster:
    """Cells of a plot that are drawn into; `codes` and `owners` give the finished picture."""

    def __init__(self, width: int, height: int, dot_set: DotSet = BRAILLE) -> None:
        self.width, self.height, self.dot_set = width, height, dot_set
        self.columns, self.rows = width * dot_set.across, height * dot_set.down
        self._weave = _weave(dot_set)
        self._first_rows = (np.arange(height, dtype=np.int32) * dot_set.down)[:, None]
        self._masks = _masks(dot_set)
        self.front, self.back = (np.zeros((height, width), dtype=np.uint8) for _ in range(2))
        self.front_owner, self.back_owner = (
            np.full((height, width), NOBODY, dtype=np.int16) for _ in range(2)
        )

    def draw_line(self, spans: Spans, owner: int, back: bool = False) -> None:
        """Light the dots of a line."""
        self._light(self._pack(spans.top, spans.bottom), owner, back)

    def draw_band(self, upper: Spans, lower: Spans, owner: int) -> None:
        """Light every other dot between two lines, in the back."""
        present = (upper.top <= upper.bottom) & (lower.top <= lower.bottom)
        top, bottom = np.where(present, upper.top, 1), np.where(present, lower.bottom, 0)
        self._light(self._pack(top, bottom) & self._weave, owner, back=True)

    def codes(self) -> Codes:
        """The code point of each cell; the front hides the back where it has a dot."""
        return np.asarray(self.dot_set.glyphs[np.where(self.front > 0, self.front, self.back)])

    def owners(self) -> NDArray[np.int16]:
        """Who gives each cell its colour: the number passed as `owner`, `NOBODY` where a cell is empty."""
        return np.where(self.front > 0, self.front_owner, self.back_owner)

    def _light(self, packed: Bits, owner: int, back: bool) -> None:
        bits, owners = (self.back, self.back_owner) if back else (self.front, self.front_owner)
        owners[packed > 0] = owner
        bits |= packed

    def _pack(self, top: NDArray[np.int32], bottom: NDArray[np.int32]) -> Bits:
        """The dots from `top` to `bottom` of each column, as one byte a cell."""
        down = self.dot_set.down
        start = np.clip(top - self._first_rows, 0, down)
        stop = np.clip(bottom + 1 - self._first_rows, 0, down)
        lit = start * (down + 1) + stop
        packed: Bits = self._masks[0][lit[:, :: self.dot_set.across]]
        for column in range(1, self.dot_set.across):
            packed |= self._masks[column][lit[:, column :: self.dot_set.across]]
        return packed


def _masks(dots: DotSet) -> list[Bits]:
    """By column of a cell, start * (down + 1) + stop → the bits of the dots from start up to stop."""
    found = []
    for column in range(dots.across):
        mask = np.zeros((dots.down + 1, dots.down + 1), dtype=np.uint8)
        for start in range(dots.down):
            for stop in range(start + 1, dots.down + 1):
                mask[start, stop] = sum(dots.bits[row][column] for row in range(start, stop))
        found.append(mask.ravel())
    return found


def _weave(dots: DotSet) -> np.uint8:
    """Every other dot of a cell, the same in all cells."""
    return np.uint8(
        sum(
            dots.bits[row][column]
            for row in range(dots.down)
            for column in range(dots.across)
            if (row + column) % 2 == 0
        )
    )
