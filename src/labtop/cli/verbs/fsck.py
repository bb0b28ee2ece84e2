"""`labtop fsck`: check every file of a store, and mend what can be mended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labtop.cli.diagnostics import progress, say
from labtop.cli.opening import format_option, only_store_option
from labtop.cli.output import write_sheet_as
from labtop.errors import InputError
from labtop.settings import Settings
from labtop.views.export import Sheet

if TYPE_CHECKING:
    from labtop.store.checking import Finding

COLUMNS = ("run", "kind", "file", "reason", "mended")
_TABLE = ("run", "kind", "reason", "file", "mended")


@click.command("fsck")
@click.argument("path", required=False)
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing is deleted, see quarantine/.")
@only_store_option
@format_option
def fsck_command(path: str | None, repair: bool, store: str | None, format_name: str) -> int:
    """Check every file of the store at PATH: checksums, kept files, logs, the numbers of the points, the ledger.

    Exits with 0 when all that was recorded is there and whole, with 1 when something is damaged, changed or missing.
    """
    from labtop.query.locating import find_store
    from labtop.store.fsck import fsck

    place = find_store(path, Settings.load(store=store))
    try:
        with progress("checking runs") as advance:
            checked = fsck(place, repair=repair, on_progress=advance)
    except OSError as error:
        raise InputError(f"cannot check {place}: {error.strerror or error}") from error
    sheet = (_for_people if format_name == "table" else _exact)(checked.findings, place)
    if sheet.rows or format_name != "table":
        write_sheet_as(sheet, format_name)
    harm = sum(each.is_harmful for each in checked.findings)
    rest = len(checked.findings) - harm
    words = f"{checked.runs} run{'s' if checked.runs != 1 else ''} checked: " + (
        f"{harm} damaged, changed or missing" if harm else "all is whole"
    )
    mended = sum(bool(each.mended) for each in checked.findings)
    say(words + (f"; {rest} harmless" if rest else "") + (f"; {mended} mended" if mended else ""))
    return 0 if checked.is_whole else 1


def _exact(findings: Sequence[Finding], place: Path) -> Sheet:
    rows = [
        (each.run_id, each.kind, str(each.path.relative_to(place)), each.reason, each.mended or None)
        for each in findings
    ]
    return Sheet(COLUMNS, rows, "fsck")


def _for_people(findings: Sequence[Finding], place: Path) -> Sheet:
    """What is wrong before where: a narrow terminal cuts at the right. Files are told from the run's folder on."""
    columns = _TABLE if any(each.mended for each in findings) else _TABLE[:-1]
    rows = [
        (each.run_id, each.kind, each.reason, _within(each, place), each.mended or "")[: len(columns)]
        for each in findings
    ]
    return Sheet(columns, rows, "fsck")


def _within(finding: Finding, place: Path) -> str:
    parts = finding.path.relative_to(place).parts
    at = parts.index(finding.run_id) + 1 if finding.run_id in parts else 0
    return "/".join(parts[at:]) or "."
