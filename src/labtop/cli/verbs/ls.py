"""`labtop ls`: runs as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from labtop.cli.diagnostics import say
from labtop.cli.opening import (
    archived_option,
    exit_code,
    format_option,
    open_catalog,
    sort_option,
    store_option,
    where_option,
)
from labtop.cli.output import write_json, write_sheet_as, write_table
from labtop.model.as_json import run_as_json
from labtop.query.catalog import Catalog, Selection, TableQuery
from labtop.query.naming import find_columns, sort_keys
from labtop.views.export import Sheet, csv_cell
from labtop.views.glyphs import glyphs, locale_is_ascii
from labtop.views.listing import Listing, list_runs
from labtop.views.sheet import groups_sheet, runs_sheet


@click.command("ls")
@click.argument("path", required=False)
@where_option
@sort_option
@click.option("--columns", metavar="A,B", help="These columns, in this order.")
@click.option(
    "--group-by", metavar="A,B", help="A line a group; 'seed': runs that are the same but for the seed."
)
@click.option("--limit", type=click.IntRange(0), metavar="N", help="At most N lines; what is cut is said.")
@archived_option
@store_option
@format_option
def ls_command(
    path: str | None,
    where: str,
    sort: tuple[str, ...],
    columns: str | None,
    group_by: str | None,
    limit: int | None,
    archived: bool,
    store: str | None,
    format_name: str,
) -> int:
    """Print the runs at PATH: newest first, filtered by --where, sorted by --sort."""
    return print_runs(path, store, where, sort, archived, columns, group_by, limit, format_name)


def json_of(catalog: Catalog, selection: Selection) -> Iterator[dict[str, Any]]:
    """The contract's JSON object of each run."""
    return map(run_as_json, catalog.records(catalog.ids(selection.rows)))


def print_runs(
    path: str | None,
    store: str | None,
    where: str = "",
    sort: tuple[str, ...] = (),
    archived: bool = False,
    columns: str | None = None,
    group_by: str | None = None,
    limit: int | None = None,
    format_name: str = "table",
) -> int:
    """Print the runs at a path; also what the UI does where there is no terminal."""
    with open_catalog(path, store) as catalog:
        selection = catalog.select(TableQuery(where, sort_keys(catalog.columns(), sort), archived))
        if group_by is not None:
            _print_groups(catalog, selection, group_by, columns, limit, format_name)
        else:
            _print_runs(catalog, selection, columns, limit, format_name)
        return exit_code(catalog)


def _print_groups(
    catalog: Catalog,
    selection: Selection,
    group_by: str,
    columns: str | None,
    limit: int | None,
    format_name: str,
) -> None:
    by = None if group_by == "seed" else find_columns(catalog.columns(), group_by)
    chosen = find_columns(catalog.columns(), columns) if columns else catalog.columns()
    metrics = [column for column in chosen if column.kind == "metric"]
    sheet = groups_sheet(catalog, selection, by, metrics)
    rows = sheet.rows[:limit]
    _say_cut(len(rows), len(sheet.rows), "groups")
    write_sheet_as(Sheet(sheet.columns, rows, sheet.name), format_name)


def _print_runs(
    catalog: Catalog, selection: Selection, columns: str | None, limit: int | None, format_name: str
) -> None:
    chosen = find_columns(catalog.columns(), columns) if columns else None
    shown = Selection(selection.revision, selection.rows[:limit], selection.total)
    _say_cut(len(shown), len(selection), "runs")
    if format_name in ("json", "jsonl") and chosen is None:
        write_json(json_of(catalog, shown), format_name)
    elif format_name != "table":
        write_sheet_as(runs_sheet(catalog, shown, chosen or catalog.columns()), format_name)
    else:
        listing = list_runs(catalog, shown, chosen, glyphs(locale_is_ascii()))
        write_table(listing.titles, listing.rows, listing.right)
        _say_hidden(listing, len(selection), selection.total)


def _say_hidden(listing: Listing, count: int, total: int) -> None:
    words = f"{count} of {total} runs" if count != total else f"{total} run{'s' * (total != 1)}"
    if listing.hidden:
        same = ", ".join(
            f"{each.column.name}={csv_cell(each.value)}"
            for each in listing.hidden
            if each.value not in (None, "", [])
        )
        many = len(listing.hidden)
        words += f"; {many} columns do not vary" if many > 1 else "; 1 column does not vary"
        words += f": {same}" if same else ""
    say(words)


def _say_cut(shown: int, found: int, noun: str) -> None:
    if shown < found:
        say(f"labtop: {shown} of {found} {noun} shown (--limit)")
