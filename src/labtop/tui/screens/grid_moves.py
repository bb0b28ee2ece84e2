"""Moving in a screen whose body is one grid."""

from __future__ import annotations

from textual.screen import Screen

from labtop.tui.widgets.grid import Grid


class GridMoves(Screen[None]):
    """Mixed into a screen with a Grid: the keys of the table's group Moving."""

    def action_down(self) -> None:
        """One line down."""
        self.query_one(Grid).move(rows=1)

    def action_up(self) -> None:
        """One line up."""
        self.query_one(Grid).move(rows=-1)

    def action_left(self) -> None:
        """One run to the left."""
        self.query_one(Grid).move(columns=-1)

    def action_right(self) -> None:
        """One run to the right."""
        self.query_one(Grid).move(columns=1)

    def action_top(self) -> None:
        """To the first line."""
        self.query_one(Grid).move_to(0)

    def action_bottom(self) -> None:
        """To the last line."""
        self.query_one(Grid).move_to(self.query_one(Grid).row_count - 1)

    def action_page_down(self) -> None:
        """A page down."""
        self.query_one(Grid).page(1)

    def action_page_up(self) -> None:
        """A page up."""
        self.query_one(Grid).page(-1)

    def action_half_page_down(self) -> None:
        """Half a page down."""
        self.query_one(Grid).page(0.5)

    def action_half_page_up(self) -> None:
        """Half a page up."""
        self.query_one(Grid).page(-0.5)

    def action_first_column(self) -> None:
        """To the keys."""
        self.query_one(Grid).move_to_column(0)

    def action_last_column(self) -> None:
        """To the last run."""
        grid = self.query_one(Grid)
        grid.move_to_column(len(grid.table.columns) - 1 if grid.table else 0)
