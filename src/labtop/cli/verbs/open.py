"""`labtop [PATH]`: the terminal UI; where there is no terminal for it, the table that `ls` prints."""

from __future__ import annotations

import gc
import os
import sys

import click

from labtop.cli.main import VERBS
from labtop.cli.opening import store_option
from labtop.errors import NoStoreError
from labtop.settings import Settings


@click.command("open", hidden=True, context_settings={"help_option_names": []})
@click.argument("path", required=False)
@store_option
def open_command(path: str | None, store: str | None) -> int:
    """Open the terminal UI on the runs at PATH."""
    from labtop.api import find_store

    settings = Settings.load(store=store)
    try:
        found = find_store(path, settings)
    except NoStoreError as error:
        raise _with_verbs(error, path) from error
    if not _has_terminal():
        from labtop.cli.verbs.ls import print_runs

        return print_runs(str(found), None)
    # what is imported for the first screen is no garbage, and looking for some takes a seventh of the start;
    # the app begins to look when it has painted
    gc.disable()
    try:
        from labtop.tui.app import run

        return run(found, settings)
    finally:
        gc.enable()


def _has_terminal() -> bool:
    terminals = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws to stderr
    return all(each.isatty() for each in terminals) and os.environ.get("TERM", "dumb") not in ("dumb", "")


def _with_verbs(error: NoStoreError, path: str | None) -> NoStoreError:
    """The error, with the verb that a mistyped word comes near to."""
    import difflib

    near = difflib.get_close_matches(path or "", VERBS, 1)
    return NoStoreError(error.message, f"did you mean 'labtop {near[0]}'?") if near else error
