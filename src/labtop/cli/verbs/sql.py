"""`labtop sql`: read-only DuckDB SQL over the views."""

from __future__ import annotations

import sys

import click

from labtop.cli.diagnostics import point_at, say_error
from labtop.cli.opening import Damage, exit_code, format_option, open_catalog, store_option
from labtop.cli.output import write_sheet_as
from labtop.errors import QueryError
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
    from labtop.api import Store

    text = sys.stdin.read() if query == "-" else query
    with open_catalog(path, store) as catalog:
        try:
            answer = Store(catalog).sql_answer(text)
        except QueryError as error:
            say_error(error)
            if error.position is not None:
                point_at(text, error.position)
            return error.exit_code
        write_sheet_as(
            Sheet(answer.columns, answer.rows, "result"), format_name, "name those you want in SELECT"
        )
        damage = Damage()
        for problem in answer.problems:
            if problem not in catalog.problems:  # those are said
                damage.note(problem)
        return damage.say() or exit_code(catalog)
