"""`labtop ls`: runs as a table."""

from __future__ import annotations

import click

from labtop.cli.asked_runs import Asked, groups_of, how_many, json_of, listing_of
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
from labtop.cli.text_table import TextTable
from labtop.query.catalog import Catalog, Selection
from labtop.query.naming import find_columns
from labtop.views.export import Sheet
from labtop.views.listing import MOST_WITH_CURVES, Listing
from labtop.views.sheet import runs_sheet
from labtop.views.text import clean


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


def print_runs(asked: Asked) -> int:
    """Print the runs at a path; also what the UI does where there is no terminal."""
    with open_catalog(asked.path, asked.store, lazily=True) as catalog:
        selection = asked.select(catalog)
        if asked.where and not selection.rows:
            from labtop.query.filter_hints import hidden_fields

            for sentence in hidden_fields(asked.where, catalog.columns()):
                say(sentence)
        if asked.group_by is not None:
            sheet = groups_of(catalog, selection, asked)
            _say_cut(len(sheet.rows[: asked.limit]), len(sheet.rows), "groups")
            write_sheet_as(Sheet(sheet.columns, sheet.rows[: asked.limit], sheet.name), asked.format_name)
        else:
            _print_runs(catalog, selection, asked)
        return exit_code(catalog)


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
        write_table(TextTable(listing.titles, listing.rows, listing.right), "choose with --columns")
        say(how_many(listing, len(selection), selection.total))
        _say_left_out(listing)


def _say_left_out(listing: Listing) -> None:
    if listing.lacks_curves:
        say(
            f"labtop: curves are drawn of up to {MOST_WITH_CURVES} runs — with --limit {MOST_WITH_CURVES}, or of "
            "chosen metrics: --columns 'id,name,spark(METRIC)'"
        )
    if listing.left_out:
        names = ", ".join(clean(each.name, 40) for each in listing.left_out[:5])
        more = ", …" if len(listing.left_out) > 5 else ""
        say(
            f"labtop: {len(listing.left_out)} columns are left out: {names}{more} — all of them: --columns '*'; "
            "for a program: --format csv or jsonl"
        )


def _say_cut(shown: int, found: int, noun: str) -> None:
    if shown < found:
        say(f"labtop: {shown} of {found} {noun} shown (--limit)")
