"""Columns of the run table, and the types a value in one can have.

A column type is one value in `COLUMN_TYPES`: what DuckDB stores, which side it is aligned to, and nothing of how a
terminal draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column holds. `align` is "left", "right" or "decimal" (numbers line up on the point)."""

    name: str
    sql: str
    align: Literal["left", "right", "decimal"] = "left"
    is_number: bool = False


COLUMN_TYPES = {
    each.name: each
    for each in (
        ColumnType("text", "VARCHAR"),
        ColumnType("status", "VARCHAR"),
        ColumnType("tags", "VARCHAR[]"),
        ColumnType("boolean", "BOOLEAN"),
        ColumnType("integer", "BIGINT", "right", True),
        ColumnType("number", "DOUBLE", "decimal", True),
        ColumnType("time", "TIMESTAMP", "right"),
        ColumnType("duration", "DOUBLE", "right", True),  # seconds
        ColumnType("spark", "VARCHAR"),  # one character a cell: 0-7 low to high, "n" NaN, " " nothing
        ColumnType("score", "VARCHAR"),  # five characters of + (complete), ~ (partial), - (missing)
        ColumnType("mixed", "VARCHAR"),  # values of several types, as JSON text
    )
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its unique `key`: a field's own name, `params.NAME` or `metrics.NAME` (its last value).

    `metrics.NAME.min` and its like (max, first, mean, count) and `spark.NAME` are derived and not listed by default.
    """

    key: str
    name: str  # as people say it: lr, val/loss
    kind: Literal["field", "param", "metric", "spark"]
    type: ColumnType
    goal: str | None = None  # "min" or "max", metrics only
    runs: int = field(default=0, compare=False)  # in about how many it was found; params and metrics only


FIELDS: tuple[Column, ...] = tuple(
    Column(name, name, "field", COLUMN_TYPES[type_name])
    for name, type_name in (
        ("id", "text"),
        ("name", "text"),
        ("project", "text"),
        ("status", "status"),
        ("started_at", "time"),
        ("ended_at", "time"),
        ("duration_s", "duration"),
        ("group", "text"),
        ("job_type", "text"),
        ("tags", "tags"),
        ("notes", "text"),
        ("parent_id", "text"),
        ("fork_step", "number"),  # the last step that a forked run has in common with its parent
        ("exit_code", "integer"),
        ("signal", "text"),
        ("error", "text"),
        ("commit", "text"),
        ("branch", "text"),
        ("dirty", "boolean"),
        ("host", "text"),
        ("command", "text"),
        ("python", "text"),
        ("gpu", "text"),
        ("seed", "mixed"),
        ("score", "score"),
        ("points", "integer"),
        ("archived", "boolean"),
        ("tracker", "text"),
        ("problems", "integer"),
        ("ranks", "integer"),  # processes of a launch; null where one process recorded the run
        ("dead_ranks", "integer"),  # of them those that failed or ended without a word; null for none
    )
)
"""The true columns of every run, in the order tables list them."""
