"""`labtop diff`: what differs between runs."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import click

from labtop.analysis.compare import Comparison, compare
from labtop.analysis.rows import Row
from labtop.analysis.values import Absence
from labtop.cli.opening import format_option, open_catalog, resolve_runs, store_option
from labtop.cli.output import is_ascii, write_data, write_json, write_text
from labtop.errors import UsageError
from labtop.model.as_json import plain
from labtop.views.export import Sheet
from labtop.views.text import clean


@click.command("diff")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN…")
@click.option(
    "--section",
    metavar="A,B",
    help="Only these: params, data, code, environment, hardware, randomness, metrics.",
)
@click.option("--all", "keep_equal", is_flag=True, help="Rows that are equal too.")
@click.option("--exit-code", "as_check", is_flag=True, help="Exit with 1 when anything differs.")
@store_option
@format_option
def diff_command(
    runs: tuple[str, ...],
    section: str | None,
    keep_equal: bool,
    as_check: bool,
    store: str | None,
    format_name: str,
) -> int:
    """Print what differs between two or more runs, and in how many things they differ."""
    with open_catalog(None, store) as catalog:
        run_ids = resolve_runs(catalog, runs)
        if len(run_ids) < 2:
            raise UsageError(
                "a diff needs two different runs", "name another one; list them with 'labtop ls'"
            )
        sections = section.split(",") if section else None
        comparison = compare([catalog.record(run_id) for run_id in run_ids], sections, keep_equal)
    if format_name == "json":
        write_json([_as_json(comparison)], "jsonl")
    elif format_name == "jsonl":
        write_json(map(_row_as_json, comparison.rows), format_name)
    elif format_name == "table":
        _write_table(comparison)
    else:
        write_data(_sheet(comparison), format_name)
    return 1 if as_check and comparison.differs else 0


def _write_table(comparison: Comparison) -> None:
    from labtop.cli.diff_table import diff_lines  # with rich's table

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    write_text(f"{clean(comparison.headline)}\n\n")
    for line in diff_lines(comparison, width, is_ascii(), is_terminal):
        write_text(f"{line}\n")


def _sheet(comparison: Comparison) -> Sheet:
    rows = [(row.section, row.key, *map(_value, row.values)) for row in comparison.rows]
    return Sheet(("section", "key", *comparison.run_ids), rows, "diff")


def _value(value: object) -> Any:
    return None if isinstance(value, Absence) else plain(value)


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "section": row.section,
        "key": row.key,
        "values": [_value(value) for value in row.values],
        "absent": [isinstance(value, Absence) for value in row.values],
        "differs": row.differs,
    }


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "runs": list(comparison.run_ids),
        "differs": comparison.differs,
        "summary": comparison.headline,
        "causes": [cause.name for cause in comparison.causes],
        "rows": [_row_as_json(row) for row in comparison.rows],
    }
