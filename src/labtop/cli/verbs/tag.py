"""`labtop tag`: add or remove tags."""

from __future__ import annotations

import click

from labtop.cli.diagnostics import say
from labtop.cli.opening import open_catalog, resolve_runs, store_option
from labtop.errors import UsageError
from labtop.query.editing import edit_runs


@click.command("tag", context_settings={"ignore_unknown_options": True})
@click.argument("run", metavar="RUN")
@click.argument("tags", nargs=-1, required=True, metavar="TAG|-TAG…")
@store_option
def tag_command(run: str, tags: tuple[str, ...], store: str | None) -> int:
    """Add each TAG to RUN, and remove each -TAG."""
    payload = {
        "add": [tag.removeprefix("+") for tag in tags if not tag.startswith("-")],
        "remove": [tag[1:] for tag in tags if tag.startswith("-")],
    }
    if not all(all(names) for names in payload.values()):
        raise UsageError("a tag is empty", "write TAG to add it, -TAG to remove it")
    with open_catalog(None, store) as catalog:
        run_ids = resolve_runs(catalog, [run])
        edit_runs(catalog, run_ids, "tag", {key: names for key, names in payload.items() if names})
        say(f"tags of {run_ids[0]}: {', '.join(catalog.record(run_ids[0]).life.tags) or 'none'}")
    return 0
