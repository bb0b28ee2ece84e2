"""The condition in the filter language that holds for runs with one cell's value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from labtop.model.columns import Column
from labtop.query.filter_names import can_be_bare, names_of


def condition_for(column: Column, value: Any, columns: Sequence[Column], negate: bool = False) -> str:
    """A condition that the runs with `value` in `column` fulfil, or with `negate` all others do."""
    name = filter_name(column, columns)
    if value is None:
        return f"{name} is not null" if negate else f"{name} is null"
    if isinstance(value, list | tuple):
        has = " and ".join(f"{name} has {_quoted(str(each))}" for each in value) or f"{name} is null"
        return f"not ({has})" if negate else has
    comparison = "!=" if negate else "="
    condition = f"{name} {comparison} {_literal(value)}"
    # what has no value is not equal either, which a plain != would leave out
    return f"({condition} or {name} is null)" if negate else condition


def filter_name(column: Column, columns: Sequence[Column]) -> str:
    """How a filter names a column: bare where that means this one, else forced by its kind; quoted where needed."""
    found = names_of(columns).candidates(column.name)
    name = column.name if len(found) == 1 and found[0].key == column.key else column.key
    return name if can_be_bare(name) else '"' + name.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, int | float):
        return repr(value)
    return _quoted(value.isoformat(" ") if isinstance(value, datetime) else str(value))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
