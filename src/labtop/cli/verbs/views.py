"""`labtop views`: the SQL views as plain statements for the bare duckdb shell."""

from __future__ import annotations

import sys

import click

from labtop.cli.opening import Damage, exit_code, open_catalog, store_option
from labtop.cli.output import write_text
from labtop.views.text import clean


@click.command("views")
@click.argument("path", required=False)
@store_option
def views_command(path: str | None, store: str | None) -> int:
    """Print CREATE VIEW statements over the store at PATH: `labtop views runs | duckdb -interactive`."""
    from labtop.query.sql_source import store_files
    from labtop.query.sql_text import views_text

    with open_catalog(path, store) as catalog:
        files = store_files(catalog)
        statements = views_text(files)
        # names of runs stand in them: a pipe gets them exactly, a terminal must not obey them
        write_text(clean(statements, newline="\n") if sys.stdout.isatty() else statements)
        damage = Damage()
        for problem in files.metrics.problems:
            damage.note(problem)
        return damage.say() or exit_code(catalog)
