"""The SQL of a table of runs: a query over the public views that gives the same rows and columns.

For people who go on in `labtop sql`, in Python or in the bare duckdb shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from labtop.errors import UsageError
from labtop.query.catalog import Catalog
from labtop.query.engine import quote_name, quote_text
from labtop.query.filter import compile_filter
from labtop.query.sql_views import STATISTICS, run_columns

_PARTS = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|\?|[^\"'?]+")


def table_sql(catalog: Catalog, where: str, sort: Sequence[str], keys: Sequence[str]) -> str:
    """A SELECT for the columns `keys` of the runs that fit a filter; `sort` are keys, "-" before one for descending.

    Curves are left out, since no view has them. Raises FilterError; UsageError for a filter that reads `env.`.
    """
    condition = compile_filter(where, catalog.columns(), catalog.engine)
    names = {column.key: name for name, column in run_columns(catalog.columns()).items()}
    shown = [key for key in keys if not key.startswith("spark.")]
    sorts = [each.removeprefix("-") for each in sort]
    needed = list(dict.fromkeys(["id", "started_at", "archived", *shown, *sorts, *sorted(condition.keys)]))
    sources = ",\n".join(f"    {_source(key, names)} AS {quote_name(key)}" for key in needed)
    columns = ", ".join(f"{quote_name(key)} AS {quote_name(names.get(key, key))}" for key in shown) or "*"
    order = [
        f"{quote_name(each.removeprefix('-'))}{' DESC' * each.startswith('-')} NULLS LAST" for each in sort
    ]
    filled = "".join(_filled(condition.sql, condition.parameters))
    return (
        f"WITH run_index AS (\n  SELECT\n{sources}\n  FROM runs\n)\n"
        f"SELECT {columns}\nFROM run_index\nWHERE NOT coalesce(archived, false) AND {filled}\n"
        f"ORDER BY {', '.join([*order, 'started_at DESC NULLS LAST', 'id'])}"
    )


def _source(key: str, names: dict[str, str]) -> str:
    """Where a column comes from: the view `runs`, or for a statistic of a metric the view `summary`."""
    if key in names:
        return quote_name(names[key])
    metric, _, statistic = key.removeprefix("metrics.").rpartition(".")
    if key.startswith("metrics.") and statistic in STATISTICS:
        return f"(SELECT any_value({statistic}) FROM summary WHERE run_id = runs.id AND name = {quote_text(metric)})"
    raise UsageError(
        f"no view has {key!r}, so this table cannot be written as SQL", "leave it out of the filter"
    )


def _filled(sql: str, parameters: Sequence[object]) -> Iterator[str]:
    """SQL with its parameters as literals."""
    values = iter(parameters)
    for part in _PARTS.findall(sql):
        yield _literal(next(values)) if part == "?" else part


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if abs(value) < float("inf") else f"'{value}'::DOUBLE"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, datetime):
        return f"TIMESTAMP {quote_text(value.isoformat(' '))}"
    return quote_text(str(value))
