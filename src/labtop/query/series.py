"""The points of metrics as arrays for curves, and as rows for scripts; and what smooths and aligns them.

Sealed parts are read by DuckDB, logs that are not sealed yet frame by frame. A point counts once, by writer and
number; whose points they are where a run has several processes is for query/ranks.py. Numpy lives here, there and in
query/lineage.py, and nowhere else below the views.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from labtop.errors import InputError, QueryError
from labtop.query.engine import Engine, InterruptedQueryError
from labtop.query.lineage import Ancestor, ancestors, stitched
from labtop.query.ranks import LEAD, NO_ROLES, NO_TIME, Part, RankChoice, choose, read_roles
from labtop.query.request import Point, Problem
from labtop.query.rising import rising_part
from labtop.store.part import writer_of
from labtop.store.reader import Point as LogPoint
from labtop.store.reader import PointFiles, list_point_files, read_log_points, while_sealing
from labtop.store.writers import WRITERS

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric of one run, of one rank or over its ranks: arrays of one length, sorted by step.

    Equal steps stay in logged order. A time that is not known is `NO_TIME`.
    """

    run_id: str
    name: str
    steps: Floats
    times_us: Integers
    values: Floats
    problems: tuple[Problem, ...] = ()
    rank: int | None = 0  # of which rank; None for an aggregate over ranks
    label: str = ""  # "rank 0 of 32" where several ranks logged it

    def __len__(self) -> int:
        return len(self.values)


def load_series(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str],
    ranks: RankChoice = LEAD,
    own: bool = False,
) -> list[Series]:
    """The series of runs, run by run and name by name; those without points are left out.

    Arguments:
        ranks: whose points, where several processes logged the same metric.
        own: leave out what a forked run has in common with the run it was forked from.

    Raises:
        InterruptedQueryError: `catalog.interrupt` was called.
    """
    ids, wanted = list(dict.fromkeys(run_ids)), list(dict.fromkeys(names))
    catalog.folders.make(ids)
    forks = {} if own or not ids else ancestors(catalog, ids)
    return [
        series
        for run_id in ids
        for series in _load_with_ancestors(catalog, run_id, forks.get(run_id, ()), wanted, ranks)
        if len(series)
    ]


def _load_with_ancestors(
    catalog: Catalog, run_id: str, forks: Sequence[Ancestor], names: Sequence[str], ranks: RankChoice
) -> list[Series]:
    found = _load_run(catalog.engine, catalog.run_folder(run_id), names, ranks)
    before = [
        (each, _load_run(catalog.engine, catalog.run_folder(each.run_id), names, ranks)) for each in forks
    ]
    loaded = []
    for name in names:
        parts = {part.key: part for part in found.parts.get(name, ())}
        for _, other in before:
            for part in other.parts.get(name, ()):
                parts.setdefault(part.key, part.where(part.steps != part.steps))
        for key, part in parts.items():
            inherited = [
                (each, same)
                for each, other in before
                for same in other.parts.get(name, ())
                if same.key == key
            ]
            whole = stitched(part, inherited)
            loaded.append(
                Series(
                    run_id,
                    name,
                    whole.steps,
                    whole.times_us,
                    whole.values,
                    found.problems,
                    part.rank,
                    part.label,
                )
            )
    return loaded


def load_points(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    ranks: RankChoice = LEAD,
    own: bool = False,
) -> list[Point]:
    """Every point of runs by run, name and step; `names` are globs, None is all. Damaged files are passed over."""
    return [
        Point(series.run_id, series.name, step, None if time_us == NO_TIME else time_us, value, series.rank)
        for series in load_every_series(catalog, run_ids, names, ranks, own)
        for step, time_us, value in zip(
            series.steps.tolist(), series.times_us.tolist(), series.values.tolist(), strict=True
        )
    ]


def load_every_series(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    ranks: RankChoice = LEAD,
    own: bool = False,
) -> Iterator[Series]:
    """The series of runs whose names fit one of the globs `names` (None: all), by run and name."""
    ids = list(dict.fromkeys(run_ids))
    catalog.folders.make(ids)
    forks = {} if own or not ids else ancestors(catalog, ids)
    for run_id in ids:
        family = [run_id, *(each.run_id for each in forks.get(run_id, ()))]
        there = sorted(
            {name for each in family for name in metric_names(catalog.engine, catalog.run_folder(each))}
        )
        wanted = [
            name for name in there if names is None or any(fnmatch.fnmatchcase(name, glob) for glob in names)
        ]
        found = _load_with_ancestors(catalog, run_id, forks.get(run_id, ()), wanted, ranks)
        yield from (series for series in found if len(series))


def metric_names(engine: Engine, folder: Path | None) -> list[str]:
    """The names of a run's logged metrics, sorted."""
    if folder is None:
        return []

    def logged() -> tuple[PointFiles, set[str]]:
        files = list_point_files(folder)
        return files, {each.name for path in files.logs for each in read_log_points(path)[0]}

    files, names = while_sealing(logged)
    for path in files.parts:
        try:
            names |= {
                row[0] for row in engine.query("SELECT DISTINCT name FROM read_parquet([?])", [str(path)])
            }
        except InterruptedQueryError:
            raise
        except QueryError:
            continue
    return sorted(names)


class _Loaded(NamedTuple):
    """The points of metrics of one run, by name, and what could not be read of them."""

    parts: Mapping[str, Sequence[Part]]
    problems: tuple[Problem, ...] = ()


def _load_run(engine: Engine, folder: Path | None, names: Sequence[str], ranks: RankChoice) -> _Loaded:
    if folder is None or not names:
        return _Loaded({})
    return while_sealing(lambda: _read(engine, folder, names, ranks))


def _read(engine: Engine, folder: Path, names: Sequence[str], ranks: RankChoice) -> _Loaded:
    files = list_point_files(folder)
    problems = [Problem(str(each.path), each.reason) for each in files.problems]
    logged: list[LogPoint] = []
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
    return _Loaded(loaded, tuple(problems))


def _rising(
    engine: Engine, parts: Sequence[Path], names: Sequence[str], logged: Sequence[LogPoint]
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
            return [], [], [Problem(str(parts[0]), f"damaged: {error.message.splitlines()[0]}")]
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


def _by_writer(sealed: dict[str, Any], logged: Sequence[LogPoint], writers: Sequence[str]) -> dict[str, Part]:
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


def smooth_ema(values: Floats, alpha: float) -> Floats:
    """Exponential moving average with weight `alpha` for the newest value, without the bias of its start.

    A NaN takes no part and stays where it is. As in Adam (Kingma and Ba 2014): the running average of zeros and
    values is divided by 1 - (1 - alpha)^n.
    """
    if not 0 < alpha <= 1:
        raise InputError(f"alpha is {alpha}", "it lies above 0 and is at most 1")
    kept = np.isfinite(values)
    known = np.asarray(values[kept], dtype=np.float64)
    smooth = np.array(values, dtype=np.float64)
    smooth[kept] = _debiased(known, 1 - alpha)
    return smooth


def _debiased(values: Floats, decay: float) -> Floats:
    """sum(decay^(n-i) v_i) / sum(decay^(n-i)), in blocks short enough that no power runs out of range."""
    if decay <= 0 or len(values) == 0:
        return values.copy()
    block = max(1, min(len(values), int(-600 / np.log(decay)) if decay < 1 else len(values)))
    weighted, weights = 0.0, 0.0
    smooth = np.empty_like(values)
    for start in range(0, len(values), block):
        part = values[start : start + block]
        powers = decay ** np.arange(1, len(part) + 1)
        sums = powers * (weighted + np.cumsum(part / powers))
        totals = powers * (weights + np.cumsum(1 / powers))
        smooth[start : start + block] = sums / totals
        weighted, weights = sums[-1], totals[-1]
    return smooth


def smooth_window(values: Floats, n: int) -> Floats:
    """Mean of the `n` values around each, fewer at the ends. A NaN takes no part and stays where it is."""
    if n < 1:
        raise InputError(f"a window of {n} values", "it has at least one")
    kept = np.isfinite(values)
    known = np.where(kept, values, 0.0)
    sums = np.concatenate(([0.0], np.cumsum(known, dtype=np.float64)))
    counts = np.concatenate(([0], np.cumsum(kept)))
    places = np.arange(len(values))
    low = np.maximum(places - (n - 1) // 2, 0)
    high = np.minimum(places + n // 2 + 1, len(values))
    smooth = np.array(values, dtype=np.float64)
    smooth[kept] = ((sums[high] - sums[low]) / np.maximum(counts[high] - counts[low], 1))[kept]
    return smooth


def align(series: Sequence[Series]) -> tuple[Floats, Floats]:
    """All steps of several series, and a row of values for each series: NaN where it has no point at that step.

    Of several points at one step the last logged counts.
    """
    if not series:
        return np.empty(0), np.empty((0, 0))
    steps = np.unique(np.concatenate([each.steps for each in series]))
    values = np.full((len(series), len(steps)), np.nan)
    for row, each in zip(values, series, strict=True):
        row[np.searchsorted(steps, each.steps)] = each.values
    return steps, values
