"""Some rows on their way into the run table: which params and metrics they have, and their values in its columns.

A chunk is made in this process, or in one that helps to read a large store; there its rows go through a file.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labtop.model.run import MetricSummary
from labtop.query.details import details_text
from labtop.query.found_columns import FoundColumns, Path, SeenMetric, SeenParam
from labtop.query.record_row import PLACES, ROW_COLUMNS, RecordRow, json_text
from labtop.store.format import number_text

_NUMBER_WORDS = ("NaN", "Infinity", "-Infinity")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """The params and metrics of a chunk, in the order in which runs have them."""

    params: tuple[SeenParam, ...]
    metrics: tuple[SeenMetric, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of the run table that a chunk has values for: `columns` are their keys and SQL types, in order.

    `params` gives the place and type name of a param's column by its path, `metrics` that of a metric's, whose
    details come behind it.
    """

    columns: tuple[tuple[str, str], ...]
    params: Mapping[Path, tuple[int, str]]
    metrics: Mapping[str, int]


def seen_in(rows: Sequence[RecordRow]) -> Seen:
    """What params and metrics there are in rows."""
    metrics: Counter[str] = Counter()
    goals: dict[str, str | None] = {}
    for row in rows:
        for name, summary in row.metrics.items():
            if goals.get(name) is None:
                goals[name] = summary.goal
        metrics.update(row.metrics.keys())
        if row.last:
            metrics.update(row.last.keys())
    return Seen(
        tuple(_params_in(rows)),
        tuple(SeenMetric(name, goals.get(name), runs) for name, runs in metrics.items()),
    )


def _params_in(rows: Sequence[RecordRow]) -> Iterator[SeenParam]:
    seen: defaultdict[Path, Counter[str | None]] = defaultdict(Counter)
    again: Counter[tuple[tuple[Path, ...], tuple[type, ...]]] = Counter()  # rows like one that is in `seen`
    for row in rows:
        kinds = tuple(map(type, row.params.values()))
        if _PLAIN.issuperset(kinds):
            like = tuple(row.params), kinds
            if like in again:
                again[like] += 1
                continue
            again[like] = 0
        for path, value in row.params.items():
            seen[path][_type_of(value)] += 1
    for (paths, kinds), times in again.items():
        for path, kind in zip(paths, kinds, strict=True):
            seen[path][_TYPES[kind]] += times
    for path, types in seen.items():
        if kinds_seen := [kind for kind in types if kind]:
            yield SeenParam(path, frozenset(kinds_seen), types.total())


def _type_of(value: Any) -> str | None:
    """The type of a leaf's value; "nan" is a number that JSON says as text."""
    kind = _TYPES.get(type(value), "mixed")
    if kind == "text" and value in _NUMBER_WORDS:
        return "nan"
    if kind == "integer" and not _SMALLEST <= value <= _LARGEST:
        return "mixed"
    return kind


_TYPES: Mapping[type, str | None] = {
    type(None): None, bool: "boolean", float: "number", int: "integer", str: "text"
}  # fmt: skip
_PLAIN = frozenset((type(None), bool, float))
"""Types of which every value is of the same kind."""


def layout_of(seen: Seen, found: FoundColumns) -> Layout:
    """Where the values of a chunk go; what is beyond the limit of columns goes nowhere."""
    columns = [(key, sql) for key, sql in ROW_COLUMNS.items()]
    params: dict[Path, tuple[int, str]] = {}
    metrics: dict[str, int] = {}
    for param in seen.params:
        column = found.by_path.get(("param", param.path))
        if column is not None:
            params[param.path] = len(columns), column.type_name
            columns += column.stored()
    for metric in seen.metrics:
        column = found.by_path.get(("metric", (metric.name,)))
        if column is not None:
            metrics[metric.name] = len(columns)
            columns += column.stored()
    return Layout(tuple(columns), params, metrics)


_NO_POINTS = details_text(MetricSummary())
_ROW = PLACES["row"]


def row_values(row: RecordRow, number: int, layout: Layout) -> dict[int, Any]:
    """The values of a row by the place of their column, as JSON can say them; nulls are left out."""
    values: dict[int, Any] = {**row.shared, _ROW: number}
    for key, value in row.values.items():
        if value is not None:
            values[PLACES[key]] = value
    params, metrics = layout.params, layout.metrics
    for path, value in row.params.items():
        if value is not None and (found := params.get(path)) is not None:
            place, type_name = found
            values[place] = json_text(value) if type_name == "mixed" else value
    for name, summary in row.metrics.items():
        place = metrics.get(name, -1)
        if place >= 0:
            values[place] = _number(summary.last)
            values[place + 1] = details_text(summary)
    for name, last in (row.last or {}).items():
        place = metrics.get(name, -1)
        if place >= 0:
            values[place] = last if last - last == 0.0 else _number(last)
            if row.is_whole:  # else its details stay null
                values[place + 1] = _NO_POINTS
    return values


def _number(number: float | None) -> float | str | None:
    return number if number is None or math.isfinite(number) else number_text(number)
