"""The points of runs in an MLflow database, whole or from the last row that was read.

NaN is kept there as 0 with a flag, or as NULL in older ones; an infinity as the largest double. Rows come by run and
metric, in the order by which MLflow takes one for the latest.
"""

from __future__ import annotations

import json
import math
import sqlite3
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from labtop.formats.sqlite_file import salvaged, table_columns
from labtop.sources.mlflow.points import in_order
from labtop.sources.mlflow.tables import is_indexed
from labtop.sources.mlflow.words import number_of
from labtop.sources.source import NO_TIME, Curve

_LARGEST = 1.7976931348623157e308
_EXACT = 2**53
_PIECE = 400_000
_WORTH = 5_000
_MOST_METRICS = 300
Row = tuple[Any, Any, Any, Any]


class SqlPoints:
    """Reads the points of one run after another."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        there = table_columns(connection, "metrics")
        self.is_there = {"run_uuid", "key", "value"} <= there
        self.is_indexed = is_indexed(connection, "metrics")
        value = "CASE WHEN is_nan THEN NULL ELSE value END" if "is_nan" in there else "value"
        time = "timestamp * 1000" if "timestamp" in there else "NULL"
        self._has_step = "step" in there
        step, self._by = ("step", "key, step") if self._has_step else ("NULL", f"key, {time}, rowid")
        self._query = f"SELECT CAST(key AS BLOB), {value}, {time}, {step} FROM metrics WHERE run_uuid = ? "
        self._order = f" AND +rowid BETWEEN ? AND ? ORDER BY {self._by}"  # +: the index is to give the order
        self._added = f" AND rowid BETWEEN ? AND ? ORDER BY {self._by}"

    def read(self, run_id: str, problems: list[str]) -> Iterator[tuple[dict[str, Curve], bytes | None]]:
        """All points of a run in pieces of some hundred thousand, and with the last of them the state."""
        if not self.is_there:
            yield {}, None
            return
        last, count = self._end(run_id, 2**62)
        steps: dict[str, float] = {}
        cursor = self._connection.execute(self._query + self._order, [run_id, 0, last])
        rows = cursor.fetchmany(_PIECE)
        while True:
            try:
                following = cursor.fetchmany(_PIECE) if len(rows) == _PIECE else []
            except sqlite3.Error as error:
                problems.append(f"table metrics: {error}")
                following = []
            curves = curves_of(rows, problems, self._has_step)
            if count >= _WORTH:
                steps.update((key, max(curve.steps)) for key, curve in curves.items() if curve)
            if not following:
                is_worth = count >= _WORTH and len(steps) <= _MOST_METRICS
                yield curves, json.dumps([last, count, steps]).encode() if is_worth else None
                return
            yield curves, None
            rows = following

    def read_on(
        self, run_id: str, state: bytes, problems: list[str]
    ) -> tuple[dict[str, Curve], bytes | None] | None:
        """What was added since `state`; None where that cannot be told, or belongs before what was there."""
        try:
            start, count, steps = json.loads(state)
            steps = {str(key): float(step) for key, step in steps.items()}
            if self._end(run_id, start) != (start, count):
                return None
        except (ValueError, TypeError, AttributeError, OverflowError, sqlite3.Error):
            return None
        last, total = self._end(run_id, 2**62)
        if total - count > _PIECE:
            return None
        rows = self._connection.execute(self._query + self._added, [run_id, start + 1, last]).fetchall()
        curves = curves_of(rows, problems, self._has_step)
        for key, curve in curves.items():
            if not self._has_step or not curve or min(curve.steps) < steps.get(key, -math.inf):
                return None
            steps[key] = max(curve.steps)
        return (curves, json.dumps([last, total, steps]).encode()) if len(steps) <= _MOST_METRICS else None

    def _end(self, run_id: str, last: int) -> tuple[int, int]:
        """The number of a run's last row up to one, and how many there are."""
        query = "SELECT max(rowid), count(*) FROM metrics WHERE run_uuid = ? AND rowid <= ?"
        row = self._connection.execute(query, [run_id, last]).fetchone()
        return (row[0] or 0, row[1])

    def scan(
        self, run_ids: Sequence[str], first: int, last: int, problems: list[str]
    ) -> Iterator[tuple[str, list[Row]]]:
        """Rows of several runs, run by run, by one pass over the rows from `first` to `last` of the table.

        For databases without an index, as MLflow made them before 1.23, and where it is damaged. A run with very many
        rows comes in pieces.
        """
        marks = ",".join("?" * len(run_ids))
        query = (
            self._query.replace("SELECT ", "SELECT run_uuid, ", 1)
            .replace("FROM metrics", "FROM metrics NOT INDEXED")
            .replace("run_uuid = ?", f"run_uuid IN ({marks})")
        )
        query += f" AND rowid BETWEEN ? AND ? ORDER BY run_uuid, {self._by}"
        run_id = ""
        rows: list[Row] = []
        try:
            for row in self._connection.execute(query, [*run_ids, first, last]):
                if row[0] != run_id or len(rows) == _PIECE:
                    if rows:
                        yield run_id, rows
                    run_id, rows = row[0], []
                rows.append(row[1:])
        except sqlite3.Error as error:
            problems.append(f"table metrics: {error}")
        if rows:
            yield run_id, rows

    def salvaged(self, run_id: str, problems: list[str]) -> list[Row]:
        """The rows of a run that can be read of a damaged table, some hundred thousand at most."""
        query = self._query.replace("SELECT ", "SELECT rowid, ", 1).replace("metrics", "metrics NOT INDEXED")
        rows = salvaged(
            self._connection, query + "AND rowid > ? ORDER BY rowid", [run_id], problems, "metrics"
        )
        found = [row[1:] for row in islice(rows, _PIECE)]
        return sorted(found, key=lambda row: (row[0] or b"", row[3] if isinstance(row[3], int) else 0))

    def curves(self, rows: Sequence[Row], problems: list[str]) -> dict[str, Curve]:
        """Curves of rows that came by `scan`."""
        return curves_of(rows, problems, self._has_step)


def state_of(curves: Mapping[str, Curve], last: int) -> bytes | None:
    """What reading on needs to know of a run whose points were read up to a row; None where that would not pay."""
    count = sum(map(len, curves.values()))
    if count < _WORTH or len(curves) > _MOST_METRICS:
        return None
    return json.dumps([last, count, {key: max(curve.steps) for key, curve in curves.items()}]).encode()


def curves_of(rows: Sequence[Row], problems: list[str], has_step: bool = True) -> dict[str, Curve]:
    """Curves of rows of key, value, time and step that are sorted by key."""
    found: dict[str, Curve] = {}
    if not rows:
        return found
    keys, values, times, steps = zip(*rows, strict=True)
    start, count = 0, len(keys)
    while start < count:
        key = keys[start]
        try:
            end = count if keys[-1] == key else bisect_right(keys, key, start)
        except TypeError:  # a key that is NULL
            end = start + 1
        name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
        part = slice(start, end)
        own_steps = steps[part] if has_step else range(end - start)
        found[name] = _curve(name, own_steps, times[part], values[part], problems)
        start = end
    return found


def _curve(
    name: str, steps: Sequence[Any], times: Sequence[Any], values: Sequence[Any], problems: list[str]
) -> Curve:
    try:
        if None in values:
            values = [math.nan if each is None else each for each in values]
        curve = Curve(array("d", steps), array("q", times), array("d", values))
    except (TypeError, ValueError, OverflowError):
        curve = _odd_curve(name, steps, times, values, problems)
    if _LARGEST in values or -_LARGEST in values:
        bounded = (math.copysign(math.inf, each) if abs(each) == _LARGEST else each for each in curve.values)
        curve.values = array("d", bounded)
    curve = in_order(curve)
    if curve.steps and (curve.steps[-1] >= _EXACT or curve.steps[0] <= -_EXACT):
        problems.append(f"metric {name}: steps beyond 2^53 are rounded")
    return curve


def _odd_curve(
    name: str, steps: Sequence[Any], times: Sequence[Any], values: Sequence[Any], problems: list[str]
) -> Curve:
    """Points among which some have no number where one belongs: those are told and left out."""
    curve, bad = Curve(), 0
    for row, (step, time, value) in enumerate(zip(steps, times, values, strict=True)):
        try:
            number = math.nan if value is None else float(value)
            place = float(row if step is None else step)
        except (TypeError, ValueError, OverflowError):
            bad += 1
            continue
        known = number_of(time)
        curve.add(place, number, known if known is not None and abs(known) < 2**63 else NO_TIME)
    if bad:
        problems.append(f"metric {name}: {bad:,} rows hold no number")
    return curve
