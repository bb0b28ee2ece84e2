"""`labtop rename`: give a run another name."""

from __future__ import annotations

import click

from labtop.cli.opening import open_catalog, resolve_runs, store_option
from labtop.errors import UsageError
from labtop.query.editing import edit_runs


@click.command("rename")
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="NAME")
@store_option
def rename_command(run: str, name: str, store: str | None) -> int:
    """Call RUN by NAME from now on; its id stays."""
    if not name.strip():
        raise UsageError("a name cannot be empty", "give the run a word to be found by")
    with open_catalog(None, store) as catalog:
        edit_runs(catalog, resolve_runs(catalog, [run]), "rename", {"name": name})
    return 0
