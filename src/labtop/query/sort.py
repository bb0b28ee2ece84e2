"""The order of rows: nulls and NaN last in both directions, and never left to chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labtop.query.engine import quote_name
from labtop.query.request import SortKey

DEFAULT_ORDER = ("started_at",)
"""Columns of the natural order: newest first."""


FOREIGN_TIES = ("project", "name", "id")
"""Order of runs that began at one time or at none that is known, as most tables of other trackers have them."""


def order_by(
    keys: Sequence[SortKey],
    sql_types: Mapping[str, str],
    type_names: Mapping[str, str],
    ties: Sequence[str] = (),
) -> str:
    """The ORDER BY list for sort keys; a key that no run has is passed over. `ties` are columns that come last."""
    terms: list[str] = []
    for each in keys:
        if each.column in sql_types:
            terms += _terms(each, sql_types[each.column], type_names.get(each.column, ""))
    # rows are numbered newest first within what was read together: cheaper than comparing ids
    return ", ".join([*terms, "started_at DESC NULLS LAST", *map(quote_name, ties), '"row"'])


def _terms(key: SortKey, sql_type: str, type_name: str) -> list[str]:
    name = quote_name(key.column)
    direction = "DESC" if key.descending else "ASC"
    if sql_type == "DOUBLE":
        # NaN is the greatest number for DuckDB, also with its sign turned: ascending puts it last
        return [f"{'-' if key.descending else ''}{name} ASC NULLS LAST"]
    if type_name == "mixed":  # numbers by size before texts
        number = f"try_cast({name} AS DOUBLE)"
        return [f"{'-' if key.descending else ''}{number} ASC NULLS LAST", f"{name} {direction} NULLS LAST"]
    if type_name == "score":
        return [f"translate({name}, '-~+', '012') {direction} NULLS LAST"]
    return [f"{name} {direction} NULLS LAST"]
