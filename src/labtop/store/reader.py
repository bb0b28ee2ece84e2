"""Reads the files of one run. One bad file hides nothing: it is named with its reason and the rest is read.

The catalog reads records by the thousand through its engine; what is here reads one, and checks files before an engine
sees them.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

from labtop.errors import InputError
from labtop.model.run import RunRecord
from labtop.store.format import decode_record
from labtop.store.layout import FORMAT, METRICS, RECORD
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import writer_of
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.wal import read_wal

if TYPE_CHECKING:
    import pyarrow.parquet

_MAGIC = b"PAR1"
_SMALLEST_PARQUET = 12
LARGEST_FOOTER = 64 * 2**20
_MOST_LISTINGS = 20
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file, or a place in one, that could not be read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class PointFiles:
    """Where the points of a run lie: parts that were checked, and logs that no part has taken the place of."""

    parts: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()
    problems: tuple[FileProblem, ...] = ()


class Point(NamedTuple):
    """One logged value."""

    name: str
    step: float
    time_us: int
    value: float
    writer: str
    seq: int


def check_parquet(path: Path) -> str | None:
    """Why `path` is no whole Parquet file; None when it looks like one. Reads sixteen bytes, follows no FIFO."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
        size = found.st_size
        if size < _SMALLEST_PARQUET:
            return f"empty ({size} bytes)" if size == 0 else f"cut: only {size} bytes"
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(-8, 2)
            tail = file.read(8)
    except OSError as error:
        return error.strerror or str(error)
    return _check_ends(head, tail, size)


def check_parquet_bytes(content: bytes) -> str | None:
    """Why the content of a file is no whole Parquet file; None when it looks like one."""
    if len(content) < _SMALLEST_PARQUET:
        return f"cut: only {len(content)} bytes"
    return _check_ends(content[:4], content[-8:], len(content))


def _check_ends(head: bytes, tail: bytes, size: int) -> str | None:
    """What the first four and the last eight bytes of a file say."""
    if head != _MAGIC:
        return "not a Parquet file"
    if tail[4:] != _MAGIC:
        return "cut: its end is missing"
    footer = int.from_bytes(tail[:4], "little")
    if footer > min(size - _SMALLEST_PARQUET, LARGEST_FOOTER):
        return f"damaged: its footer cannot be {footer} bytes long"
    return None


def list_point_files(folder: Path) -> PointFiles:
    """The files that hold a run's points; drafts and unknown files are passed over.

    A log is left out when a good part of the same name is there: that part was sealed from it.
    """
    try:
        names = sorted(each.name for each in (folder / METRICS).iterdir() if not each.name.startswith("."))
    except FileNotFoundError:
        return PointFiles()
    except OSError as error:
        return PointFiles(problems=(FileProblem(folder / METRICS, error.strerror or str(error)),))
    parts: list[Path] = []
    problems: list[FileProblem] = []
    for name in names:
        if name.endswith(PART_SUFFIX):
            path = folder / METRICS / name
            reason = check_parquet(path)
            if reason is None:
                parts.append(path)
            else:
                problems.append(FileProblem(path, reason))
    sealed = {each.stem for each in parts}
    logs = [folder / METRICS / name for name in names if name.endswith(WAL_SUFFIX)]
    return PointFiles(tuple(parts), tuple(each for each in logs if each.stem not in sealed), tuple(problems))


def read_record(folder: Path) -> RunRecord:
    """The record in a run's folder, as it was written: summaries may lag behind and the status is not inferred.

    Raises:
        InputError: there is none, or it is damaged; the message says how.
    """
    path = folder / RECORD
    if (reason := check_parquet(path)) is not None:
        raise InputError(f"{path}: {reason}")
    import pyarrow
    import pyarrow.parquet

    try:
        # a file object: nothing in the name can make it a glob, a folder or a file system of its own
        with path.open("rb") as file:
            rows = open_parquet(file).read(use_threads=False).to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged: {error}") from error
    if len(rows) != 1 or not rows[0].get("id"):
        raise InputError(f"{path}: not the record of one run")
    return decode_record(rows[0])


def open_parquet(file: BinaryIO) -> pyarrow.parquet.ParquetFile:
    """A Parquet file that no thread of pyarrow reads ahead: one that holds a buffer when Python ends aborts it."""
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)


def read_part_points(path: Path) -> list[Point]:
    """The points of a sealed part, its page checksums verified.

    Raises:
        InputError: it is damaged or has other columns.
    """
    if (reason := check_parquet(path)) is not None:
        raise InputError(f"{path}: {reason}")
    import pyarrow
    import pyarrow.parquet

    columns = ["name", "step", "time", "value", "writer", "seq"]
    try:
        with path.open("rb") as file:
            table = open_parquet(file).read(columns, use_threads=False)
        times = table.column("time").cast(pyarrow.timestamp("us")).cast(pyarrow.int64())
        table = table.set_column(2, "time", times)
        values = [table.column(name).to_pylist() for name in columns]
    except (pyarrow.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged: {error}") from error
    return [Point(*each) for each in zip(*values, strict=True)]


def while_sealing(read: Callable[[], Result]) -> Result:
    """What `read` gives; it lists files and reads them, and is asked again when a log was sealed in between.

    Raises:
        FileNotFoundError: that happened again and again.
    """
    for _ in range(_MOST_LISTINGS - 1):
        try:
            return read()
        except FileNotFoundError:
            continue
    return read()


def read_log_points(path: Path, offset: int = 0) -> tuple[list[Point], int, tuple[FileProblem, ...]]:
    """The points of a log from `offset` on, where to read on later, and what was damaged. A torn end is no damage.

    Raises:
        FileNotFoundError: it is gone: sealed since it was listed, see `while_sealing`.
    """
    try:
        log = read_wal(path, offset)
    except FileNotFoundError:
        raise
    except OSError as error:
        return [], offset, (FileProblem(path, error.strerror or str(error)),)
    writer = writer_of(path)
    points = [
        Point(name, frame.step, frame.time_us, value, writer, seq)
        for frame in log.frames
        for seq, (name, value) in enumerate(frame.values.items(), frame.seq)
    ]
    problems = tuple(FileProblem(path, f"at byte {each.offset}: {each.reason}") for each in log.problems)
    return points, log.next_offset, problems


def read_points(folder: Path) -> tuple[list[Point], tuple[FileProblem, ...]]:
    """Every point of a run once, by writer and number, and the files that could not be read."""
    return while_sealing(lambda: _read_points(folder))


def _read_points(folder: Path) -> tuple[list[Point], tuple[FileProblem, ...]]:
    files = list_point_files(folder)
    problems = list(files.problems)
    once: dict[tuple[str, int], Point] = {}
    for path in files.logs:
        points, _, damage = read_log_points(path)
        problems.extend(damage)
        once.update(((each.writer, each.seq), each) for each in points)
    for path in files.parts:
        try:
            once.update(((each.writer, each.seq), each) for each in read_part_points(path))
        except InputError as error:
            problems.append(FileProblem(path, error.message))
    return [once[key] for key in sorted(once)], tuple(problems)


def is_newer_format(record: RunRecord) -> bool:
    """Whether a record was written by a labtop that knows more than this one: show it, never write to it."""
    return record.format > FORMAT
