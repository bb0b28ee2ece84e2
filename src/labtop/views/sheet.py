"""The run table as a sheet: the same columns, names and order for `ls`, `export` and Python frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labtop.model.columns import Column
from labtop.query.catalog import Catalog, Selection
from labtop.query.naming import titles
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
