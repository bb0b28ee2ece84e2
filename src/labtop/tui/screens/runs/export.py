"""What the Runs screen shows as a file: the same rows and columns, in full precision."""

from __future__ import annotations

from pathlib import Path

from labtop.query.catalog import Catalog
from labtop.tui.screens.runs.loading import Loaded
from labtop.views.export import export, format_of
from labtop.views.sheet import groups_sheet, runs_sheet
from labtop.views.table_columns import find_keys
from labtop.views.table_groups import GroupView
from labtop.views.text import clean


def export_table(catalog: Catalog, loaded: Loaded, path: Path) -> str:
    """Write the table to `path`, in the format its ending names, and say so. Runs in a thread.

    CSV is written so that no spreadsheet runs a cell; curves are left out, because they are drawn, not data.
    """
    format_name = format_of(path)
    keys = [column.key for column in loaded.table.columns if not column.key.startswith("spark.")]
    known = catalog.columns()
    if isinstance(loaded.table, GroupView):
        group = loaded.asked.view.group
        metrics = [each for each in find_keys(known, keys) if each.kind == "metric"]
        by = None if group == ("seed",) else find_keys(known, group)
        sheet = groups_sheet(catalog, loaded.selection, by, metrics)
    else:
        if "id" not in keys:
            keys.insert(0, "id")
        sheet = runs_sheet(catalog, loaded.selection, find_keys(known, keys))
    export([sheet], path, format_name, spreadsheet_safe=True)
    count = len(sheet.rows)
    return f"{count:,} {'row' if count == 1 else 'rows'} in {clean(str(path), 300)}, in full precision"
