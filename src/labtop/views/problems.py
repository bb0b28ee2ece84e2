"""What could not be read of a folder of runs: files, and runs of which something is missing, as lines with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labtop.model.run import RunRecord
from labtop.query.request import Problem
from labtop.views.text import clean

NAMED = 3  # runs of one and the same problem that are named


@dataclass(frozen=True, slots=True)
class Told:
    """One problem: what it is about, where, and why. `what` and `where` may be of the first of `runs` runs."""

    what: str
    where: str
    why: str


def told_problems(problems: Sequence[Problem], hurt: Iterable[RunRecord]) -> tuple[Told, ...]:
    """The files that could not be read, then the runs of which something could not; equal reasons once."""
    files = [Told(clean(each.path, 400), "", clean(each.reason, 400)) for each in problems]
    runs: dict[str, list[RunRecord]] = {}
    for record in hurt:
        for problem in _problems_of(record):
            runs.setdefault(clean(problem, 400), []).append(record)
    return (*files, *(_of_runs(why, records) for why, records in runs.items()))


def _problems_of(record: RunRecord) -> Iterator[str]:
    yield from record.source.problems
    if record.life.degraded is not None:
        yield record.life.degraded
    elif not record.source.problems:
        yield "a part of its record cannot be read; the Run screen shows the rest"


def _of_runs(why: str, records: Sequence[RunRecord]) -> Told:
    names = ", ".join(clean(record.name, 60) for record in records[:NAMED])
    if len(records) == 1:
        return Told(names, clean(records[0].source.uri or "", 400), why)
    more = f" and {len(records) - NAMED:,} more" if len(records) > NAMED else ""
    return Told(f"{len(records):,} runs: {names}{more}", "", why)
