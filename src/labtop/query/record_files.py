"""Reads `run.parquet` files through DuckDB, many at once; a bad one is found, named and left out.

DuckDB fails a whole query for one bad file, so files are checked first, and what still fails is found by halving.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labtop.errors import QueryError
from labtop.formats.opening import READ, read_at
from labtop.query.encoded_record import COLUMNS, EncodedRecord
from labtop.query.engine import Engine, InterruptedQueryError, Row, quote_name
from labtop.query.processes import look_at_ranks
from labtop.query.request import Problem
from labtop.store.layout import RECORD
from labtop.store.reader import check_parquet

_TIMES = ("started_at", "ended_at")


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """What came of reading some folders: records, damaged files, and folders that hold no record (yet)."""

    records: tuple[EncodedRecord, ...] = ()
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Files:
    """Checked files: path → folder relative to the store, and what identifies its content; and the rows in them."""

    folders: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def stamp_of(status: os.stat_result) -> int:
    """One number that changes whenever a record is replaced: it is always a new file."""
    return (status.st_mtime_ns * 1_000_003 + status.st_size) % 2**63


def stamp_of_file(path: str) -> int | None:
    """The stamp of a file, None when it is not there."""
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116 - hundreds, each second
    except OSError:
        return None


def record_path(store: Path, folder: str) -> str:
    """The path of the record of a run folder, given relative to the store."""
    return f"{store}/{folder}/{RECORD}"


def read_records(engine: Engine, store: Path, folders: Sequence[str]) -> RecordsRead:
    """The records of run folders, given relative to the store."""
    files = _Files()
    problems: list[Problem] = []
    missing: list[str] = []
    for folder in folders:
        path = record_path(store, folder)
        try:
            stamp, reason = check_record(path)
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
    records, odd = _one_a_file(files, problems)
    return RecordsRead(tuple(records), (*problems, *odd), tuple(missing))


def check_record(path: str) -> tuple[int, str | None]:
    """What identifies a record, and why it is no whole Parquet file. A tenth of the time of `check_parquet`."""
    found = os.stat(path)  # noqa: PTH116 - Path costs more than the system call, ten thousand times
    if stat.S_ISREG(found.st_mode) and found.st_size >= 12:
        descriptor = os.open(path, READ)
        try:
            ends = read_at(descriptor, 4, 0) + read_at(descriptor, 8, found.st_size - 8)
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
        _query(engine, paths, files, COLUMNS)
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
        stamp, reason = check_record(path)
        if stamp != files.stamps[path] and reason is None and patience:
            # DuckDB opens a file more than once; a live run's is replaced every second
            files.stamps[path] = stamp
            columns = list(COLUMNS)
        else:
            described = engine.query("DESCRIBE SELECT * FROM read_parquet([?])", [path])
            columns = [name for name in COLUMNS if name in {row[0] for row in described}]
            if "id" not in columns or len(columns) == len(COLUMNS):
                raise error
            patience = 0
        try:
            _query(engine, [path], files, columns)
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


def _query(engine: Engine, paths: Sequence[str], files: _Files, columns: Sequence[str]) -> None:
    wanted = ", ".join(column_sql(name) if name in columns else "NULL" for name in COLUMNS)
    several = ", union_by_name = true" if len(paths) > 1 else ""
    files.rows += engine.query(
        f"""SELECT _file, {wanted}
            FROM read_parquet(?{several}, filename = '_file', hive_partitioning = false)""",
        [list(paths)],
    )


def column_sql(name: str) -> str:
    """A column of a record as an expression: a text, or a time in microseconds."""
    column = quote_name(name)
    if name in _TIMES:
        return f"if(isfinite({column}::TIMESTAMP), epoch_us({column}::TIMESTAMP), NULL)"
    return f"{column}::VARCHAR"


def _one_a_file(files: _Files, known: Sequence[Problem]) -> tuple[list[EncodedRecord], list[Problem]]:
    """The records, and which files hold no run, or several, or a run without an id."""
    counted = Counter(row[0] for row in files.rows)
    bad = {each.path for each in known}
    problems = [
        Problem(path, f"holds {counted[path]} rows; a run record has one")
        for path in files.folders
        if path not in bad and counted[path] != 1
    ]
    single = [row for row in files.rows if counted[row[0]] == 1]
    problems += [Problem(row[0], "the run has no id") for row in single if not row[1]]
    return [_record(row, files) for row in single if row[1]], problems


def _record(row: Row, files: _Files) -> EncodedRecord:
    path, *values = row
    ranks = look_at_ranks(path.removesuffix(f"/{RECORD}"))
    return EncodedRecord.of_row(files.folders[path], files.stamps[path], values, ranks)
