"""The rows a grid has at hand, and which ones it should ask for next.

Rows come from a thread, so the pages around the one on the screen are asked for ahead, more of them in the
direction a person moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from labtop.views.table_shape import TableRow

KEPT = 4096  # rows; more are dropped, the farthest first
AHEAD = 3  # pages asked for in the direction of movement
BEHIND = 1


class RowStore:
    """Rows by their place in the table."""

    def __init__(self, row_count: int = 0) -> None:
        self.row_count = row_count
        self._rows: dict[int, TableRow] = {}
        self._asked = (0, 0)

    def get(self, index: int) -> TableRow | None:
        """The row at a place, if it is at hand."""
        return self._rows.get(index)

    def has(self, start: int, stop: int) -> bool:
        """Whether all rows from `start` up to `stop` are at hand, as far as there are any."""
        return all(index in self._rows for index in range(max(0, start), min(stop, self.row_count)))

    def put(self, start: int, rows: Sequence[TableRow]) -> None:
        """Keep rows that were fetched."""
        self._rows.update(enumerate(rows, start))
        if start <= self._asked[0] and start + len(rows) >= self._asked[1]:
            self._asked = (0, 0)
        if len(self._rows) > KEPT:
            middle = start + len(rows) // 2
            nearest = sorted(self._rows, key=lambda index: abs(index - middle))[: KEPT // 2]
            self._rows = {index: self._rows[index] for index in nearest}

    def missing(self, top: int, height: int, direction: int = 1) -> tuple[int, int] | None:
        """What to ask for when `height` rows from `top` are on the screen; None when nothing, or asked already.

        Asks early: when the page on the screen or the next one lacks a row, it asks for all pages ahead.
        """
        ahead, behind = (AHEAD, BEHIND) if direction >= 0 else (BEHIND, AHEAD)
        soon = (top - height, top + height) if direction < 0 else (top, top + 2 * height)
        if self.has(*soon):
            return None
        start = max(0, top - behind * height)
        stop = min(self.row_count, top + (1 + ahead) * height)
        while start < stop and start in self._rows:
            start += 1
        while stop > start and stop - 1 in self._rows:
            stop -= 1
        if start >= stop or (self._asked[0] <= start and stop <= self._asked[1]):
            return None
        self._asked = (start, stop)
        return start, stop
