"""`labtop sync`: bring runs from a spool to the store they belong to."""

from __future__ import annotations

from pathlib import Path

import click

from labtop.cli.diagnostics import say
from labtop.cli.opening import format_option
from labtop.cli.output import write_sheet_as
from labtop.settings import Settings, spool_folder
from labtop.views.export import Sheet

COLUMNS = ("run", "name", "project", "state", "files", "bytes", "store", "problems")


@click.command("sync")
@click.argument("spool", required=False)
@click.option("--to", metavar="STORE", help="This store, instead of the one each run belongs to.")
@click.option("--keep", is_flag=True, help="Leave runs in the spool that are in their store now.")
@format_option
def sync_command(spool: str | None, to: str | None, keep: bool, format_name: str) -> int:
    """Bring runs that were recorded offline from SPOOL to their store; by default from the setting 'spool'.

    Each copy is proven by its checksum before a run leaves the spool. A run that goes on is brought as far as it is;
    sync again later.
    """
    from labtop.store.syncing import sync_spool

    place = Path(spool).expanduser().absolute() if spool else spool_folder(Settings.load())
    if spool is None and not place.exists():
        say(f"nothing waits in {place}")
        return 0
    target = Path(to).expanduser().absolute() if to else None
    done = list(sync_spool(place, target, keep=keep))
    rows = [
        (
            each.run_id, each.name, each.project, each.state, each.files, each.bytes,
            str(each.store) if each.store else None, "; ".join(each.problems),
        )
        for each in done
    ]  # fmt: skip
    if rows or format_name != "table":
        write_sheet_as(Sheet(COLUMNS, rows, "sync"), format_name)
    states = [each.state for each in done]
    words = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    say(f"{words}; from {place}" if words else f"nothing waits in {place}")
    return 3 if "failed" in states else 0
