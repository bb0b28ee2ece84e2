"""`labtop metrics`: the points of runs."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import click

from labtop.cli.diagnostics import say
from labtop.cli.opening import Damage, exit_code, format_option, open_catalog, resolve_runs, store_option
from labtop.cli.output import write_sheet_as
from labtop.query.catalog import Catalog
from labtop.store.writers import read_writers
from labtop.views.points import points_sheet

_NAMED = 8  # metrics that are named where none fits


@click.command("metrics")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--name", "names", multiple=True, metavar="GLOB", help="Only these metrics; repeatable.")
@click.option(
    "--ranks",
    default="0",
    show_default=True,
    metavar="0|N|mean|min|max|all",
    help="Whose points, where several processes logged a metric.",
)
@click.option(
    "--own", is_flag=True, help="Of a forked run only its own points, not its parent's before the fork."
)
@store_option
@format_option
def metrics_command(
    runs: tuple[str, ...], names: tuple[str, ...], ranks: str, own: bool, store: str | None, format_name: str
) -> int:
    """Print the points of RUN…: run_id, name, step, time, value, by run, name and step.

    Where several processes logged a metric these are the points of rank 0 (or of the lowest rank that logged it);
    --ranks chooses another rank, or the mean, min or max over the ranks at each step; all adds a column rank.
    """
    with open_catalog(None, store) as catalog:
        run_ids = resolve_runs(catalog, runs)
        damage = Damage()
        sheet = points_sheet(catalog, run_ids, names or None, ranks.strip().lower(), own, damage.note)
        write_sheet_as(sheet, format_name)
        _tell_unmatched(catalog, run_ids, names)
        tell_ranks(catalog, run_ids, ranks)
        return exit_code(catalog) or damage.say()


def _tell_unmatched(catalog: Catalog, run_ids: Sequence[str], globs: Sequence[str]) -> None:
    """Say on stderr which globs fit no metric, and what there is."""
    logged = list(dict.fromkeys(name for run_id in run_ids for name in catalog.record(run_id).metrics))
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in logged):
            there = ", ".join(logged[:_NAMED]) + (", …" if len(logged) > _NAMED else "")
            say(
                f"labtop: no metric fits {glob!r}; "
                + (f"logged were {there}" if logged else "none was logged")
            )


def tell_ranks(catalog: Catalog, run_ids: Sequence[str], ranks: str) -> None:
    """Say on stderr which of several processes were shown: an answer that leaves something out says so."""
    for run_id in run_ids:
        folder = catalog.run_folder(run_id)
        writers = read_writers(folder) if folder else ()
        count = len({each.rank or 0 for each in writers if each.role == "rank"})
        if count > 1 and ranks != "all":
            shown = f"rank {ranks}" if ranks.isdecimal() else f"{ranks} over the ranks"
            say(f"{run_id}: {shown} of {count}; --ranks all for every rank")
