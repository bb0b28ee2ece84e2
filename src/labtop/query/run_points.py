"""The points of one run's metrics, each once: sealed parts read by DuckDB, what is not sealed yet frame by frame.

A point counts once, by writer and number; whose points they are where a run has several processes is for
query/ranks.py, and what a fork has from its parent for query/series.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labtop.errors import QueryError
from labtop.query.engine import Engine, InterruptedQueryError
from labtop.query.ranks import NO_ROLES, NO_TIME, Floats, Integers, Part, RankChoice, choose, read_roles
from labtop.query.request import Problem, Tell
from labtop.query.rising_steps import rising_part
from labtop.query.sql_files import read_through
from labtop.store.part import writer_of
from labtop.store.reader import (
    FileProblem,
    Point,
    PointFiles,
    list_point_files,
    read_log_points,
    while_sealing,
)
from labtop.store.writers import WRITERS


def metric_names(engine: Engine, folder: Path | None, tell: Tell) -> list[str]:
    """The names of a run's logged metrics, sorted. Of files that cannot be read it is told."""
    if folder is None:
        return []

    def logged() -> tuple[PointFiles, set[str]]:
        files = list_point_files(folder)
        return files, {each.name for path in files.logs for each in read_log_points(path)[0]}

    files, names = while_sealing(logged)
    for each in files.problems:
        tell(Problem(str(each.path), each.reason))
    for path in files.parts:
        try:
            names |= {
                row[0] for row in engine.query("SELECT DISTINCT name FROM read_parquet([?])", [str(path)])
            }
        except InterruptedQueryError:
            raise
        except QueryError as error:
            tell(Problem(str(path), _damage(error)))
    return sorted(names)


class RunPoints(NamedTuple):
    """The points of metrics of one run, by name, and what could not be read of them."""

    parts: Mapping[str, Sequence[Part]]
    problems: tuple[Problem, ...] = ()


def read_points(engine: Engine, folder: Path | None, names: Sequence[str], ranks: RankChoice) -> RunPoints:
    """The points of some metrics of the run in a folder; none for a run that has no folder.

    Raises:
        InterruptedQueryError: the engine was told to stop.
    """
    if folder is None or not names:
        return RunPoints({})
    try:
        return while_sealing(lambda: _read(engine, folder, list_point_files(folder), names, ranks))
    except InterruptedQueryError:
        raise
    except QueryError:  # a part that looks whole is not: its pages are damaged
        return while_sealing(lambda: _read(engine, folder, _whole_files(engine, folder), names, ranks))


def _whole_files(engine: Engine, folder: Path) -> PointFiles:
    """The files of points of which every page can be read: as slow as reading them all."""
    files = list_point_files(folder)
    whole, torn = read_through(files.parts, engine.query)
    damaged = tuple(FileProblem(Path(each.path), each.reason) for each in torn)
    return PointFiles(tuple(whole), files.logs, (*files.problems, *damaged))


def _damage(error: QueryError) -> str:
    return f"damaged: {error.message.splitlines()[0]}"


def _read(
    engine: Engine, folder: Path, files: PointFiles, names: Sequence[str], ranks: RankChoice
) -> RunPoints:
    problems = [Problem(str(each.path), each.reason) for each in files.problems]
    logged: list[Point] = []
    for path in files.logs:
        points, _, damage = read_log_points(path)
        logged += points
        problems += [Problem(str(each.path), each.reason) for each in damage]
    writers, sound = sorted({writer_of(path) for path in files.parts}), list(files.parts)
    everyone = {*writers, *(each.writer for each in logged)}
    rising = _rising(engine, sound, names, logged) if len(everyone) == 1 else {}
    if len(rising) < len(names) and (len(writers) > 1 or not _can_be_read(engine, sound)):
        writers, sound, damaged = _writers(engine, sound)
        problems += damaged
    roles = read_roles(engine, folder) if len(everyone) > 1 or (folder / WRITERS).is_dir() else NO_ROLES
    loaded: dict[str, Sequence[Part]] = {}
    for name in names:
        if name in rising:
            part = rising[name]
            by_writer = {min(everyone): part} if len(part) else {}
        else:
            of_name = [each for each in logged if each.name == name]
            by_writer = _by_writer(_sealed(engine, sound, writers, name), of_name, writers)
        loaded[name] = choose(by_writer, roles, ranks)
    return RunPoints(loaded, tuple(problems))


def _rising(
    engine: Engine, parts: Sequence[Path], names: Sequence[str], logged: Sequence[Point]
) -> dict[str, Part]:
    """The metrics of one writer that can be had the quick way."""
    found = {
        name: rising_part(engine, parts, name, [each for each in logged if each.name == name])
        for name in names
    }
    return {name: part for name, part in found.items() if part is not None}


def _can_be_read(engine: Engine, parts: Sequence[Path]) -> bool:
    """Whether all parts of one writer can be read and are its own, by what the footers say of the names alone."""
    try:
        if parts:
            engine.query("SELECT count(*) FROM read_parquet(?)", [[str(each) for each in parts]])
    except InterruptedQueryError:
        raise
    except QueryError:
        return False
    return True


def _writers(engine: Engine, parts: Sequence[Path]) -> tuple[list[str], list[Path], list[Problem]]:
    """Who wrote the points in sealed parts, which parts can be read, and what is wrong with the others."""
    sql = "SELECT DISTINCT writer FROM read_parquet(?) ORDER BY writer"
    if not parts:
        return [], [], []
    try:
        return [row[0] for row in engine.query(sql, [[str(each) for each in parts]])], list(parts), []
    except InterruptedQueryError:
        raise
    except QueryError as error:
        if len(parts) == 1:
            if not parts[0].exists():
                raise FileNotFoundError(parts[0]) from error
            return [], [], [Problem(str(parts[0]), _damage(error))]
    half = len(parts) // 2
    first, second = _writers(engine, parts[:half]), _writers(engine, parts[half:])
    return sorted({*first[0], *second[0]}), first[1] + second[1], first[2] + second[2]


def _sealed(engine: Engine, parts: Sequence[Path], writers: Sequence[str], name: str) -> dict[str, Any]:
    """Points of one metric in sealed parts, in no order that could be relied on."""
    if not parts:
        return {}
    # the number of a writer instead of its text: a million texts are slower than all the rest
    known = (
        f", list_position([{', '.join('?' for _ in writers)}], writer) AS writer" if len(writers) > 1 else ""
    )
    found = engine.arrays(
        f"SELECT step, epoch_us(time) AS time_us, value, seq{known} FROM read_parquet(?) WHERE name = ?",
        [*(writers if known else ()), [str(each) for each in parts], name],
    )
    return found if known else {**found, "writer": np.zeros(len(found["seq"]), dtype=np.int64)}


def _by_writer(sealed: dict[str, Any], logged: Sequence[Point], writers: Sequence[str]) -> dict[str, Part]:
    """Sealed and logged points together, once each, by writer and in it by step."""
    known = {writer: number for number, writer in enumerate(writers, 1 if len(writers) > 1 else 0)}
    for each in logged:
        known.setdefault(each.writer, len(known) + 2)
    steps = _joined(sealed, "step", [each.step for each in logged], np.float64)
    times = _joined(sealed, "time_us", [each.time_us for each in logged], np.int64)
    values = _joined(sealed, "value", [each.value for each in logged], np.float64)
    numbers = _joined(sealed, "seq", [each.seq for each in logged], np.int64)
    owners = _joined(sealed, "writer", [known[each.writer] for each in logged], np.int64)
    if not len(steps):
        return {}
    there = np.unique(owners) if len(known) > 1 else owners[:1]
    names = {number: writer for writer, number in known.items()}
    parts: dict[str, Part] = {}
    for owner in there.tolist():
        at = slice(None) if len(there) == 1 else owners == owner
        part = Part(steps[at], times[at], values[at])
        order = _order(part.steps, numbers[at])
        if order is not None:
            part = Part(part.steps[order], part.times_us[order], part.values[order])
        parts[names[owner]] = part
    return parts


def _joined(sealed: dict[str, Any], column: str, logged: list[Any], kind: Any) -> npt.NDArray[Any]:
    parts = []
    if column in sealed:
        found = sealed[column]
        # a null is a time that is not known, or no number, which nothing writes
        plain = (
            found.filled(np.nan if kind is np.float64 else NO_TIME)
            if isinstance(found, np.ma.MaskedArray)
            else found
        )
        parts.append(np.asarray(plain, dtype=kind))
    if logged:
        parts.append(np.asarray(logged, dtype=kind))
    if not parts:
        return np.empty(0, dtype=kind)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _order(steps: Floats, numbers: Integers) -> Integers | None:
    """Where each point of a writer belongs, doubles left out; None when all is in order already."""
    if len(steps) < 2 or (_rises(numbers) and bool((steps[1:] >= steps[:-1]).all())):
        return None
    # parts come in any order, each sorted in itself: a stable sort only has to merge them
    order = np.argsort(numbers, kind="stable")
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = np.diff(numbers[order]) != 0
    if not is_first.all():
        order = order[is_first]
    by_number = steps[order]
    if not bool((by_number[1:] >= by_number[:-1]).all()):
        order = order[np.argsort(by_number, kind="stable")]
    return np.asarray(order, dtype=np.int64)


def _rises(numbers: Integers) -> bool:
    return bool((numbers[1:] > numbers[:-1]).all())
