"""Which columns a table of runs shows when nobody chose any, and which of them say nothing and are hidden.

The order is `status · name · sparklines · leading metrics · params · further metrics · tags · reproducibility ·
duration · age`: ten per-class scores must not push the params that explain them off the screen. A column in
which all runs agree is hidden, counted and given with its value: what is the same everywhere belongs in a line above
the table, not in every row of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.model.system import is_system
from labtop.query.filter_names import spark_of
from labtop.query.request import ColumnProfile
from labtop.views.table_order import by_presence

FROZEN = ("status", "name")
ALWAYS = (*FROZEN, "started_at")  # shown although all runs may agree
FIELDS_BEFORE = ("project", "tracker", "dead_ranks")
UNTOLD = frozenset(("tracker",))  # hidden without a word where all runs agree: of most stores it says nothing
FIELDS_AFTER = ("tags", "score", "duration_s", "started_at")
LEADING_METRICS = 4
MOST_OF_A_KIND = 60
"""Params, and metrics, in the default choice; what is beyond is counted and can be chosen."""

_DERIVED = {"min": "number", "max": "number", "first": "number", "mean": "number", "count": "integer"}


@dataclass(frozen=True, slots=True)
class HiddenColumn:
    """A column that is not shown because all runs of the selection have the same value, or none has any."""

    column: Column
    value: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """Columns to show, those hidden because they do not vary, and how many were left out for want of room."""

    columns: tuple[Column, ...]
    hidden: tuple[HiddenColumn, ...] = ()
    left_out: int = 0


def candidates(columns: Sequence[Column]) -> tuple[tuple[Column, ...], int]:
    """The default columns before any is hidden, in order, and how many params and metrics there are beyond them.

    Of very many metrics those come into question that most runs have.
    """
    fields = {column.key: column for column in columns if column.kind == "field"}
    chosen = [
        each
        for each in columns
        if each.kind in ("param", "metric") and not (each.kind == "metric" and is_system(each.name))
    ]
    ordered = by_presence(chosen, {each.key: each.runs for each in chosen})
    metrics = [each for each in ordered if each.kind == "metric"]
    params = [each for each in ordered if each.kind == "param"]
    before = [fields[key] for key in (*FROZEN, *FIELDS_BEFORE) if key in fields]
    after = [fields[key] for key in FIELDS_AFTER if key in fields]
    leading, further = metrics[:LEADING_METRICS], metrics[LEADING_METRICS:MOST_OF_A_KIND]
    shown = (*before, *leading, *params[:MOST_OF_A_KIND], *further, *after)
    return shown, max(0, len(metrics) - MOST_OF_A_KIND) + max(0, len(params) - MOST_OF_A_KIND)


def with_curves(columns: Sequence[Column], metrics: Sequence[Column]) -> tuple[Column, ...]:
    """The columns with the curves of some metrics before all params and metrics."""
    at = next((at for at, each in enumerate(columns) if each.kind in ("metric", "param")), len(columns))
    return (*columns[:at], *map(spark_of, metrics), *columns[at:])


def hide_constant(columns: Sequence[Column], profile: Mapping[str, ColumnProfile], runs: int = 2) -> Choice:
    """Take out the columns that do not vary; a curve goes when no run has its metric.

    Of a single run nothing varies: then only what it does not have goes.
    """
    shown: list[Column] = []
    hidden: list[HiddenColumn] = []
    for column in columns:
        about = profile.get(column.key)
        if (
            column.key in ALWAYS
            or about is None
            or not is_constant(about)
            or (runs == 1 and not _is_empty(about))
        ):
            shown.append(column)
        elif column.kind != "spark" and column.key not in UNTOLD:
            hidden.append(HiddenColumn(column, about.low))
    present = {
        column.key for column in columns if column.kind != "metric" or not _is_empty(profile.get(column.key))
    }
    shown = [each for each in shown if each.kind != "spark" or metric_key(each) in present]
    return Choice(tuple(shown), tuple(hidden))


def is_constant(about: ColumnProfile) -> bool:
    """Whether a column says the same of all runs: one value everywhere, or none anywhere."""
    return about.distinct == 0 or (about.distinct == 1 and about.nulls == 0)


def find_keys(columns: Iterable[Column], keys: Sequence[str]) -> tuple[Column, ...]:
    """Columns by key, in the order of `keys`; also what is derived from metrics. Unknown ones are left out."""
    known = {column.key: column for column in columns}
    found: list[Column] = []
    for key in keys:
        column = known.get(key) or _derived(known, key)
        if column is not None and column not in found:
            found.append(column)
    return tuple(found)


def metric_key(spark: Column) -> str:
    """The key of the metric whose curve a column shows."""
    return f"metrics.{spark.key.removeprefix('spark.')}"


def _derived(known: Mapping[str, Column], key: str) -> Column | None:
    """`spark.NAME`, `metrics.NAME.min` and their like."""
    if key.startswith("spark.") and (metric := known.get(f"metrics.{key.removeprefix('spark.')}")):
        return spark_of(metric)
    base, _, statistic = key.rpartition(".")
    metric = known.get(base)
    if metric is None or metric.kind != "metric" or statistic not in _DERIVED:
        return None
    return replace(
        metric, key=key, name=f"{statistic}({metric.name})", type=COLUMN_TYPES[_DERIVED[statistic]]
    )


def _is_empty(about: ColumnProfile | None) -> bool:
    return about is not None and about.distinct == 0
