"""The run table as a sheet: the same columns, names and order for `ls`, `export` and Python frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from labtop.errors import UsageError
from labtop.model.columns import Column
from labtop.query.catalog import Catalog, Selection, SortKey
from labtop.query.filter_names import names_of
from labtop.views.export import Sheet


def runs_sheet(catalog: Catalog, selection: Selection, columns: Sequence[Column]) -> Sheet:
    """A row a run, with the full values of some columns."""
    rows = catalog.cells(selection.rows, [column.key for column in columns])
    return Sheet(titles(columns), rows, "runs")


def groups_sheet(
    catalog: Catalog, selection: Selection, by: Sequence[Column] | None, metrics: Sequence[Column]
) -> Sheet:
    """A row a group: the values grouped by, how many runs, and mean, std and n of each metric.

    Without `by`, runs are grouped that are the same but for the seed.
    """
    keys = "seed" if by is None else [column.key for column in by]
    groups = catalog.group(selection, keys, [metric.key for metric in metrics])
    by_keys = groups[0].by_keys if groups else ()
    known = {column.key: column for column in catalog.columns()}
    names = titles([known[key] for key in by_keys if key in known])
    header = [*names, "runs"]
    for title in titles(metrics):
        header += [title, f"{title} std", f"{title} n"]
    rows: list[tuple[Any, ...]] = []
    for group in groups:
        cells: list[Any] = [*group.by, group.n]
        for metric in metrics:
            value = group.values[metric.key]
            cells += [value.mean, value.std, value.n]
        rows.append(tuple(cells))
    return Sheet(tuple(header), rows, "groups")


def titles(columns: Sequence[Column]) -> tuple[str, ...]:
    """What columns are called: their names, or their keys where two have the same name."""
    times = Counter(column.name for column in columns)
    return tuple(column.name if times[column.name] == 1 else column.key for column in columns)


def find_column(catalog: Catalog, name: str) -> Column:
    """The column a person means by a name: a parameter, then a metric, then a field; `max(val/acc)` too."""
    names = names_of(catalog.columns())
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


def find_columns(catalog: Catalog, text: str) -> list[Column]:
    """Columns named in a list with commas; a name that holds one is found too."""
    if any(column.name == text for column in catalog.columns()):
        return [find_column(catalog, text)]
    return [find_column(catalog, name.strip()) for name in text.split(",") if name.strip()]


def sort_keys(catalog: Catalog, names: Sequence[str]) -> tuple[SortKey, ...]:
    """Sort keys from `lr` and `-val/acc`."""
    return tuple(
        SortKey(find_column(catalog, name.removeprefix("-")).key, name.startswith("-")) for name in names
    )
