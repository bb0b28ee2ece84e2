"""`labtop views`: the SQL views as plain statements for the bare duckdb shell."""

from __future__ import annotations

import sys

import click

from labtop.cli.opening import store_option
from labtop.cli.output import write_text
from labtop.views.text import clean


@click.command("views")
@click.argument("path", required=False)
@store_option
def views_command(path: str | None, store: str | None) -> int:
    """Print CREATE VIEW statements over the store at PATH: `labtop views runs | duckdb -interactive`."""
    from labtop.api import views

    statements = views(path or store)
    # names of runs stand in them: a pipe gets them exactly, a terminal must not obey them
    write_text(clean(statements, newline="\n") if sys.stdout.isatty() else statements)
    return 0
