"""The run table as `labtop ls` prints it: every row, aligned text, the words of a status instead of its sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.query.catalog import Catalog, Selection
from labtop.views.glyphs import Glyphs
from labtop.views.table import TableSpec, build_table, titles
from labtop.views.table_cells import WRITERS
from labtop.views.table_columns import LEADING_METRICS, HiddenColumn

MOST_WITH_CURVES = 200
"""Rows of a table that has curves although nobody asked for any: of logs of other trackers, each costs its points."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Titles and cells, cleaned; `right` says which columns are numbers.

    `hidden` are columns that don't vary, `left_out` those that were too many. `lacks_curves`: there are metrics, and
    too many rows to draw their curves unasked.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    hidden: tuple[HiddenColumn, ...] = ()
    left_out: tuple[Column, ...] = ()
    lacks_curves: bool = False


def list_runs(
    catalog: Catalog,
    selection: Selection,
    columns: Sequence[Column] | None,
    glyphs: Glyphs,
    most: int | None = None,
) -> Listing:
    """Write the runs of a selection in some columns, or in those that tell them apart, the id first.

    Of columns that nobody chose at most `most` are written: those that most runs have a value in. Curves are among them
    where the runs are few.
    """
    left_out: tuple[Column, ...] = ()
    hidden: tuple[HiddenColumn, ...] = ()
    lacks_curves = False
    if columns is None:
        spec = TableSpec() if len(selection) <= MOST_WITH_CURVES else TableSpec(sparks=0)
        choice = build_table(catalog, spec, glyphs, selection=selection).choice
        lacks_curves = not spec.sparks and any(column.kind == "metric" for column in choice.columns)
        hidden = choice.hidden
        id_column = next(column for column in catalog.columns() if column.key == "id")
        columns = [id_column, *choice.columns]
        if most is not None and len(columns) > most:
            columns, left_out = _usual(catalog, selection, columns, most)
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
    return Listing(
        heads, rows, tuple(writer.align == "right" for writer in writers), hidden, left_out, lacks_curves
    )


def _usual(
    catalog: Catalog, selection: Selection, columns: Sequence[Column], most: int
) -> tuple[list[Column], tuple[Column, ...]]:
    """At most so many columns, and the others.

    Fields, curves and leading metrics come first, then metrics and params by how many runs have them.
    """
    values = catalog.cells(selection.rows, [column.key for column in columns])
    full = [sum(row[at] is not None for row in values) for at in range(len(columns))]
    leading = [at for at, column in enumerate(columns) if column.kind == "metric"][:LEADING_METRICS]

    def rank(at: int) -> tuple[bool, int, int]:
        is_first = at in leading or columns[at].kind not in ("metric", "param")
        return not is_first, 0 if is_first else -full[at], at

    wanted = sorted(range(len(columns)), key=rank)
    kept = set(wanted[:most])
    left_out = tuple(column for at, column in enumerate(columns) if at not in kept)
    return [column for at, column in enumerate(columns) if at in kept], left_out
