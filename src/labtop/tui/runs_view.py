"""How the Runs screen shows a store, as a value, and the changes that keys make to it.

Every change gives a new view, so undo is a stack of them and a saved view is one of them in a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

SEED = "seed"
"""In `group`: runs that are the same but for the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsView:
    """Filter, order, columns and grouping. Columns are keys as in model/columns.py."""

    where: str = ""
    sort: tuple[str, ...] = ()  # "-" before a key for descending
    columns: tuple[str, ...] = ()  # chosen columns in their order; empty: labtop chooses
    hidden: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    group: tuple[str, ...] = ()  # columns to group by, or (SEED,)
    show_constant: bool = False
    archived: bool = False

    @classmethod
    def from_json(cls, values: object) -> RunsView:
        """A view from JSON that anyone may have written: what does not fit is left out."""
        if not isinstance(values, Mapping):
            return cls()
        kept: dict[str, Any] = {}
        for each in fields(cls):
            value, default = values.get(each.name), getattr(_DEFAULT, each.name)
            if isinstance(default, tuple) and isinstance(value, list):
                kept[each.name] = tuple(item for item in value if isinstance(item, str))
            elif isinstance(default, Mapping) and isinstance(value, Mapping):
                kept[each.name] = {str(key): item for key, item in value.items() if type(item) is int}
            elif type(value) is type(default):
                kept[each.name] = value
        return cls(**kept)

    def sorted_by(self, key: str, add: bool = False, descending: bool = False) -> RunsView:
        """Sort by a column in a direction, and in the other when it is sorted so already; `add`: by it too."""
        now = self.is_descending(key)
        is_descending = descending if now is None else not now
        sign = "-" if is_descending else ""
        rest = tuple(each for each in self.sort if each.removeprefix("-") != key) if add else ()
        return replace(self, sort=(*rest, sign + key))

    def narrowed_to(self, condition: str) -> RunsView:
        """The filter and one more condition."""
        both = (
            f"({self.where}) and {condition}"
            if _needs_brackets(self.where)
            else f"{self.where} and {condition}"
        )
        return replace(self, where=both if self.where.strip() else condition)

    def without_column(self, key: str, shown: Sequence[str]) -> RunsView:
        """The columns shown, less one."""
        if self.columns:
            return replace(self, columns=tuple(each for each in self.columns if each != key))
        return replace(self, hidden=tuple(dict.fromkeys((*self.hidden, key))))

    def with_width(self, key: str, width: int) -> RunsView:
        """One column as wide as asked, at least 3 cells."""
        return replace(self, widths={**self.widths, key: max(3, min(width, 200))})

    def with_moved(self, key: str, step: int, shown: Sequence[str]) -> RunsView:
        """One column moved by a place; from then on the columns are chosen ones."""
        order = list(shown)
        at = order.index(key)
        to = max(0, min(len(order) - 1, at + step))
        order.insert(to, order.pop(at))
        return replace(self, columns=tuple(order), hidden=())

    def is_descending(self, key: str) -> bool | None:
        """How a column is sorted; None when it is not."""
        return next((each.startswith("-") for each in self.sort if each.removeprefix("-") == key), None)


_DEFAULT = RunsView()


def _needs_brackets(where: str) -> bool:
    return " or " in where.lower()


class UndoStack:
    """The views that were, and those that were taken back."""

    def __init__(self) -> None:
        self._past: list[RunsView] = []
        self._future: list[RunsView] = []

    def push(self, view: RunsView) -> None:
        """Remember a view that is about to change."""
        self._past = [*self._past[-99:], view]
        self._future.clear()

    def undo(self, view: RunsView) -> RunsView | None:
        """The view before this one."""
        if not self._past:
            return None
        self._future.append(view)
        return self._past.pop()

    def redo(self, view: RunsView) -> RunsView | None:
        """The view that was taken back last."""
        if not self._future:
            return None
        self._past.append(view)
        return self._future.pop()
