"""`labtop views`: the SQL views as plain statements for the bare duckdb shell."""

from __future__ import annotations

import click

from labtop.cli.opening import store_option
from labtop.cli.output import write_text


@click.command("views")
@click.argument("path", required=False)
@store_option
def views_command(path: str | None, store: str | None) -> int:
    """Print CREATE VIEW statements over the store at PATH: `labtop views runs | duckdb -interactive`."""
    from labtop.api import views

    write_text(views(path or store))
    return 0
