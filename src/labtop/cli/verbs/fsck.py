"""`labtop fsck`: check every file of a store, and mend what can be mended."""

from __future__ import annotations

import click

from labtop.cli.diagnostics import progress, say
from labtop.cli.opening import format_option, store_option
from labtop.cli.output import write_sheet_as
from labtop.errors import InputError
from labtop.settings import Settings
from labtop.views.export import Sheet

COLUMNS = ("run", "kind", "file", "reason", "mended")


@click.command("fsck")
@click.argument("path", required=False)
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing is deleted, see quarantine/.")
@store_option
@format_option
def fsck_command(path: str | None, repair: bool, store: str | None, format_name: str) -> int:
    """Check every file of the store at PATH: checksums, kept files, logs, the numbers of the points, the ledger.

    Exits with 0 when all that was recorded is there and whole, with 1 when something is damaged, changed or missing.
    """
    from labtop.api import find_store
    from labtop.store.fsck import fsck

    place = find_store(path, Settings.load(store=store))
    try:
        with progress("checking runs") as advance:
            checked = fsck(place, repair=repair, on_progress=advance)
    except OSError as error:
        raise InputError(f"cannot check {place}: {error.strerror or error}") from error
    rows = [
        (each.run_id, each.kind, str(each.path.relative_to(place)), each.reason, each.mended or None)
        for each in checked.findings
    ]
    if rows or format_name != "table":
        write_sheet_as(Sheet(COLUMNS, rows, "fsck"), format_name)
    harm = sum(each.is_harmful for each in checked.findings)
    rest = len(rows) - harm
    words = f"{checked.runs} run{'s' if checked.runs != 1 else ''} checked: " + (
        f"{harm} damaged, changed or missing" if harm else "all is whole"
    )
    mended = sum(bool(each.mended) for each in checked.findings)
    say(words + (f"; {rest} harmless" if rest else "") + (f"; {mended} mended" if mended else ""))
    return 0 if checked.is_whole else 1
