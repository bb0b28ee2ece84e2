"""Tables with a row a step or a row a point: curves of one run, or of many in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from labtop.formats.files import open_regular
from labtop.formats.parquet import Batch
from labtop.formats.table_file import TableFile
from labtop.formats.typed_text import typed
from labtop.model.run import Value
from labtop.sources.columns import Curves, PointSplit, Roles, Split, chosen_rows
from labtop.sources.tables.guess import Guess

_PIECE = 500_000  # points held at a time
_HEAD = 4096


class Reached(msgspec.Struct, array_like=True):
    """Up to where a text file was read: a byte after a line end, the rows before it, and its first line."""

    end: int = 0
    rows: int = 0
    head: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read of a run since the last piece: its curves, and the parameters of its first row."""

    run: str
    curves: Curves
    params: Mapping[str, Value]
    appended: bool


@lru_cache(32)
def runs_in(table: TableFile, guessed: Guess, version: str) -> Mapping[str, int]:
    """The rows of each run of a table by its name; read once for each `version` of the file."""
    if guessed.run is None:
        return {"": 0}
    found: dict[str, int] = {}
    for batch in table.batches((guessed.run,), frozenset(), []):
        for run, rows in chosen_rows(batch, guessed.run, None):
            found[run] = found.get(run, 0) + len(rows)
    return found


def pieces(
    table: TableFile,
    guessed: Guess,
    wanted: frozenset[str],
    problems: list[str],
    before: Reached | None = None,
    end: int | None = None,
) -> Iterator[Piece]:
    """Read runs in one pass over a table, on from `before`, a million points at a time."""
    values = None if table.kind == "jsonl" and guessed.shape != "chart" else guessed.metrics
    roles = Roles(guessed.run, guessed.step, guessed.time, values, guessed.split, guessed.time_form)
    split: Split | PointSplit
    if guessed.metric and guessed.value:
        split = PointSplit(roles, guessed.metric, guessed.value, wanted)
    else:
        split = Split(roles, wanted)
        if before is not None:
            split.rows[""] = before.rows
    params: dict[str, dict[str, Value]] = {}
    given = {""} if before is not None else set()
    for batch in table.batches(
        _columns(table, guessed), _numbers(guessed), problems, before.end if before else 0, end
    ):
        split.add(batch)
        _add_params(batch, guessed, wanted, params)
        if split.points >= _PIECE:
            for run, curves in split.take().items():
                yield Piece(run, _shown(curves, guessed), params.get(run, {}), run in given)
                given.add(run)
    last = split.take()
    for run in sorted((wanted - given) | set(last)):
        yield Piece(run, _shown(last.get(run, {}), guessed), params.get(run, {}), run in given)


def _shown(curves: Curves, guessed: Guess) -> Curves:
    """Curves by the names that are shown."""
    kept = {name: curve for name, curve in curves.items() if name not in guessed.params}
    return {guessed.shown.get(name, name): curve for name, curve in kept.items()} if guessed.shown else kept


def chart_pieces(table: TableFile, guessed: Guess, problems: list[str]) -> Iterator[Piece]:
    """Read the runs of a chart: each column is a curve of one of them."""
    split = Split(Roles(None, guessed.step, guessed.time, guessed.metrics, None, guessed.time_form))
    for batch in table.batches(table.names, _numbers(guessed), problems):
        split.add(batch)
    runs: dict[str, Curves] = {}
    for name, curve in split.take().get("", {}).items():
        told = guessed.chart[name]
        runs.setdefault(told.run, {})[told.metric] = curve
    for run, curves in runs.items():
        yield Piece(run, curves, {}, False)


def _columns(table: TableFile, guessed: Guess) -> tuple[str, ...] | None:
    """The columns that are read; None for all there are."""
    if table.kind == "jsonl":
        return None
    if guessed.shape == "points":
        roles = (guessed.run, guessed.step, guessed.time, guessed.split, guessed.metric, guessed.value)
        return tuple(filter(None, roles))
    return table.names


def _numbers(guessed: Guess) -> frozenset[str]:
    numbers = {*guessed.metrics, guessed.step, guessed.value} - {None, guessed.run}
    return frozenset(str(each) for each in numbers)


def _add_params(
    batch: Batch, guessed: Guess, wanted: frozenset[str], params: dict[str, dict[str, Value]]
) -> None:
    """Take the texts of the first row of each run."""
    names = [name for name in guessed.params if name in batch.schema.names]
    if not names or guessed.shape == "points":
        return
    for run, rows in chosen_rows(batch, guessed.run, wanted):
        if run not in params and len(rows):
            cells = {name: batch.column(name)[int(rows[0])].as_py() for name in names}
            params[run] = {
                guessed.shown.get(name, name): _value(cell)
                for name, cell in cells.items()
                if isinstance(cell, str | int | float | list | dict)
            }


def _value(cell: Any) -> Value:
    if isinstance(cell, str):
        value: Value = typed(cell)
        return value
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else cell


def reached_of(state: bytes | None, path: Path) -> Reached | None:
    """Where the last reading of a file ended, when the file only grew since."""
    if not state:
        return None
    try:
        reached = msgspec.json.decode(state, type=Reached)
    except msgspec.DecodeError:
        return None
    if reached.end <= 0 or reached.end > path.stat().st_size:
        return None
    with open_regular(path) as file:
        if first_line(file.read(_HEAD)) != reached.head:
            return None
        file.seek(reached.end - 1)
        return reached if file.read(1) == b"\n" else None


def complete_end(path: Path) -> tuple[int | None, str, bool]:
    """Where the last whole line of a text file ends (None: no reading on), its first line, whether it is cut."""
    with open_regular(path) as file:
        head = first_line(file.read(_HEAD))
        size = file.seek(0, 2)
        file.seek(max(size - 1, 0))
        last = file.read(1)
        return (size if last == b"\n" else None), head, last not in (b"\n", b"\r")


def first_line(content: bytes) -> str:
    """The first line, by which a file that was written anew is told from one that grew."""
    return content.partition(b"\n")[0].decode("latin-1")
