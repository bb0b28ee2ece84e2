"""The runs that a line of `labtop ls` asks for, and what is told of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labtop.model.as_json import run_as_json
from labtop.query.catalog import Catalog, Selection, TableQuery
from labtop.query.naming import find_columns, sort_keys
from labtop.views.export import Sheet, csv_cell
from labtop.views.glyphs import glyphs, locale_is_ascii
from labtop.views.listing import Listing, list_runs
from labtop.views.sheet import groups_sheet
from labtop.views.table_columns import HiddenColumn

MOST_COLUMNS = 20
"""Of a table in a pipe, where nobody chose any: more are for programs, which ask for another format."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The line, as it was given."""

    path: str | None
    store: str | None
    where: str = ""
    sort: tuple[str, ...] = ()
    archived: bool = False
    columns: str | None = None
    group_by: str | None = None
    limit: int | None = None
    format_name: str = "table"

    def select(self, catalog: Catalog) -> Selection:
        """The runs that are asked for, now."""
        return catalog.select(TableQuery(self.where, sort_keys(catalog.columns(), self.sort), self.archived))


def json_of(catalog: Catalog, selection: Selection) -> Iterator[dict[str, Any]]:
    """The contract's JSON object of each run."""
    return map(run_as_json, catalog.records(catalog.ids(selection.rows)))


def groups_of(catalog: Catalog, selection: Selection, asked: Asked) -> Sheet:
    """A line a group."""
    by = None if asked.group_by == "seed" else find_columns(catalog.columns(), asked.group_by or "")
    chosen = find_columns(catalog.columns(), asked.columns) if asked.columns else catalog.columns()
    metrics = [column for column in chosen if column.kind == "metric"]
    return groups_sheet(catalog, selection, by, metrics)


def listing_of(catalog: Catalog, selection: Selection, asked: Asked) -> Listing:
    """A line a run, for people."""
    chosen = find_columns(catalog.columns(), asked.columns) if asked.columns else None
    most = None if sys.stdout.isatty() else MOST_COLUMNS
    return list_runs(catalog, selection, chosen, glyphs(locale_is_ascii()), most)


def how_many(listing: Listing, count: int, total: int) -> str:
    """How many runs there are, and what is the same in all of them."""
    words = f"{count} of {total} runs" if count != total else f"{total} run{'s' * (total != 1)}"
    if count and listing.hidden:
        same = ", ".join(
            f"{each.column.name}={_constant(each)}"
            for each in listing.hidden
            if each.value not in (None, "", [])
        )
        many = len(listing.hidden)
        words += f"; {many} columns do not vary" if many > 1 else "; 1 column does not vary"
        words += f": {same}" if same else ""
    return words


def _constant(hidden: HiddenColumn) -> object:
    """The value that a column has in all runs; the marks of reproducibility as how many are good."""
    if hidden.column.key == "score":
        marks = str(hidden.value)
        return f"{marks.count('+')} of {len(marks)}"
    if isinstance(hidden.value, float):
        return f"{hidden.value:.6g}"
    return csv_cell(hidden.value)
