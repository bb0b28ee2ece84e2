"""What people call columns, and which column they mean by a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

from labtop.errors import UsageError
from labtop.model.columns import Column
from labtop.query.filter_names import names_of, spark_of
from labtop.query.request import SortKey

_SPARK = re.compile(r"\s*spark\s*\(\s*(.+?)\s*\)", re.IGNORECASE)


def titles(columns: Sequence[Column]) -> tuple[str, ...]:
    """What columns are called: their names, or their keys where two have the same name."""
    times = Counter(column.name for column in columns)
    return tuple(column.name if times[column.name] == 1 else column.key for column in columns)


def find_column(columns: Sequence[Column], name: str) -> Column:
    """The column a person means by a name: a parameter, then a metric, then a field; `max(val/acc)` too.

    Raises:
        UsageError: there is none, or several; those that are near are named.
    """
    names = names_of(columns)
    statistic, _, rest = name.partition("(")
    if rest.endswith(")"):
        name = f"{rest[:-1].strip()}.{statistic.strip().lower()}"
    found = names.candidates(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{name!r} may mean {', '.join(each.key for each in found)}", "write one of these")
    nearest = names.nearest(name)
    hint = f"nearest: {', '.join(nearest)}" if nearest else "see the columns with 'labtop ls --format json'"
    raise UsageError(f"no column {name!r}", hint)


def find_columns(columns: Sequence[Column], text: str) -> list[Column]:
    """Columns named in a list with commas, each once; `val/*` names many, `spark(loss)` the curve of a metric.

    A name that holds a comma is found too.
    """
    if any(column.name == text for column in columns):
        return [find_column(columns, text)]
    asked = [name.strip() for name in text.split(",") if name.strip()]
    return list(dict.fromkeys(each for name in asked for each in _named(columns, name)))


def _named(columns: Sequence[Column], name: str) -> Sequence[Column]:
    """The columns that a pattern fits, or the one that is meant. Raises as `find_column` does."""
    if any(column.name == name for column in columns):
        return [find_column(columns, name)]
    if curve := _SPARK.fullmatch(name):
        metrics = [column for column in columns if column.kind == "metric"]
        return [spark_of(each) for each in _named(metrics, curve[1])]
    if "*" not in name:
        return [find_column(columns, name)]
    found = [each for each in columns if fnmatchcase(each.name, name) or fnmatchcase(each.key, name)]
    if not found:
        raise UsageError(f"no column fits {name!r}", "see the columns with 'labtop ls --format json'")
    return found


def sort_keys(columns: Sequence[Column], names: Sequence[str]) -> tuple[SortKey, ...]:
    """Sort keys from `lr` and `-val/acc`; a name that itself begins with a minus is found too."""
    return tuple(_sort_key(columns, name) for name in names)


def _sort_key(columns: Sequence[Column], name: str) -> SortKey:
    if not name.startswith("-") or any(column.name == name for column in columns):
        return SortKey(find_column(columns, name).key)
    return SortKey(find_column(columns, name[1:]).key, descending=True)
