"""`labtop diff`: what differs between runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from labtop.analysis.compare import Comparison, compare
from labtop.analysis.rows import Row
from labtop.analysis.values import Absence, text_of
from labtop.cli.opening import format_option, open_catalog, resolve_runs, store_option
from labtop.cli.output import write_json, write_sheet_as, write_text
from labtop.errors import UsageError
from labtop.model.as_json import plain
from labtop.views.export import Sheet
from labtop.views.text import clean


@click.command("diff")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN…")
@click.option(
    "--section", metavar="A,B", help="Only these: params,data,code,environment,hardware,randomness,metrics."
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
    else:
        if format_name == "table":
            write_text(f"{clean(comparison.headline)}\n\n")
        write_sheet_as(_sheet(comparison, format_name == "table"), format_name)
    return 1 if as_check and comparison.differs else 0


def _sheet(comparison: Comparison, for_people: bool) -> Sheet:
    names = tuple(
        f"{name} ({run_id[:4]})"
        for run_id, name in zip(comparison.run_ids, comparison.run_names, strict=True)
    )
    header = ("section", "key", *(names if for_people else comparison.run_ids))
    return Sheet(header, list(_rows(comparison, for_people)), "diff")


def _rows(comparison: Comparison, for_people: bool) -> Iterator[tuple[Any, ...]]:
    for row in comparison.rows:
        values = [text_of(value) if for_people else _value(value) for value in row.values]
        yield (row.section, row.key, *values)


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
