"""`labtop sql`: read-only DuckDB SQL over the views."""

from __future__ import annotations

import sys

import click

from labtop.cli.opening import format_option, store_option
from labtop.cli.output import write_sheet_as
from labtop.settings import Settings
from labtop.views.export import Sheet


@click.command("sql")
@click.argument("query", metavar="SELECT…")
@click.argument("path", required=False)
@store_option
@format_option
def sql_command(query: str, path: str | None, store: str | None, format_name: str) -> int:
    """Run one read-only SELECT over the views runs, params, metrics, summary, packages, data, artifacts, events.

    A query of `-` is read from standard input.
    """
    from labtop.api import open as open_store

    with open_store(path or store, settings=Settings.load(store=store)) as opened:
        columns, rows = opened.sql_rows(sys.stdin.read() if query == "-" else query)
        write_sheet_as(Sheet(tuple(columns), rows, "result"), format_name)
    return 0
