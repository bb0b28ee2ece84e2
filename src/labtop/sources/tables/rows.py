"""Tables with a row a run: names, parameters and results of each, and what else a row tells of its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from labtop.formats.cells import cell_number, is_nothing, truth
from labtop.formats.files import decode_text
from labtop.formats.table_file import TableFile
from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import Randomness, Status, Value
from labtop.sources.tables import facts
from labtop.sources.tables.guess import Guess
from labtop.sources.tables.looks import number

MOST_RUNS = 200_000
_LONGEST = 10_000
_OF_MLFLOW = "tags.mlflow."
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as a run: its key and name, what it was given, what it came to, and what else is told."""

    key: str
    name: str
    params: Mapping[str, Value]
    metrics: Mapping[str, float]
    texts: Mapping[str, str]
    started: datetime | None = None
    ended: datetime | None = None
    status: Status = Status.UNKNOWN
    tags: tuple[str, ...] = ()
    told: Mapping[str, str]
    """Notes, group, project, commit, as far as they are there."""


def keys_of(table: TableFile, guessed: Guess, problems: list[str]) -> Iterator[str]:
    """A key a row: the run's name, with the number of its kind behind it from the second on; or the row's number."""
    for key, _ in _keyed(table, guessed, (guessed.run,) if guessed.run else table.names[:1], problems):
        yield key


def rows_of(table: TableFile, guessed: Guess, wanted: frozenset[str]) -> Iterator[Row]:
    """Some of the rows as runs, by their keys."""
    maker = _Maker(table, guessed)
    for key, row in _keyed(table, guessed, table.names, []):
        if key in wanted:
            yield maker.row(key, row)


def _keyed(
    table: TableFile, guessed: Guess, columns: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    seen: dict[str, int] = {}
    for count, row in enumerate(_rows(table, columns, problems), 1):
        if count > MOST_RUNS:
            problems.append(f"only the first {MOST_RUNS:,} rows are read")
            return
        name = _text(row.get(guessed.run)) if guessed.run else ""
        name = name or f"row {count}"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}", row


def _rows(table: TableFile, columns: tuple[str, ...], problems: list[str]) -> Iterator[Mapping[str, Any]]:
    """The rows, of which few are held as Python's objects at once: a batch of a small file is all of it."""
    for batch in table.batches(columns, frozenset(), problems):
        for at in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield from batch.slice(at, _ROWS_AT_ONCE).to_pylist()


class _Maker:
    """Makes runs of the rows of a table."""

    def __init__(self, table: TableFile, guessed: Guess) -> None:
        self._table = table
        self._guessed = guessed
        self._metrics = frozenset(guessed.metrics)
        others = [name for name in guessed.params if name not in self._metrics]
        self._tags = [name for name in others if name.startswith("tags.") and not name.startswith(_OF_MLFLOW)]
        self._params = tuple(name for name in others if name not in self._tags)
        self._forms = facts.time_forms(table, guessed.facts)
        self._stem = table.path.name.partition(".")[0] or table.path.stem

    def row(self, key: str, row: Mapping[str, Any]) -> Row:
        """The run of a row."""
        guessed = self._guessed
        params: dict[str, Value] = {}
        metrics: dict[str, float] = {}
        texts: dict[str, str] = {}
        for name in (*guessed.metrics, *self._params):
            cell = row.get(name)
            if cell is None or (name in self._metrics and isinstance(cell, str) and is_nothing(cell)):
                continue
            shown = guessed.shown.get(name, name)
            found = number(cell, self._table.decimal) if name in self._metrics else None
            if found is not None:
                metrics[shown] = found
                continue
            params[shown] = value = self._value(name, cell)
            if isinstance(cell, str) and not is_kept(cell, value):
                texts[shown] = cell
        told = {
            role: cell
            for role, name in guessed.facts.items()
            if (cell := row.get(name)) is not None and not (isinstance(cell, str) and is_nothing(cell))
        }
        tags = [f"{name[5:]}={cell}" for name in self._tags if (cell := row.get(name)) is not None]
        status = told.get("status")
        if status is not None and not facts.is_said_whole(status):
            params.setdefault(guessed.facts["status"], str(status))
        started = told.get("started", row.get(guessed.time) if guessed.time else None)
        return Row(
            key=key,
            name=self._name(key, row, told.get("name")),
            params=params,
            metrics=metrics,
            texts=texts,
            started=None
            if started is None
            else facts.time_of(started, self._forms.get("started", guessed.time_form)),
            ended=facts.time_of(told["ended"], self._forms["ended"]) if "ended" in told else None,
            status=Status.UNKNOWN if status is None else facts.status_of(status),
            tags=(*(facts.tags_of(told["tags"]) if "tags" in told else ()), *tags),
            told={
                role: _text(told[role]) for role in ("notes", "group", "project", "commit") if role in told
            },
        )

    def _name(self, key: str, row: Mapping[str, Any], told: Any) -> str:
        if told is not None and _text(told):
            return _text(told)
        name = _text(row.get(self._guessed.run)) if self._guessed.run else ""
        if name.isdigit() and self._guessed.run == "number":
            return f"trial {name}"
        return name or f"{self._stem} {key}"

    def _value(self, name: str, cell: Any) -> Value:
        """A parameter: a number, also one with thousands set apart, a truth value, a list, or text."""
        if isinstance(cell, str):
            if name in self._guessed.truths:
                return truth(cell)
            value: Value = typed(cell)
            if value is not cell or ("," not in cell and not cell.endswith("%")):
                return value
            found = cell_number(cell, self._table.decimal)
            if found is None or cell.endswith("%"):
                return value
            return int(found) if found.is_integer() and abs(found) < 2**53 and "." not in cell else found
        if isinstance(cell, bool | int | float | list | dict):
            return cell
        if type(cell).__name__ == "Decimal":
            return float(cell)
        if isinstance(cell, timedelta):
            return cell.total_seconds()
        if isinstance(cell, bytes):
            return decode_text(cell).text
        return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell)[:_LONGEST]


def seeds_of(params: Mapping[str, Value]) -> Randomness:
    """The seed that a parameter of that name is."""
    found = {name: value for name, value in params.items() if name in ("seed", "random_seed")}
    return Randomness(seeds={name: value for name, value in found.items() if type(value) is int})
