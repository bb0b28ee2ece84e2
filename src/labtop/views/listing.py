"""The run table as `labtop ls` prints it: every row, aligned text, the words of a status instead of its sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.query.catalog import Catalog, Selection
from labtop.views.glyphs import Glyphs
from labtop.views.table import TableSpec, build_table, titles
from labtop.views.table_cells import WRITERS
from labtop.views.table_columns import HiddenColumn


@dataclass(frozen=True, slots=True)
class Listing:
    """Titles and cells, cleaned; `right` says which columns are numbers. `hidden` are columns that don't vary."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    hidden: tuple[HiddenColumn, ...] = ()


def list_runs(
    catalog: Catalog, selection: Selection, columns: Sequence[Column] | None, glyphs: Glyphs
) -> Listing:
    """Write the runs of a selection in some columns, or in those that tell them apart, the id first."""
    hidden: tuple[HiddenColumn, ...] = ()
    if columns is None:
        choice = build_table(catalog, TableSpec(), glyphs, selection=selection).choice
        hidden = choice.hidden
        id_column = next(column for column in catalog.columns() if column.key == "id")
        columns = [id_column, *choice.columns]
    as_words = [
        Column(each.key, each.name, each.kind, COLUMN_TYPES["text"]) if each.key == "status" else each
        for each in columns
    ]
    values = catalog.cells(selection.rows, [column.key for column in columns])
    writers = [WRITERS[column.type.name](column, glyphs, None, False) for column in as_words]
    for at, writer in enumerate(writers):
        writer.learn([row[at] for row in values])
    heads = tuple(
        title or column.name for title, column in zip(titles(columns, glyphs), columns, strict=True)
    )
    rows = tuple(
        tuple(writer.write(value).text for writer, value in zip(writers, row, strict=True)) for row in values
    )
    return Listing(heads, rows, tuple(writer.align == "right" for writer in writers), hidden)
