"""`labtop export`: the run table, or the series, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from labtop.cli import diagnostics
from labtop.cli.asked_runs import json_of
from labtop.cli.opening import (
    Damage,
    archived_option,
    exit_code,
    open_catalog,
    sort_option,
    store_option,
    where_option,
)
from labtop.query.catalog import Catalog, Selection, TableQuery
from labtop.query.naming import find_columns, sort_keys
from labtop.views.export import SUFFIXES, Sheet, export, format_of, write_objects
from labtop.views.points import points_sheet
from labtop.views.sheet import runs_sheet


@click.command("export")
@click.argument("path", required=False)
@click.option(
    "--to", "target", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Where to."
)
@click.option(
    "--format", "format_name", type=click.Choice(list(SUFFIXES.values())), help="Else by the ending."
)
@click.option("--points", is_flag=True, help="The series: a row a logged value.")
@click.option("--name", "names", multiple=True, metavar="GLOB", help="With --points: only these metrics.")
@click.option("--csv-safe", is_flag=True, help="Keep CSV cells from becoming formulas in a spreadsheet.")
@click.option("--columns", metavar="A,B", help="Only these columns.")
@where_option
@sort_option
@archived_option
@store_option
def export_command(
    path: str | None,
    target: Path,
    format_name: str | None,
    points: bool,
    names: tuple[str, ...],
    csv_safe: bool,
    columns: str | None,
    where: str,
    sort: tuple[str, ...],
    archived: bool,
    store: str | None,
) -> int:
    """Write all runs below PATH, in full precision, to a file: .csv .parquet .json .jsonl .md .tex .duckdb."""
    chosen = format_of(target, format_name)
    damage = Damage()
    with open_catalog(path, store) as catalog:
        selection = catalog.select(TableQuery(where, sort_keys(catalog.columns(), sort), archived))
        if chosen in ("json", "jsonl") and not points and columns is None:
            with target.open("wb") as stream:
                write_objects(json_of(catalog, selection), chosen, stream)
        else:
            sheets = _sheets(catalog, selection, chosen, points, names, columns, damage)
            export(sheets, target, chosen, csv_safe)
        diagnostics.say(f"{len(selection)} of {selection.total} runs written to {target}")
        return exit_code(catalog) or damage.say()


def _sheets(
    catalog: Catalog,
    selection: Selection,
    format_name: str,
    points: bool,
    names: tuple[str, ...],
    columns: str | None,
    damage: Damage,
) -> list[Sheet]:
    """The sheets asked for; a DuckDB file gets both the runs and, with --points, the metrics."""
    sheets = []
    if not points or format_name == "duckdb":
        chosen = find_columns(catalog.columns(), columns) if columns else catalog.columns()
        sheets.append(runs_sheet(catalog, selection, chosen))
    if points:
        sheets.append(points_sheet(catalog, catalog.ids(selection.rows), names or None, tell=damage.note))
    return sheets
