"""`labtop reproduce`: the commands that bring a run back, as a shell script."""

from __future__ import annotations

from pathlib import Path

import click

from labtop.cli.opening import open_catalog, store_option
from labtop.cli.output import write_text
from labtop.reproduce.environment import KINDS
from labtop.reproduce.plan import plan


@click.command("reproduce")
@click.argument("run", metavar="RUN")
@click.option("--env", "environment", type=click.Choice(KINDS), help="How to make the environment again.")
@store_option
def reproduce_command(run: str, environment: str | None, store: str | None) -> int:
    """Print a POSIX shell script that brings RUN back in a fresh folder, and above it what was found today.

    Nothing is executed: read it, then `labtop reproduce RUN | sh`.
    """
    with open_catalog(None, store) as catalog:
        run_id = catalog.resolve(run)
        found = plan(catalog.record(run_id), catalog.run_folder(run_id), Path.cwd(), environment)
        write_text(found.script())
    return 0
