"""`labtop archive`: leave runs out of the table, or bring them back."""

from __future__ import annotations

import click

from labtop.cli.diagnostics import say
from labtop.cli.opening import open_catalog, resolve_runs, store_option
from labtop.query.editing import edit_runs


@click.command("archive")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--undo", is_flag=True, help="Bring them back.")
@store_option
def archive_command(runs: tuple[str, ...], undo: bool, store: str | None) -> int:
    """Leave RUN… out of tables unless --archived is given; nothing is deleted."""
    with open_catalog(None, store) as catalog:
        run_ids = resolve_runs(catalog, runs)
        edit_runs(catalog, run_ids, "archive", {"archived": not undo})
        say(f"{len(run_ids)} {'brought back' if undo else 'archived'}")
    return 0
