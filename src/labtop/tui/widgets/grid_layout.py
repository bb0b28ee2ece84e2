"""Which columns of a grid are seen, and where: frozen ones first, then as many as fit from a first column on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labtop.views.table_shape import TableColumn

GUTTER = 2  # the cells before the first column: the marker and the sign of the baseline
GAP = 1
MIN_SCROLLED = 8  # cells that frozen columns must leave to the others
FROZEN_SHARE = 0.3  # of the width, which a frozen column that can be made narrower may take
MIN_CUT = 8  # cells of a text that are worth showing when the rest does not fit


class Place(NamedTuple):
    """One column on the screen: its number in the table, where it starts, how wide it is drawn."""

    number: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that are seen, from left to right."""

    places: tuple[Place, ...]
    first: int  # number of the first column that scrolls
    more_left: bool
    more_right: bool

    def number_at(self, x: int) -> int | None:
        """The column under a cell of the screen."""
        return next(
            (place.number for place in self.places if place.x <= x < place.x + place.width + GAP), None
        )


def lay_out(columns: Sequence[TableColumn], width: int, first: int) -> Layout:
    """Columns in `width` cells. A text that does not fit is cut; a number is not: half a number is a wrong one."""
    frozen = sum(column.is_frozen for column in columns)
    first = max(frozen, min(first, len(columns) - 1))
    places: list[Place] = []
    x = GUTTER
    for number, column in enumerate(columns[:frozen]):
        room = width - x - (MIN_SCROLLED if number == frozen - 1 and len(columns) > frozen else 0)
        wanted = (
            min(column.width, max(column.least, int(width * FROZEN_SHARE))) if column.least else column.width
        )
        drawn = min(wanted, max(room, 6 if number == frozen - 1 else 1), max(0, width - x))
        if drawn > 0:
            places.append(Place(number, x, drawn))
            x += drawn + GAP
    number = first
    while number < len(columns) and x < width:
        column = columns[number]
        drawn = min(column.width, width - x)
        if drawn < column.width and number > first and (column.align == "right" or drawn < MIN_CUT):
            break
        places.append(Place(number, x, drawn))
        x += drawn + GAP
        number += 1
    cut = bool(places) and places[-1].width < columns[places[-1].number].width
    return Layout(tuple(places), first, first > frozen, number < len(columns) or cut)


def first_to_show(columns: Sequence[TableColumn], width: int, first: int, wanted: int) -> int:
    """The first scrolled column with which the column `wanted` is seen whole, changed as little as possible.

    Going to a frozen column scrolls back to the beginning.
    """
    if wanted >= len(columns) or columns[wanted].is_frozen:
        return 0
    if wanted <= first:
        return wanted
    while first < wanted:
        seen = {place.number: place.width for place in lay_out(columns, width, first).places}
        if seen.get(wanted, -1) >= columns[wanted].width:
            break
        first += 1
    return first
