"""The series of runs as arrays for curves, and as rows for scripts; a fork goes on where it left its parent.

Numpy lives here, in query/{run_points,ranks,rising_steps,lineage,smoothing}.py, and nowhere else below the views.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labtop.query.catalog import Catalog
from labtop.query.lineage import Ancestor, ancestors, stitched
from labtop.query.ranks import LEAD, NO_TIME, Floats, Integers, RankChoice
from labtop.query.request import Point, Problem, Tell, tell_nobody
from labtop.query.run_points import metric_names, read_points


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
    tell: Tell = tell_nobody,
) -> list[Series]:
    """The series of runs, run by run and name by name; those without points are left out.

    Arguments:
        ranks: whose points, where several processes logged the same metric.
        own: leave out what a forked run has in common with the run it was forked from.
        tell: of files that could not be read.

    Raises:
        InterruptedQueryError: `catalog.interrupt` was called.
    """
    ids, wanted = list(dict.fromkeys(run_ids)), list(dict.fromkeys(names))
    catalog.folders.make(ids)
    forks = {} if own or not ids else ancestors(catalog, ids)
    return [
        series
        for run_id in ids
        for series in _load_with_ancestors(catalog, run_id, forks.get(run_id, ()), wanted, ranks, tell)
        if len(series)
    ]


def load_points(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    ranks: RankChoice = LEAD,
    own: bool = False,
    tell: Tell = tell_nobody,
) -> list[Point]:
    """Every point of runs by run, name and step; `names` are globs, None is all. Of damaged files it is told."""
    return [
        Point(series.run_id, series.name, step, None if time_us == NO_TIME else time_us, value, series.rank)
        for series in load_every_series(catalog, run_ids, names, ranks, own, tell)
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
    tell: Tell = tell_nobody,
) -> Iterator[Series]:
    """The series of runs whose names fit one of the globs `names` (None: all), by run and name."""
    ids = list(dict.fromkeys(run_ids))
    catalog.folders.make(ids)
    forks = {} if own or not ids else ancestors(catalog, ids)
    for run_id in ids:
        family = [run_id, *(each.run_id for each in forks.get(run_id, ()))]
        there = sorted(
            {name for each in family for name in metric_names(catalog.engine, catalog.run_folder(each), tell)}
        )
        wanted = [
            name for name in there if names is None or any(fnmatch.fnmatchcase(name, glob) for glob in names)
        ]
        found = _load_with_ancestors(catalog, run_id, forks.get(run_id, ()), wanted, ranks, tell)
        yield from (series for series in found if len(series))


def _load_with_ancestors(
    catalog: Catalog,
    run_id: str,
    forks: Sequence[Ancestor],
    names: Sequence[str],
    ranks: RankChoice,
    tell: Tell,
) -> list[Series]:
    found = read_points(catalog.engine, catalog.run_folder(run_id), names, ranks)
    before = [
        (each, read_points(catalog.engine, catalog.run_folder(each.run_id), names, ranks)) for each in forks
    ]
    for each in (found, *(other for _, other in before)):
        for problem in each.problems:
            tell(problem)
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
