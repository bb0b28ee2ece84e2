"""Reads many `run.parquet` files at once into the table `chunk`; a bad one is found, named and left out.

DuckDB fails a whole query for one bad file, so files are checked first, and what still fails is found by halving.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labtop.errors import QueryError
from labtop.model.run import Status
from labtop.query.engine import Engine, InterruptedQueryError, quote_name
from labtop.query.request import Problem
from labtop.store.format import RECORD_COLUMNS
from labtop.store.layout import RECORD
from labtop.store.reader import check_parquet

ENDS = ", ".join(f"'{each}'" for each in Status if each.is_end)
"""The statuses that are an end, as an SQL list."""

# each column costs 20 microseconds a file; the table needs nothing of these
_SQL_TYPES = {
    name: "VARCHAR" if sql == "JSON" else sql
    for name, sql in RECORD_COLUMNS.items()
    if name not in ("summary", "artifacts", "format")
}
CHUNK_COLUMNS = tuple(_SQL_TYPES)
"""The columns of a record that are read for the table."""


@dataclass(frozen=True, slots=True)
class ChunkRead:
    """What came of reading a chunk: damaged files, and folders that hold no record (yet)."""

    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Files:
    """Checked files for a table: path → folder relative to the store, and what identifies its content."""

    table: str
    folders: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)


def stamp_of(status: os.stat_result) -> int:
    """One number that changes whenever a record is replaced: it is always a new file."""
    return (status.st_mtime_ns * 1_000_003 + status.st_size) % 2**63


def make_chunk_table(engine: Engine, table: str = "chunk") -> None:
    """An empty table of encoded records.

    `row` is given later; `final` says that a run has ended by its own word, `seen_until` when one without an end was
    last seen, `broken` how many of its documents could not be read.
    """
    columns = ", ".join(f"{quote_name(name)} {sql}" for name, sql in _SQL_TYPES.items())
    engine.execute(
        f"""CREATE OR REPLACE TABLE {table} ("row" UINTEGER, folder VARCHAR, stamp BIGINT, final BOOLEAN,
                seen_until TIMESTAMP, archived BOOLEAN, broken BIGINT DEFAULT 0, {columns})"""
    )


def read_records(engine: Engine, store: Path, folders: Sequence[str], table: str = "chunk") -> ChunkRead:
    """Fill a chunk table with the records of run folders, given relative to the store."""
    make_chunk_table(engine, table)
    problems: list[Problem] = []
    missing: list[str] = []
    files = _Files(table)
    for folder in folders:
        path = f"{store}/{folder}/{RECORD}"
        try:
            stamp, reason = _check(path)
        except FileNotFoundError:
            missing.append(folder)
            continue
        except OSError as error:
            stamp, reason = 0, f"cannot be read: {error.strerror or error}"
        if reason:
            problems.append(Problem(path, reason))
        else:
            files.folders[path] = folder
            files.stamps[path] = stamp
    _load(engine, list(files.folders), files, problems)
    problems += _without_one_row(engine, files, problems)
    return ChunkRead(tuple(problems), tuple(missing))


def _check(path: str) -> tuple[int, str | None]:
    """What identifies a record, and why it is no whole Parquet file. A tenth of the time of `check_parquet`."""
    found = os.stat(path)  # noqa: PTH116 - Path costs more than the system call, ten thousand times
    if stat.S_ISREG(found.st_mode) and found.st_size >= 12:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            ends = os.pread(descriptor, 4, 0) + os.pread(descriptor, 8, found.st_size - 8)
        finally:
            os.close(descriptor)
        footer = int.from_bytes(ends[4:8], "little")
        if ends[:4] == ends[8:] == b"PAR1" and footer <= found.st_size - 12:
            return stamp_of(found), None
    return stamp_of(found), check_parquet(Path(path))


def _load(engine: Engine, paths: Sequence[str], files: _Files, problems: list[Problem]) -> None:
    if not paths:
        return
    try:
        _insert(engine, paths, files, list(_SQL_TYPES))
    except InterruptedQueryError:
        raise
    except QueryError as error:
        if len(paths) > 1:
            half = len(paths) // 2
            _load(engine, paths[:half], files, problems)
            _load(engine, paths[half:], files, problems)
        else:
            _load_odd_one(engine, paths[0], files, problems, error)


def _load_odd_one(
    engine: Engine, path: str, files: _Files, problems: list[Problem], error: QueryError, patience: int = 5
) -> None:
    """Read again what was replaced meanwhile, and for what it has what lacks columns; all else is damaged."""
    try:
        stamp, reason = _check(path)
        if stamp != files.stamps[path] and reason is None and patience:
            # DuckDB opens a file more than once; a live run's is replaced every second
            files.stamps[path] = stamp
            columns = list(_SQL_TYPES)
        else:
            described = engine.query("DESCRIBE SELECT * FROM read_parquet([?])", [path])
            columns = [name for name in _SQL_TYPES if name in {row[0] for row in described}]
            if "id" not in columns or len(columns) == len(_SQL_TYPES):
                raise error
            patience = 0
        try:
            _insert(engine, [path], files, columns)
        except QueryError as failure:
            if not patience or isinstance(failure, InterruptedQueryError):
                raise
            _load_odd_one(engine, path, files, problems, failure, patience - 1)
    except InterruptedQueryError:
        raise
    except QueryError as failure:
        problems.append(Problem(path, f"damaged: {failure.message.splitlines()[0]}"))
    except OSError as failure:
        problems.append(Problem(path, f"cannot be read: {failure.strerror or failure}"))


def _insert(engine: Engine, paths: Sequence[str], files: _Files, columns: Sequence[str]) -> None:
    selected = ", ".join(
        f"r.{quote_name(name)}::{_SQL_TYPES[name]} AS {quote_name(name)}" for name in columns
    )
    engine.execute(
        f"""INSERT INTO {files.table} BY NAME
            SELECT f.folder, f.stamp, coalesce(r.status, '') IN ({ENDS}) AS final, {selected}
            FROM read_parquet($paths, union_by_name = true, filename = '_file', hive_partitioning = false) r
            JOIN (SELECT unnest($paths::VARCHAR[]) AS path, unnest($folders::VARCHAR[]) AS folder,
                         unnest($stamps::BIGINT[]) AS stamp) f ON f.path = r._file""",
        {
            "paths": list(paths),
            "folders": [files.folders[path] for path in paths],
            "stamps": [files.stamps[path] for path in paths],
        },
    )


def _without_one_row(engine: Engine, files: _Files, known: Sequence[Problem]) -> list[Problem]:
    """Records that hold no run, or several, or a run without an id."""
    counted: dict[str, int] = dict(engine.query(f"SELECT folder, count(*) FROM {files.table} GROUP BY ALL"))
    bad = {each.path for each in known}
    problems = [
        Problem(path, f"holds {counted.get(folder, 0)} rows; a run record has one")
        for path, folder in files.folders.items()
        if path not in bad and counted.get(folder, 0) != 1
    ]
    for (folder,) in engine.query(f"SELECT folder FROM {files.table} WHERE id IS NULL OR id = ''"):
        problems.append(Problem(f"{folder}/{RECORD}", "the run has no id"))
    if problems:
        engine.execute(
            f"""DELETE FROM {files.table} WHERE id IS NULL OR id = ''
                OR folder IN (SELECT folder FROM {files.table} GROUP BY ALL HAVING count(*) > 1)"""
        )
    return problems
