"""The logs of other trackers at a path: what was found, how many runs, and what could not be read of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from labtop.cli.doctor.line import Line, looked_at
from labtop.query.locating import RunsFound
from labtop.settings import Settings
from labtop.sources import load_source
from labtop.sources.finding import explained

SECTION = "logs"
_MOST_NAMED = 50
_MOST_HURT = 2_000  # every damaged run is named, unless all of a great many are


def log_lines(found: RunsFound, settings: Settings) -> Iterable[Line]:
    """The lines of the section; nothing for a store of labtop's own."""
    if found.seen is None:
        return []
    return looked_at(
        SECTION,
        (("logs", lambda: _places(found)), ("runs", lambda: _runs(found, settings))),
    )


def _places(found: RunsFound) -> Iterator[Line]:
    assert found.seen is not None
    counted = Counter(each.source for each in found.seen.found)
    for name, places in counted.items():
        where = next(each.place.path for each in found.seen.found if each.source == name)
        others = f" and {places - 1:,} more places" if places > 1 else ""
        yield Line(SECTION, name, "well", f"{where}{others}: {load_source(name).reads}")
    yield from islice(_guesses(found), _MOST_NAMED)
    for store in found.seen.stores:
        yield Line(SECTION, "labtop", "well", f"{store}: a store of labtop's own")


def _guesses(found: RunsFound) -> Iterator[Line]:
    """What was taken for what, where a source had to guess."""
    assert found.seen is not None
    for each in found.seen.found:
        if told := explained(each):
            advice = "where that is wrong, the setting 'tables' says what columns are for"
            yield Line(SECTION, each.place.path.name, "well", f"read as {told}", advice)


def _runs(found: RunsFound, settings: Settings) -> Iterator[Line]:
    """How many runs there are, and the problems of those that have some."""
    from labtop.query.request import TableQuery

    catalog = found.open(settings)
    try:
        catalog.read_all()
        everything = catalog.select(TableQuery(archived=True))
        yield Line(SECTION, "runs", "well", f"{len(everything.rows):,}")
        for problem in catalog.problems:
            yield Line(SECTION, "unread", "ill", f"{problem.path}: {problem.reason}", "all else was read")
        hurt = catalog.select(TableQuery("run.problems > 0", archived=True))
        for record in catalog.records(catalog.ids(hurt.rows[:_MOST_HURT])):
            said = "; ".join(record.source.problems)
            yield Line(
                SECTION, record.name, "note", f"{record.source.uri}: {said}", "the rest of the run was read"
            )
        if len(hurt.rows) > _MOST_HURT:
            more = len(hurt.rows) - _MOST_HURT
            yield Line(
                SECTION,
                "more",
                "note",
                f"{more:,} more runs have problems",
                "labtop ls --where 'problems > 0'",
            )
    finally:
        catalog.close()
