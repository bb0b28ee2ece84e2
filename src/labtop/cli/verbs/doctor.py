"""`labtop doctor`: what is captured here and what is not, the store, the terminal, versions and settings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labtop.cli.diagnostics import wrapped
from labtop.cli.doctor.line import MARKS, Line
from labtop.cli.opening import format_option, store_option
from labtop.cli.output import write_sheet_as, write_text
from labtop.errors import InputError, LabtopError, NoStoreError
from labtop.settings import Settings
from labtop.views.export import Sheet
from labtop.views.text import cell_width, clean

if TYPE_CHECKING:
    from labtop.query.locating import RunsFound


@click.command("doctor")
@click.argument("path", required=False)
@store_option
@format_option
def doctor_command(path: str | None, store: str | None, format_name: str) -> int:
    """Look at everything labtop depends on here, with advice where something is not well.

    PATH is a store, a folder with one below it, or logs of other trackers. Nothing is changed. Exits with 3 when PATH
    cannot be read.
    """
    settings, problem = _settings(store)
    lines = [*problem, *_lines(_place(path, settings), settings)]
    if format_name == "table":
        _write(lines)
    else:
        rows = [(each.section, each.what, each.state, each.found, each.advice or None) for each in lines]
        write_sheet_as(Sheet(("section", "what", "state", "found", "advice"), rows), format_name)
    return 0


def _settings(store: str | None) -> tuple[Settings, list[Line]]:
    """The settings; where they cannot be read, the defaults and a line that says so."""
    try:
        return Settings.load(store=store), []
    except LabtopError as error:
        line = Line("settings", "settings", "ill", error.message, error.hint or "mend the settings file")
        return Settings(store=store, origins={"store": "flag"} if store else {}), [line]


def _place(path: str | None, settings: Settings) -> RunsFound:
    """The runs at PATH, or where the first run would make a store.

    Raises:
        InputError: PATH is not there, or cannot be read.
    """
    from labtop.query.locating import RunsFound, find_runs
    from labtop.sources.finding import survey

    if path is not None:
        try:
            list(Path(path).iterdir()) if Path(path).is_dir() else Path(path).stat()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return find_runs(path, settings)
    except (NoStoreError, OSError):
        place = Path(path or settings.store or "runs").expanduser()
        seen = survey(place.resolve()) if path is not None else None
        return RunsFound(place, seen if seen and seen.problems else None)


def _lines(place: RunsFound, settings: Settings) -> list[Line]:
    from labtop.cli.doctor.capture import capture_lines
    from labtop.cli.doctor.configured import setting_lines
    from labtop.cli.doctor.logs import log_lines
    from labtop.cli.doctor.stores import store_lines
    from labtop.cli.doctor.terminals import terminal_lines
    from labtop.cli.doctor.versions import version_lines

    # where runs are only read, the next one is recorded into a store beside them
    store = place.path if place.seen is None else Path(settings.store or "runs").expanduser()
    return [
        *capture_lines(settings),
        *log_lines(place, settings),
        *store_lines(store, settings),
        *terminal_lines(),
        *version_lines(),
        *setting_lines(settings),
    ]


def _write_wrapped(text: str, indent: str) -> None:
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    write_text("\n".join(wrapped(text, room, indent)) + "\n")


def _write(lines: Sequence[Line]) -> None:
    """A section a heading, a line a thing with its mark, and the advice under it."""
    width = max((cell_width(clean(each.what)) for each in lines), default=0)
    section = ""
    for each in lines:
        if each.section != section:
            write_text(f"{chr(10) if section else ''}{each.section}\n")
            section = each.section
        what = clean(each.what)
        beside = " " * (width + 6)
        found = f"  {MARKS[each.state]} {what}{' ' * (width - cell_width(what))}  {clean(each.found)}"
        _write_wrapped(found, beside)
        if each.advice:
            _write_wrapped(f"{beside}> {clean(each.advice)}", f"{beside}  ")
    ill = sum(each.state == "ill" for each in lines)
    notes = sum(each.state == "note" for each in lines)
    write_text(f"\n{ill} not well, {notes} worth knowing, {len(lines) - ill - notes} well\n")
