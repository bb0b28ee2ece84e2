"""Opens the terminal UI, or prints the table of `ls` where there is no terminal for it. Does without click."""

from __future__ import annotations

import gc
import os
import sys

from labtop.settings import Settings


def open_screen(path: str | None, store: str | None) -> int:
    """Open the UI on the runs at a path, or on those that are found without one. Raises NoStoreError."""
    from labtop.cli.diagnostics import looking
    from labtop.query.locating import find_runs

    settings = Settings.load(store=store)
    with looking() as on_progress:
        found = find_runs(path, settings, on_progress)
    if not _has_terminal():
        from labtop.cli.asked_runs import Asked
        from labtop.cli.verbs.ls import print_runs

        return print_runs(Asked(str(found.path), None))
    # what is imported for the first screen is no garbage, and looking for some takes a seventh of the start;
    # the app begins to look when it has painted
    gc.disable()
    try:
        from labtop.tui.app import run

        return run(found.path, settings, found.seen)
    finally:
        gc.enable()


def _has_terminal() -> bool:
    terminals = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws to stderr
    return all(each.isatty() for each in terminals) and os.environ.get("TERM", "dumb") not in ("dumb", "")
