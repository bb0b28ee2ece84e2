"""Tables with a row a run: names, parameters and results of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labtop.formats.table_file import TableFile, cell_number
from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import MetricSummary, Randomness, Value
from labtop.sources.columns import micro_of_text
from labtop.sources.source import NO_TIME
from labtop.sources.tables.guess import Guess

MOST_RUNS = 200_000
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a run: its key and name, what it was given, and what it came to."""

    key: str
    name: str
    params: Mapping[str, Value]
    metrics: Mapping[str, MetricSummary]
    texts: Mapping[str, str]
    time: datetime | None = None


def keys_of(table: TableFile, guessed: Guess, problems: list[str]) -> Iterator[str]:
    """A key a row: the run's name, with the number of its kind behind it from the second on; or the row's number."""
    for key, _ in _keyed(table, guessed, (guessed.run,) if guessed.run else table.names[:1], problems):
        yield key


def rows_of(table: TableFile, guessed: Guess, problems: list[str]) -> Iterator[Row]:
    """The rows as runs."""
    for key, row in _keyed(table, guessed, table.names, problems):
        yield _row(key, row, guessed, table.path.stem)


def _keyed(
    table: TableFile, guessed: Guess, columns: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    seen: dict[str, int] = {}
    number = 0
    for batch in table.batches(columns, frozenset(), problems):
        for row in batch.to_pylist():
            number += 1
            if number > MOST_RUNS:
                problems.append(f"only the first {MOST_RUNS:,} rows are read")
                return
            name = _text(row.get(guessed.run)) if guessed.run else ""
            name = name or f"row {number}"
            seen[name] = seen.get(name, 0) + 1
            yield name if seen[name] == 1 else f"{name} #{seen[name]}", row


def _row(key: str, row: Mapping[str, Any], guessed: Guess, stem: str) -> Row:
    params: dict[str, Value] = {}
    metrics: dict[str, MetricSummary] = {}
    texts: dict[str, str] = {}
    time = None
    for name, cell in row.items():
        if cell is None or name == guessed.run:
            continue
        if name == guessed.time:
            time = _time(cell)
        elif name in guessed.metrics and (number := _number(cell)) is not None:
            metrics[name] = MetricSummary(last=number)
        else:
            params[name] = value = _value(cell)
            if isinstance(cell, str) and not is_kept(cell, value):
                texts[name] = cell
    told = _text(row.get(guessed.run)) if guessed.run else ""
    return Row(key, told or f"{stem} {key}", params, metrics, texts, time)


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell)[:_LONGEST]


def _number(cell: Any) -> float | None:
    if isinstance(cell, str):
        return cell_number(cell)
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _value(cell: Any) -> Value:
    """A parameter: a number, also one with thousands set apart, a truth value, a list, or text."""
    if isinstance(cell, str):
        value: Value = typed(cell)
        number = cell_number(cell) if value is cell and "," in cell else None
        return value if number is None else number
    if isinstance(cell, bool | int | float | list | dict):
        return cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _time(cell: Any) -> datetime | None:
    from datetime import UTC, timedelta

    if isinstance(cell, datetime):
        return cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
    micro = micro_of_text(str(cell))
    if micro == NO_TIME:
        number = _number(cell)
        if number is None or not 0 < number < 1e19:
            return None
        micro = round(
            number * (1e6 if number < 1e11 else 1e3 if number < 1e14 else 1 if number < 1e17 else 1e-3)
        )
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micro)
    except OverflowError:
        return None


def seeds_of(params: Mapping[str, Value]) -> Randomness:
    """The seed that a parameter of that name is."""
    found = {name: value for name, value in params.items() if name in ("seed", "random_seed")}
    return Randomness(seeds={name: value for name, value in found.items() if type(value) is int})
