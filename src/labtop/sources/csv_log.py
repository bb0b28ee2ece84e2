"""A table that a logger writes, a row a step, as curves: read on from where it ended.

Cells that are no numbers (blanks, `NA`, texts) give no points. Where a row has no step, its number counts, from 0.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from time import time
from typing import BinaryIO

import msgspec

from labtop.formats.csv_table import Block, CsvTable, numbers_of
from labtop.formats.files import open_regular
from labtop.sources.source import NO_TIME, Curve

_CHECKED = 64  # bytes at the beginning and before the place where reading ended that must still be there
_MOST_TOLD = 3
_NOTHING = frozenset(("", "na", "n/a", "<na>", "none", "null", "-", "--"))
_FRESH_S = 10.0
"""A last line without an end is waited for that long after the file was written."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which columns are what.

    Attributes:
        steps: names that a column of steps may have, the best first.
        apart: columns that are no metrics; their last numbers are told.
        comment: lines that begin so are left out.
        elapsed: a column of seconds since `began_s` (seconds since the epoch).
    """

    steps: tuple[str, ...]
    apart: frozenset[str] = frozenset()
    comment: str = ""
    elapsed: str = ""
    began_s: float | None = None


class LogState(msgspec.Struct):
    """How far a table was read: bytes, rows, and checksums of what is before."""

    at: int = 0
    rows: int = 0
    head: int = 0
    tail: int = 0
    names: tuple[str, ...] = ()
    delimiter: str = ","
    ragged: int = 0
    first_ragged: int = 0
    odd: dict[str, int] = msgspec.field(default_factory=dict)
    last: dict[str, float] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class LogRead:
    """What was read: the points that are new, or all where not `appended`. Without a `state` all is to be read again.

    `last` has the last numbers of columns apart, `names` the columns.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    appended: bool = False
    state: LogState | None = None
    problems: list[str] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    rows: int = 0
    odd: dict[str, int] = field(default_factory=dict)  # cells that are neither numbers nor blank, by column


def read_log(path: Path, rule: Rule, before: LogState | None = None) -> LogRead:
    """Read a table. Raises OSError, InputError."""
    with open_regular(path) as file:
        size = file.seek(0, 2)
        if before is not None and not _is_same(file, size, before):
            before = None
        known = before or LogState()
        table = CsvTable(rule.comment, known.at, known.names, known.delimiter)
        table.ragged, table.first_ragged = known.ragged, known.first_ragged
        read = LogRead(
            appended=before is not None, last=dict(known.last), rows=known.rows, odd=dict(known.odd)
        )
        for block in table.read(file, size):
            _add_block(read, block, rule)
        is_whole = table.unfinished is None
        if table.unfinished is not None and time() - path.stat().st_mtime > _FRESH_S:
            _add_block(read, Block(table.names, [table.unfinished]), rule)
        elif size and not is_whole:
            is_whole = True  # the last line waits
        read.names = table.names
        read.problems = [f"{path.name}{each}" for each in _problems(table, size, read.odd)]
        if is_whole and table.at:
            head, tail = _checksums(file, table.at)
            read.state = LogState(
                table.at,
                read.rows,
                head,
                tail,
                table.names,
                table.delimiter,
                table.ragged,
                table.first_ragged,
                read.odd,
                read.last,
            )
    return read


def _problems(table: CsvTable, size: int, odd: Mapping[str, int]) -> list[str]:
    said = [f": {each}" for each in table.problems]
    if not size:
        said.append(" is empty")
    if table.has_tail:
        said.append(": its last line has no end: it is cut off, or still being written")
    if table.ragged:
        rows = "1 row" if table.ragged == 1 else f"{table.ragged:,} rows"
        said.append(f": {rows} of another width than the header; the first is line {table.first_ragged}")
    for name, count in sorted(odd.items())[:_MOST_TOLD]:
        said.append(
            f": column {name}: {count:,} {'cell is no number' if count == 1 else 'cells are no numbers'}"
        )
    if len(odd) > _MOST_TOLD:
        said.append(f": so it is in {len(odd) - _MOST_TOLD:,} more columns")
    return said


def decode_state(state: bytes | None) -> LogState | None:
    """The state of an earlier reading; None where it is none."""
    if not state:
        return None
    try:
        return msgspec.json.decode(state, type=LogState)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def encode_state(state: LogState | None) -> bytes | None:
    """As bytes for the next reading."""
    return None if state is None else msgspec.json.encode(state)


def _is_same(file: BinaryIO, size: int, state: LogState) -> bool:
    """Whether what was read before is still there; a header that was rewritten moves all of it."""
    return 0 < state.at <= size and _checksums(file, state.at) == (state.head, state.tail)


def _checksums(file: BinaryIO, at: int) -> tuple[int, int]:
    file.seek(0)
    head = file.read(min(at, _CHECKED * 16))
    file.seek(max(0, at - _CHECKED))
    return zlib.crc32(head), zlib.crc32(file.read(min(at, _CHECKED)))


def _add_block(read: LogRead, block: Block, rule: Rule) -> None:
    """Add the rows of a block to the curves."""
    columns = dict(zip(block.names, zip(*block.rows, strict=True), strict=True))
    first, count = read.rows, len(block.rows)
    read.rows += count
    step_name = next((name for name in rule.steps if name in columns), None)
    steps = _steps(columns.get(step_name or ""), first, count)
    times = _times(columns, rule, count)
    for name, cells in columns.items():
        if not name:
            continue
        numbers, is_number = numbers_of(cells)
        if is_number is not None and not any(is_number):
            continue
        if is_number is not None and (odd := _odd_cells(cells, is_number)):
            read.odd[name] = read.odd.get(name, 0) + odd
        if name in rule.apart or name == step_name:
            read.last[name] = numbers[-1] if is_number is None else list(compress(numbers, is_number))[-1]
            continue
        curve = read.curves.setdefault(name, Curve())
        if is_number is None:
            curve.steps.extend(steps)
            curve.times_us.extend(times)
            curve.values.extend(numbers)
        else:
            curve.steps.extend(compress(steps, is_number))
            curve.times_us.extend(compress(times, is_number))
            curve.values.extend(compress(numbers, is_number))


def _odd_cells(cells: Sequence[str], is_number: Sequence[bool]) -> int:
    """How many cells among numbers are none, and say no word for nothing either."""
    others = [cell for cell, known in zip(cells, is_number, strict=True) if not known and cell]
    return sum(1 for cell in others if cell.strip().lower() not in _NOTHING)


def _steps(cells: Sequence[str] | None, first: int, count: int) -> array[float]:
    """The step of each row: what the column says, or the row's number."""
    counted = array("d", range(first, first + count))
    if cells is None:
        return counted
    steps, is_number = numbers_of(cells)
    if is_number is None and all(step == step for step in steps):
        return steps
    known = is_number or [True] * count
    rows = zip(steps, known, counted, strict=True)
    return array("d", [step if is_known and step == step else at for step, is_known, at in rows])


def _times(columns: dict[str, tuple[str, ...]], rule: Rule, count: int) -> Sequence[int]:
    cells = columns.get(rule.elapsed)
    if cells is None or rule.began_s is None:
        return [NO_TIME] * count
    seconds, _ = numbers_of(cells)
    began_s = rule.began_s
    return [round((began_s + each) * 1e6) if abs(each) < 1e11 else NO_TIME for each in seconds]
