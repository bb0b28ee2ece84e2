"""Runs of a Trackio database: who they are, and what was logged to them.

Before 0.24 a run was known by its name alone; its name is its id then. A column that is not there is NULL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from labtop.formats.sqlite_file import salvaged, select, table_columns
from labtop.sources.source import NO_TIME
from labtop.sources.trackio.log import Log, json_object, time_us, zone_of

_PIECE = 500_000  # points held at a time
_SYSTEM = "system/"


@dataclass(slots=True)
class Known:
    """A run of a database as it is listed; `marks` change whenever something of it does."""

    run_id: str
    name: str
    marks: list[Any] = field(default_factory=list)
    rows: int = 0


class Reached(msgspec.Struct, array_like=True):
    """Up to which row a run was read, and how many there were."""

    metric_id: int = 0
    metric_rows: int = 0
    system_id: int = 0
    system_rows: int = 0
    points: int = 0


def key_column(connection: sqlite3.Connection, table: str) -> str:
    """The column that tells runs apart in a table."""
    return "run_id" if "run_id" in table_columns(connection, table) else "run_name"


def list_runs(connection: sqlite3.Connection) -> dict[str, Known]:
    """The runs of a database by id, from every table that names one."""
    runs: dict[str, Known] = {}
    for table in ("metrics", "system_metrics", "traces", "alerts"):
        _count(connection, table, runs)
    for run_id, name, created, length in _rows(
        connection, "configs", ("run_id", "run_name", "created_at", "config")
    ):
        known = _known(runs, run_id, name)
        known.name = known.name or str(name)
        known.marks.append([created, len(length) if isinstance(length, bytes | str) else 0])
    names = {known.name for known in runs.values()}
    for table in ("run_artifact_links", "external_run_artifact_links"):
        for run_id, name, link in _rows(connection, table, ("run_id", "run_name", "id")):
            if str(run_id or "") in runs or (name not in names and (run_id or name)):
                known = _known(runs, run_id, name)
                known.name = known.name or str(name)
            else:
                known = next((each for each in runs.values() if each.name == name), Known("", ""))
            known.marks.append(link)
    return runs


def _known(runs: dict[str, Known], run_id: Any, name: Any) -> Known:
    key = str(run_id or name or "")
    return runs.setdefault(key, Known(key, "" if name is None else str(name)))


def _rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    if table_columns(connection, table):
        with suppress(sqlite3.Error):  # what is damaged is told where it is read
            yield from select(connection, table, columns)


def _count(connection: sqlite3.Connection, table: str, runs: dict[str, Known]) -> None:
    """Count the rows of each run: by an index, without a look at what was logged."""
    columns = table_columns(connection, table)
    if not columns:
        return
    key = key_column(connection, table)
    last = "max(rowid)"
    try:
        counted = connection.execute(
            f'SELECT "{key}", count(*), {last} FROM "{table}" GROUP BY "{key}"'
        ).fetchall()
    except sqlite3.Error:
        counted = _counted_one_by_one(connection, table, key)
    for run_id, count, newest in counted:
        named = connection.execute(f'SELECT run_name FROM "{table}" WHERE rowid = ?', [newest]).fetchone()
        known = _known(runs, run_id, named[0] if named else None)
        known.name = known.name or str(named[0] if named else "")
        known.marks.append([table, count, newest])
        known.rows += count


def _counted_one_by_one(connection: sqlite3.Connection, table: str, key: str) -> list[tuple[Any, int, int]]:
    """How many rows of each run can be read of a damaged table, and the number of the last."""
    found: dict[Any, tuple[int, int]] = {}
    query = f'SELECT rowid, "{key}" FROM "{table}" NOT INDEXED WHERE rowid > ? ORDER BY rowid'
    for row_id, run_id in salvaged(connection, query, [], [], table):
        found[run_id] = found.get(run_id, (0, 0))[0] + 1, row_id
    return [(run_id, *told) for run_id, told in found.items()]


def config_of(connection: sqlite3.Connection, run: Known) -> tuple[dict[str, Any], int, str]:
    """The configuration of a run, how far its clock was ahead of UTC where times have no zone, and what is wrong."""
    if not table_columns(connection, "configs"):
        return {}, 0, ""
    key = key_column(connection, "configs")
    try:
        found = connection.execute(
            f'SELECT CAST(config AS BLOB), created_at FROM configs WHERE "{key}" = ? ORDER BY rowid DESC LIMIT 1',
            [run.run_id],
        ).fetchone()
    except sqlite3.Error as error:
        return {}, 0, f"table configs: {error}"
    if found is None:
        return {}, 0, ""
    config = json_object(found[0])
    if config is None:
        return {}, 0, "the configuration is no JSON"
    return config, zone_of(found[1], config.get("_Created")), ""


def reached_before(connection: sqlite3.Connection, run: Known, state: bytes | None) -> Reached | None:
    """Where the last reading ended, when all rows that it read are still there."""
    try:
        reached = msgspec.json.decode(state or b"", type=Reached)
    except msgspec.DecodeError:
        return None
    for table, last, rows in (
        ("metrics", reached.metric_id, reached.metric_rows),
        ("system_metrics", reached.system_id, reached.system_rows),
    ):
        if not table_columns(connection, table):
            continue
        key = key_column(connection, table)
        count = f'SELECT count(*) FROM "{table}" WHERE "{key}" = ? AND rowid <= ?'
        try:
            if connection.execute(count, [run.run_id, last]).fetchone()[0] != rows:
                return None
        except sqlite3.Error:
            return None
    return reached


def read_log(
    connection: sqlite3.Connection, run: Known, log: Log, reached: Reached, zone_us: int, problems: list[str]
) -> Iterator[int]:
    """Read what was logged after `reached`, which is moved on; yields whenever much is held."""
    for table, column, step, prefix in (
        ("metrics", "metrics", "step", ""),
        ("system_metrics", "metrics", "NULL", _SYSTEM),
    ):
        columns = table_columns(connection, table)
        if not {"run_name", column} <= columns:
            continue
        key = key_column(connection, table)
        time = "timestamp" if "timestamp" in columns else "NULL"
        is_system = bool(prefix)
        after = reached.system_id if is_system else reached.metric_id
        damaged = 0
        query = f'SELECT rowid, {step}, {time}, CAST("{column}" AS BLOB) FROM "{table}" {{}}WHERE "{key}" = ?'
        query += f" AND rowid > {after} AND rowid > ? ORDER BY rowid"
        # an index over damaged pages leads nowhere; only then every row is looked at
        is_sound = _is_counted(connection, table, key, run.run_id)
        rows = salvaged(
            connection, query.format("" if is_sound else "NOT INDEXED "), [run.run_id], problems, table
        )
        for row_id, at_step, at, content in rows:
            values = json_object(content)
            if values is None:
                damaged += 1
            else:
                log.add(_step(at_step, is_system, reached), time_us(at, zone_us), values, prefix)
            _advance(reached, row_id, is_system)
            if log.points >= _PIECE:
                yield log.points
        if damaged:
            problems.append(f"{table}: {damaged:,} rows are no JSON")
        elif _rows_read(reached, is_system) < (counted := _rows_counted(run, table)) and not problems:
            problems.append(f"{table}: {counted:,} rows cannot be asked for: the id of their run is damaged")


def _rows_counted(run: Known, table: str) -> int:
    """How many rows of a table a run had when it was listed."""
    return sum(
        mark[1] for mark in run.marks if isinstance(mark, list) and len(mark) == 3 and mark[0] == table
    )


def _rows_read(reached: Reached, is_system: bool) -> int:
    return reached.system_rows if is_system else reached.metric_rows


def _is_counted(connection: sqlite3.Connection, table: str, key: str, run_id: str) -> bool:
    try:
        connection.execute(f'SELECT count(*) FROM "{table}" WHERE "{key}" = ?', [run_id]).fetchone()
    except sqlite3.Error:
        return False
    return True


def _step(step: Any, is_system: bool, reached: Reached) -> float | None:
    if is_system:
        return float(reached.system_rows)
    return float(step) if isinstance(step, int | float) else float(reached.metric_rows)


def _advance(reached: Reached, row_id: int, is_system: bool) -> None:
    if is_system:
        reached.system_id, reached.system_rows = row_id, reached.system_rows + 1
    else:
        reached.metric_id, reached.metric_rows = row_id, reached.metric_rows + 1


def first_time(connection: sqlite3.Connection, run: Known, zone_us: int) -> int:
    """When the first row of a run was logged."""
    times = [NO_TIME]
    for table in ("metrics", "system_metrics"):
        if "timestamp" in table_columns(connection, table):
            key = key_column(connection, table)
            with suppress(sqlite3.Error):  # what is damaged is told where its rows are read
                found = connection.execute(
                    f'SELECT min(timestamp) FROM "{table}" WHERE "{key}" = ?', [run.run_id]
                ).fetchone()
                times.append(time_us(found[0], zone_us))
    return min((each for each in times if each != NO_TIME), default=NO_TIME)


def logged_ids(connection: sqlite3.Connection, run: Known) -> frozenset[str]:
    """The ids of the log calls of a run that are in the database already."""
    found: set[str] = set()
    for table in ("metrics", "system_metrics"):
        if "log_id" in table_columns(connection, table):
            key = key_column(connection, table)
            rows = connection.execute(
                f'SELECT log_id FROM "{table}" WHERE "{key}" = ? AND log_id IS NOT NULL', [run.run_id]
            )
            with suppress(sqlite3.Error):
                found.update(str(row[0]) for row in rows)
    return frozenset(found)
