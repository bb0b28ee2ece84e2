"""Reads many `run.parquet` files at once into the table `chunk`; a bad one is found, named and left out.

DuckDB fails a whole query for one bad file, so files are checked first, and what still fails is found by halving.
"""

from __future__ import annotations

import os
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

_SQL_TYPES = {name: "VARCHAR" if sql == "JSON" else sql for name, sql in RECORD_COLUMNS.items()}


@dataclass(frozen=True, slots=True)
class ChunkRead:
    """What came of reading a chunk: damaged files, and folders that hold no record (yet)."""

    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Files:
    """Checked files: path → folder relative to the store, and what identifies its content."""

    folders: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)


def stamp_of(status: os.stat_result) -> int:
    """One number that changes whenever a record is replaced: it is always a new file."""
    return (status.st_mtime_ns * 1_000_003 + status.st_size) % 2**63


def make_chunk_table(engine: Engine) -> None:
    """An empty table `chunk` of encoded records.

    `row` is given later; `final` says that a run has ended by its own word, `seen_until` when one without an end was
    last seen, `broken` how many of its documents could not be read.
    """
    columns = ", ".join(f"{quote_name(name)} {sql}" for name, sql in _SQL_TYPES.items())
    engine.execute(
        f"""CREATE OR REPLACE TABLE chunk ("row" UINTEGER, folder VARCHAR, stamp BIGINT, final BOOLEAN,
                seen_until TIMESTAMP, archived BOOLEAN, broken BIGINT DEFAULT 0, {columns})"""
    )


def read_records(engine: Engine, store: Path, folders: Sequence[str]) -> ChunkRead:
    """Fill `chunk` with the records of run folders, given relative to the store."""
    make_chunk_table(engine)
    problems: list[Problem] = []
    missing: list[str] = []
    files = _Files()
    for folder in folders:
        path = f"{store}/{folder}/{RECORD}"
        try:
            stamp = stamp_of(Path(path).stat())
            reason = check_parquet(Path(path))
        except FileNotFoundError:
            missing.append(folder)
            continue
        except OSError as error:
            reason, stamp = f"cannot be read: {error.strerror or error}", 0
        if reason:
            problems.append(Problem(path, reason))
        else:
            files.folders[path] = folder
            files.stamps[path] = stamp
    _load(engine, list(files.folders), files, problems)
    problems += _without_one_row(engine, files, problems)
    return ChunkRead(tuple(problems), tuple(missing))


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
    engine: Engine, path: str, files: _Files, problems: list[Problem], error: QueryError
) -> None:
    """A record that lacks columns is read for what it has; anything else is damaged."""
    try:
        described = engine.query("DESCRIBE SELECT * FROM read_parquet(?)", [path])
        there = [name for name in _SQL_TYPES if name in {row[0] for row in described}]
        if "id" not in there or len(there) == len(_SQL_TYPES):
            raise error
        _insert(engine, [path], files, there)
    except InterruptedQueryError:
        raise
    except QueryError as failure:
        problems.append(Problem(path, failure.message.splitlines()[0]))


def _insert(engine: Engine, paths: Sequence[str], files: _Files, columns: Sequence[str]) -> None:
    selected = ", ".join(
        f"r.{quote_name(name)}::{_SQL_TYPES[name]} AS {quote_name(name)}" for name in columns
    )
    engine.execute(
        f"""INSERT INTO chunk BY NAME
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
    counted: dict[str, int] = dict(engine.query("SELECT folder, count(*) FROM chunk GROUP BY ALL"))
    bad = {each.path for each in known}
    problems = [
        Problem(path, f"holds {counted.get(folder, 0)} rows; a run record has one")
        for path, folder in files.folders.items()
        if path not in bad and counted.get(folder, 0) != 1
    ]
    for (folder,) in engine.query("SELECT folder FROM chunk WHERE id IS NULL OR id = ''"):
        problems.append(Problem(f"{folder}/{RECORD}", "the run has no id"))
    if problems:
        engine.execute(
            """DELETE FROM chunk WHERE id IS NULL OR id = ''
               OR folder IN (SELECT folder FROM chunk GROUP BY ALL HAVING count(*) > 1)"""
        )
    return problems
