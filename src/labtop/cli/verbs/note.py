"""`labtop note`: write a note on a run."""

from __future__ import annotations

import click

from labtop.cli.opening import open_catalog, resolve_runs, store_option
from labtop.query.editing import edit_runs


@click.command("note")
@click.argument("run", metavar="RUN")
@click.argument("text", metavar="TEXT")
@store_option
def note_command(run: str, text: str, store: str | None) -> int:
    """Make TEXT the note of RUN, in place of the one it had; all that were written stay in the ledger."""
    with open_catalog(None, store) as catalog:
        edit_runs(catalog, resolve_runs(catalog, [run]), "note", {"text": text})
    return 0
