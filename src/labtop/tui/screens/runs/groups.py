"""Runs in groups: by columns, or the same but for the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.tui.choice import Choice
from labtop.tui.runs_view import SEED
from labtop.tui.screens.runs.columns import KINDS, RunsColumns
from labtop.tui.screens.runs.loading import Members
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.query.request import RunGroup


class RunsGroups(RunsColumns):
    """A group is a line; opened, it is a table of its runs."""

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
        self.session.current_run_id = None
        self.change_view(self.view, Members(group.rows, _group_title(group), place))


def _group_title(group: RunGroup) -> str:
    """What its runs have in common, shortly; what none of them has is named without a value."""
    facts = [
        (clean(key.rpartition(".")[2], 30), value) for key, value in zip(group.by_keys, group.by, strict=True)
    ]
    known = [f"{name} {clean(str(value), 30)}" for name, value in facts if value is not None]
    unknown = [name for name, value in facts if value is None]
    return ", ".join([*known, *([f"no {', '.join(unknown)}"] if unknown else [])]) or "one group"
