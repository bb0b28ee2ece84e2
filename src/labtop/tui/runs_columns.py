"""Keys of the Runs screen that change its view: sorting, columns, narrowing by a cell, groups, saved views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.tui.choice import Choice
from labtop.tui.runs_table import Members, RunsTable
from labtop.tui.runs_view import SEED
from labtop.tui.state import delete_view, load_view, save_view, saved_views, view_path
from labtop.views.text import clean

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
        from labtop.views.table_columns import spark_of

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

    # groups

    def action_group_seeds(self) -> None:
        """Group runs that are the same but for the seed, or end it."""
        self.change_view(replace(self.view, group=() if self.view.group == (SEED,) else (SEED,)))

    def action_group(self, names: str = "") -> None:
        """Group by columns."""
        if names:
            from labtop.query.naming import find_columns

            keys = tuple(each.key for each in find_columns(self.session.catalog.columns(), names))
            self.change_view(replace(self.view, group=keys))
            return
        if self.view.group:
            self.change_view(replace(self.view, group=()))
            return
        columns = [each for each in self.known_columns() if each.kind in ("param", "field")]
        choices = [Choice(each.key, each.name, KINDS[each.kind]) for each in columns]

        def done(keys: Sequence[str] | None) -> None:
            if keys:
                self.change_view(replace(self.view, group=tuple(keys)))

        self.pick_several("group by", choices, done)

    def open_group(self, place: int) -> None:
        """Show the runs of a group."""
        from labtop.views.table_groups import GroupView

        if self.loaded is None or not isinstance(self.loaded.table, GroupView):
            return
        group = self.loaded.table.groups[place]
        facts = zip(group.by_keys, group.by, strict=True)
        title = ", ".join(f"{key.rpartition('.')[2]} {clean(str(value), 30)}" for key, value in facts)
        self.session.current_run_id = None
        self.change_view(self.view, Members(group.rows, title or "one group"))

    # saved views

    def action_views(self, name: str = "") -> None:
        """Open a saved view, or keep this one under a name."""
        if name:
            self._open_view(name)
            return
        choices = [Choice(each, each, "open") for each in saved_views()]

        def also(typed: str) -> Choice | None:
            typed = typed.strip()
            return Choice(f"+{typed}", typed, "keep this view under this name") if typed else None

        def done(chosen: str | None) -> None:
            if chosen is None:
                return
            self._keep_view(chosen[1:]) if chosen.startswith("+") else self._open_view(chosen)

        hint = "type a name to keep this view, or choose one to open   Esc closes"
        self.pick("views", choices, done, hint, also)

    def action_save_view(self, name: str = "") -> None:
        """Keep this view under a name."""
        self._keep_view(name) if name else self.action_views()

    def action_delete_view(self, name: str = "") -> None:
        """Delete a saved view, once it was asked about."""
        if not name:
            self.pick(
                "delete a view", [Choice(each, each, "delete") for each in saved_views()], self._ask_delete
            )
            return
        self._ask_delete(name)

    def _ask_delete(self, name: str | None) -> None:
        if name is None:
            return

        def done(answer: str | None) -> None:
            if answer == "yes":
                self.say(f"deleted {clean(str(delete_view(name)), 200)}")

        choices = [Choice("yes", "delete it", letter="y"), Choice("no", "keep it", letter="n")]
        self.menu(f"delete the view {clean(name, 60)}?", choices, done)

    def _open_view(self, name: str) -> None:
        self.change_view(load_view(name))
        self.say(f"view {name} from {view_path(name)}")

    def _keep_view(self, name: str) -> None:
        self.say(f"kept as {save_view(name, self.view)}; the file can be shared")
