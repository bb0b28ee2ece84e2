"""Where a grid stands in its table: the row under the cursor, and the first row on the screen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Viewport:
    """`height` rows from `top` are on the screen, `index` has the cursor; it never leaves the screen."""

    row_count: int = 0
    height: int = 1
    index: int = 0
    top: int = 0
    direction: int = 1  # of the last movement: 1 down, -1 up

    @property
    def line(self) -> int:
        """The cursor's line on the screen."""
        return self.index - self.top

    @property
    def seen(self) -> range:
        """The rows on the screen."""
        return range(self.top, min(self.top + self.height, self.row_count))

    def move_to(self, index: int) -> None:
        """Cursor to a row. At the edge the screen moves by a third, so that most moves repaint two lines."""
        index = max(0, min(index, self.row_count - 1))
        if index != self.index:
            self.direction = 1 if index > self.index else -1
        step, middle = max(1, self.height // 3), index - self.height // 2
        top = self.top
        if index < top:
            top = index - step + 1 if top - index <= step else middle
        elif index >= top + self.height:
            top = index - self.height + step if index - top - self.height < step else middle
        self._settle(index, top)

    def page(self, pages: float) -> None:
        """Turn whole or half pages; the cursor keeps its line on the screen."""
        self.direction = 1 if pages > 0 else -1
        step = max(1, int(abs(pages) * self.height)) * self.direction
        self._settle(self.index + step, self.top + step)

    def scroll(self, lines: int) -> None:
        """Move the screen; the cursor stays on its row until it would leave the screen."""
        self.direction = 1 if lines > 0 else -1
        top = max(0, min(self.top + lines, self.row_count - self.height))
        self._settle(max(top, min(self.index, top + self.height - 1)), top)

    def resize(self, height: int) -> None:
        """The screen got another height."""
        self.height = max(1, height)
        self._settle(self.index, self.top)

    def on_another(self, row_count: int, index: int | None) -> Viewport:
        """The same place in another table: the cursor on `index` or where it was, on the same line if it can."""
        there = Viewport(row_count, self.height, direction=self.direction)
        place = max(0, min(self.index if index is None else index, row_count - 1))
        there._settle(place, place - self.line)
        return there

    def _settle(self, index: int, top: int) -> None:
        index = max(0, min(index, self.row_count - 1))
        top = max(0, min(top, self.row_count - self.height))
        self.index, self.top = index, max(index - self.height + 1, min(top, index))
