"""Keys of the Runs screen that change its columns and order, or narrow it by a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.tui.choice import Choice
from labtop.tui.screens.runs.table import RunsTable

if TYPE_CHECKING:
    from labtop.model.columns import Column

KINDS = {"field": "of the run", "param": "param", "metric": "metric", "spark": "curve"}


class RunsColumns(RunsTable):
    """Every change goes through `change_view`, so each can be undone."""

    # sorting

    def action_sort(self, keys: str = "") -> None:
        """Sort by a column: choose it, the one under the cursor first in the list."""
        if keys:
            self._sort_by_names(keys, add=False)
        else:
            self._pick_sort("sort by", add=False)

    def action_add_sort(self, keys: str = "") -> None:
        """Add a sort key."""
        if keys:
            self._sort_by_names(keys, add=True)
        else:
            self._pick_sort("then sort by", add=True)

    def sort_by(self, key: str, add: bool = False) -> None:
        """Sort by a column; the best of a metric comes first, and a second time turns round."""
        column = self.column_of(key)
        best_first = column is not None and column.goal == "max"
        self.change_view(self.view.sorted_by(key, add, best_first), self.members)

    def _pick_sort(self, title: str, add: bool) -> None:
        marks = {
            True: f"sorted {self.drawn_with.descending}",
            False: f"sorted {self.drawn_with.ascending}",
            None: "",
        }

        def choice(column: Column) -> Choice:
            sorted_now = marks[self.view.is_descending(column.key)]
            return Choice(column.key, column.name, f"{KINDS[column.kind]}   {sorted_now}")

        def done(key: str | None) -> None:
            if key == "":
                self.change_view(replace(self.view, sort=()), self.members)
            elif key is not None:
                self.sort_by(key, add)

        columns = [each for each in self.known_columns() if each.kind != "spark"]
        newest = [Choice("", "newest first", "as without sorting")] if not add else []
        self.pick(title, [*map(choice, columns), *newest], done)

    def _sort_by_names(self, names: str, add: bool) -> None:
        from labtop.query.naming import find_column

        catalog = self.session.catalog
        words = (
            [names] if names.removeprefix("-") in {each.name for each in catalog.columns()} else names.split()
        )
        keys = []
        for word in words:
            minus = "-" if word.startswith("-") else ""
            keys.append(minus + find_column(catalog.columns(), word.removeprefix("-")).key)
        if add:
            chosen = {each.removeprefix("-") for each in keys}
            keys = [*(each for each in self.view.sort if each.removeprefix("-") not in chosen), *keys]
        self.change_view(replace(self.view, sort=tuple(keys)), self.members)

    # columns

    def known_columns(self) -> list[Column]:
        """All columns: the one under the cursor first, then those shown, then the rest."""
        from labtop.views.table_columns import find_keys

        known = self.session.catalog.columns()
        first = [self.grid.column.key] if self.grid.column else []
        shown = find_keys(known, [*first, *self.shown_keys])
        return [*shown, *(each for each in known if each not in shown)]

    def action_columns(self, names: str = "") -> None:
        """Choose the columns."""
        if names:
            from labtop.query.naming import find_columns

            keys = tuple(each.key for each in find_columns(self.session.catalog.columns(), names))
            self.change_view(replace(self.view, columns=keys, hidden=()), self.members)
            return
        shown = set(self.shown_keys)
        choices = [Choice(c.key, c.name, KINDS[c.kind], is_on=c.key in shown) for c in self._with_curves()]

        def done(on: Sequence[str] | None) -> None:
            if on is not None:
                order = [key for key in self.shown_keys if key in on]
                keys = (*order, *(key for key in on if key not in order))
                if keys != self.shown_keys:
                    self.change_view(replace(self.view, columns=keys, hidden=()), self.members)

        self.pick_several("columns", choices, done)

    def _with_curves(self) -> list[Column]:
        from labtop.query.filter_names import spark_of

        columns = self.known_columns()
        curves = [spark_of(each) for each in columns if each.kind == "metric"]
        return [*columns, *(each for each in curves if each not in columns)]

    def action_all_columns(self) -> None:
        """Show columns that do not vary too, or hide them again; forget what was chosen by hand."""
        constant = not self.view.show_constant
        self.change_view(replace(self.view, show_constant=constant, columns=(), hidden=()), self.members)

    def action_hide_column(self, name: str = "") -> None:
        """Hide the column under the cursor."""
        if name:
            from labtop.query.naming import find_column

            key = find_column(self.session.catalog.columns(), name).key
        elif self.grid.column is not None:
            key = self.grid.column.key
        else:
            return
        self.change_view(self.view.without_column(key, self.shown_keys), self.members)

    def action_narrower(self) -> None:
        """Make the column narrower."""
        self._widen(-1)

    def action_wider(self) -> None:
        """Make the column wider."""
        self._widen(1)

    def _widen(self, by: int) -> None:
        column = self.grid.column
        if column is not None and column.key != "status":
            # what was asked for last, not what is drawn: a held key is faster than a big table
            width = self.view.widths.get(column.key, column.width)
            step = by * max(1, width // 8)
            self.change_view(self.view.with_width(column.key, width + step), self.members)

    def action_move_left(self) -> None:
        """Move the column to the left."""
        self._move(-1)

    def action_move_right(self) -> None:
        """Move the column to the right."""
        self._move(1)

    def _move(self, step: int) -> None:
        column = self.grid.column
        if self.is_grouped or column is None:
            return
        if column.is_frozen:
            self.say("status and name stay at the left", "warning")
            return
        asked = self.view.columns  # may not be drawn yet
        order = asked if column.key in asked else self.shown_keys
        self.change_view(self.view.with_moved(column.key, step, order), self.members)

    # narrowing

    def action_only_value(self) -> None:
        """Only runs with the value under the cursor."""
        self._narrow(negate=False)

    def action_not_value(self) -> None:
        """No runs with the value under the cursor."""
        self._narrow(negate=True)

    def _narrow(self, negate: bool) -> None:
        drawn, row = self.grid.column, self.grid.row
        column = self.column_of(drawn.key) if drawn is not None else None
        if column is None or row is None or self.is_grouped or column.kind == "spark":
            self.say("this cell has no value to filter by", "warning")
            return
        from labtop.tui.cell_filter import condition_for

        condition = condition_for(column, self.grid.cell, self.session.catalog.columns(), negate)
        self.change_view(self.view.narrowed_to(condition), self.members)

    def action_archived(self) -> None:
        """Show or hide archived runs."""
        self.change_view(replace(self.view, archived=not self.view.archived), self.members)
        self.say("archived runs are shown too" if self.view.archived else "archived runs are hidden")
