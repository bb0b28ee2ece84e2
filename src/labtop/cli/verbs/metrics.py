"""`labtop metrics`: the points of runs."""

from __future__ import annotations

import click

from labtop.cli.opening import exit_code, format_option, open_catalog, resolve_runs, store_option
from labtop.cli.output import write_sheet_as
from labtop.views.points import points_sheet


@click.command("metrics")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--name", "names", multiple=True, metavar="GLOB", help="Only these metrics; repeatable.")
@store_option
@format_option
def metrics_command(
    runs: tuple[str, ...], names: tuple[str, ...], store: str | None, format_name: str
) -> int:
    """Print the points of RUN…: run_id, name, step, time, value, by run, name and step."""
    with open_catalog(None, store) as catalog:
        write_sheet_as(points_sheet(catalog, resolve_runs(catalog, runs), names or None), format_name)
        return exit_code(catalog)
