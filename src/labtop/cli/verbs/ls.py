"""`labtop ls`: runs as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

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
from labtop.views.sheet import find_columns, groups_sheet, runs_sheet, sort_keys


@click.command("ls")
@click.argument("path", required=False)
@where_option
@sort_option
@click.option("--columns", metavar="A,B", help="These columns, in this order.")
@click.option("--group-by", metavar="A,B", help="A line a group; 'seed': runs that are the same but for the seed.")
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
