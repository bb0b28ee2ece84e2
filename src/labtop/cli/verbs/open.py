"""`labtop [PATH]`: the terminal UI; where there is no terminal for it, the table that `ls` prints."""

from __future__ import annotations

import click

from labtop.cli.main import VERBS
from labtop.cli.opening import store_option
from labtop.cli.screen import open_screen
from labtop.errors import NoStoreError


@click.command("open", hidden=True, context_settings={"help_option_names": []})
@click.argument("path", required=False)
@store_option
def open_command(path: str | None, store: str | None) -> int:
    """Open the terminal UI on the runs at PATH."""
    try:
        return open_screen(path, store)
    except NoStoreError as error:
        raise _with_verbs(error, path) from error


def _with_verbs(error: NoStoreError, path: str | None) -> NoStoreError:
    """The error, with the verb that a mistyped word comes near to."""
    import difflib

    near = difflib.get_close_matches(path or "", VERBS, 1)
    return NoStoreError(error.message, f"did you mean 'labtop {near[0]}'?") if near else error
