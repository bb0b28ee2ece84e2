"""`labtop ls`: runs as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
from labtop.query.filter_hints import hidden_fields
from labtop.query.naming import find_columns, sort_keys
from labtop.views.export import Sheet, csv_cell
from labtop.views.glyphs import glyphs, locale_is_ascii
from labtop.views.listing import Listing, list_runs
from labtop.views.sheet import groups_sheet, runs_sheet
from labtop.views.table_columns import HiddenColumn
from labtop.views.text import clean

MOST_COLUMNS = 20
"""Of a table in a pipe, where nobody chose any: more are for programs, which ask for another format."""


@click.command("ls")
@click.argument("path", required=False)
@where_option
@sort_option
@click.option("--columns", metavar="A,B", help="These columns, in this order.")
@click.option(
    "--group-by", metavar="A,B", help="A line a group; 'seed': runs that are the same but for the seed."
)
@click.option("--limit", type=click.IntRange(0), metavar="N", help="At most N lines; what is cut is said.")
@click.option("--live", is_flag=True, help="Go on showing what changes, until Ctrl-C.")
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
    live: bool,
    archived: bool,
    store: str | None,
    format_name: str,
) -> int:
    """Print the runs at PATH: newest first, filtered by --where, sorted by --sort."""
    asked = Asked(path, store, where, sort, archived, columns, group_by, limit, format_name)
    if live:
        from labtop.cli.live_runs import follow_runs

        return follow_runs(asked)
    return print_runs(asked)


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


def print_runs(asked: Asked) -> int:
    """Print the runs at a path; also what the UI does where there is no terminal."""
    with open_catalog(asked.path, asked.store, lazily=True) as catalog:
        selection = asked.select(catalog)
        if asked.where and not selection.rows:
            for sentence in hidden_fields(asked.where, catalog.columns()):
                say(sentence)
        if asked.group_by is not None:
            sheet = groups_of(catalog, selection, asked)
            _say_cut(len(sheet.rows[: asked.limit]), len(sheet.rows), "groups")
            write_sheet_as(Sheet(sheet.columns, sheet.rows[: asked.limit], sheet.name), asked.format_name)
        else:
            _print_runs(catalog, selection, asked)
        return exit_code(catalog)


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


def _print_runs(catalog: Catalog, selection: Selection, asked: Asked) -> None:
    shown = Selection(selection.revision, selection.rows[: asked.limit], selection.total)
    _say_cut(len(shown), len(selection), "runs")
    if asked.format_name in ("json", "jsonl") and asked.columns is None:
        write_json(json_of(catalog, shown), asked.format_name)
    elif asked.format_name != "table":
        chosen = find_columns(catalog.columns(), asked.columns) if asked.columns else catalog.columns()
        write_sheet_as(runs_sheet(catalog, shown, chosen), asked.format_name)
    else:
        listing = listing_of(catalog, shown, asked)
        write_table(listing.titles, listing.rows, listing.right)
        say(how_many(listing, len(selection), selection.total))
        _say_left_out(listing)


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


def _say_left_out(listing: Listing) -> None:
    if listing.left_out:
        names = ", ".join(clean(each.name, 40) for each in listing.left_out[:5])
        more = ", …" if len(listing.left_out) > 5 else ""
        say(
            f"labtop: {len(listing.left_out)} columns are left out: {names}{more} — all of them: --columns '*'; "
            "for a program: --format csv or jsonl"
        )


def _constant(hidden: HiddenColumn) -> object:
    """The value that a column has in all runs; the marks of reproducibility as how many are good."""
    if hidden.column.key == "score":
        marks = str(hidden.value)
        return f"{marks.count('+')} of {len(marks)}"
    if isinstance(hidden.value, float):
        return f"{hidden.value:.6g}"
    return csv_cell(hidden.value)


def _say_cut(shown: int, found: int, noun: str) -> None:
    if shown < found:
        say(f"labtop: {shown} of {found} {noun} shown (--limit)")
