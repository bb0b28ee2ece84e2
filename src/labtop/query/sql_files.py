"""Parquet files for SQL: found, checked, and the damaged ones left out and named.

DuckDB fails a whole query for one bad file, so what a view is to read is tried first; a failure is narrowed down by
halving.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtop.errors import QueryError
from labtop.query.engine import InterruptedQueryError
from labtop.query.request import Problem
from labtop.store.format import POINT_COLUMNS
from labtop.store.layout import RECORD
from labtop.store.part import writer_of
from labtop.store.reader import Point, check_parquet, list_point_files, read_log_points

_PHYSICAL = {"VARCHAR": "BYTE_ARRAY", "DOUBLE": "DOUBLE", "TIMESTAMP": "INT64", "BIGINT": "INT64"}
_POINT_SHAPE = {(name, _PHYSICAL[sql]) for name, sql in POINT_COLUMNS.items()}

Ask = Callable[[str, list[Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class PackedPoints:
    """A file with the points of many runs; only those of `run_ids` count, all if that is None."""

    path: Path
    run_ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class MetricFiles:
    """Sealed parts: `single` are the only part of their writer, `several` may repeat points; and open logs by run.

    `packed` are points of many runs in one file, each of one writer.
    """

    single: tuple[Path, ...] = ()
    several: tuple[Path, ...] = ()
    logs: tuple[tuple[str, Path], ...] = ()
    crowded: tuple[
        tuple[str, Path, tuple[str, ...]], ...
    ] = ()  # runs with several writers: id, folder, those
    problems: tuple[Problem, ...] = ()
    packed: tuple[PackedPoints, ...] = ()


def find_metric_files(
    runs: Iterable[tuple[str, Path]], ask: Ask | None = None, packed: Iterable[PackedPoints] = ()
) -> MetricFiles:
    """The files with points of runs (id and folder), those left out that are cut or, if `ask` is given, of other shape.

    To ask for the shape takes as long as a query over all points, so it is left for when one fails.
    """
    parts: list[Path] = []
    logs: list[tuple[str, Path]] = []
    crowded: list[tuple[str, Path, tuple[str, ...]]] = []
    problems: list[Problem] = []
    for run_id, folder in runs:
        found = list_point_files(folder)
        authors = {writer_of(path) for path in (*found.parts, *found.logs)}
        if len(authors) > 1:
            crowded.append((run_id, folder, tuple(sorted(authors))))
        parts += found.parts
        logs += [(run_id, path) for path in found.logs]
        problems += [Problem(str(each.path), each.reason) for each in found.problems]
    good, bad = (parts, []) if ask is None else sift(parts, lambda paths: _wrong_shape(paths, ask))
    writers = Counter(_writer(path) for path in good)
    return MetricFiles(
        single=tuple(path for path in good if writers[_writer(path)] == 1),
        several=tuple(path for path in good if writers[_writer(path)] > 1),
        logs=tuple(logs),
        crowded=tuple(crowded),
        problems=(*problems, *bad),
        packed=tuple(packed),
    )


def find_records(folders: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """The `run.parquet` files of run folders that look whole."""
    good: list[Path] = []
    problems: list[Problem] = []
    for folder in folders:
        path = folder / RECORD
        reason = check_parquet(path)
        if reason is None:
            good.append(path)
        elif path.exists():
            problems.append(Problem(str(path), reason))
    return good, problems


def read_logs(logs: Iterable[tuple[str, Path]]) -> tuple[list[tuple[str, Point]], list[Problem]]:
    """The points of open logs with their run, and what was damaged in them."""
    points: list[tuple[str, Point]] = []
    problems: list[Problem] = []
    for run_id, path in logs:
        found, _, damage = read_log_points(path)
        points += [(run_id, each) for each in found]
        problems += [Problem(str(each.path), each.reason) for each in damage]
    return points, problems


def sift(
    paths: Sequence[Path], examine: Callable[[Sequence[Path]], Iterable[tuple[Path, str]]]
) -> tuple[list[Path], list[Problem]]:
    """Paths without those that `examine` names, or raises QueryError for; found by halving."""
    if not paths:
        return [], []
    try:
        wrong = dict(examine(paths))
    except InterruptedQueryError:
        raise
    except QueryError as error:
        if len(paths) == 1:
            return [], [Problem(str(paths[0]), f"damaged: {error.message.splitlines()[0]}")]
        half = len(paths) // 2
        one, other = sift(paths[:half], examine), sift(paths[half:], examine)
        return one[0] + other[0], one[1] + other[1]
    return (
        [path for path in paths if path not in wrong],
        [Problem(str(path), reason) for path, reason in wrong.items()],
    )


def read_through(paths: Sequence[Path], ask: Ask) -> tuple[list[Path], list[Problem]]:
    """Paths that are of the right shape and whose every page can be read, and the others."""

    def examine(some: Sequence[Path]) -> Iterable[tuple[Path, str]]:
        columns = ", ".join(POINT_COLUMNS)
        ask(f"SELECT bit_xor(hash({columns})) FROM read_parquet(?)", [[str(path) for path in some]])
        return ()

    shaped, odd = sift(paths, lambda some: _wrong_shape(some, ask))
    whole, torn = sift(shaped, examine)
    return whole, [*odd, *torn]


def _wrong_shape(paths: Sequence[Path], ask: Ask) -> Iterable[tuple[Path, str]]:
    """Parts that lack a column of points, or have it of another type."""
    shapes: dict[str, set[tuple[Any, Any]]] = {str(path): set() for path in paths}
    for file, name, kind in ask("SELECT file_name, name, type FROM parquet_schema(?)", [list(shapes)]):
        shapes.setdefault(str(file), set()).add((name, kind))
    return [
        (path, "its columns are not those of points")
        for path in paths
        if not shapes[str(path)] >= _POINT_SHAPE
    ]


def _writer(path: Path) -> tuple[Path, str]:
    return path.parent, path.stem.rpartition("-")[0]
