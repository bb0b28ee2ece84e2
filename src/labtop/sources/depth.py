"""How much of new runs is read at once: what their place lists, or their points as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import Path

from labtop.errors import LabtopError
from labtop.sources import load_source
from labtop.sources.known_place import KnownPlace
from labtop.sources.landed import Landed
from labtop.sources.source import RunRef
from labtop.sources.unread import Unread, told_of

FIRST, AT_ONCE = 500, 5_000
"""Runs of which a place tells at first, so that some are on the screen soon, and later on."""

Key = tuple[str, Path]
"""A place: the name of its source, and its path."""


class Depth(Enum):
    """How much of a new run is read: what its place lists, that first and then all, or all at once."""

    LISTED = "listed"
    LISTED_FIRST = "listed first"
    WHOLE = "whole"


def are_of_one_tracker(places: Collection[KnownPlace]) -> bool:
    """Whether no run can be one with that of another tracker, which only their points would tell, as far as is known.

    Some sources read what several trackers have written; that shows when runs were read.
    """
    trackers = {load_source(each.found.source).tracker for each in places}
    if len(trackers) == 1:
        trackers.update(run.tracker for each in places for run in each.runs.values())
    return len(trackers) == 1


def told_in_pieces(
    known: KnownPlace, refs: Sequence[RunRef], first: int
) -> Iterator[list[tuple[Landed, Unread]]]:
    """What a place tells of runs that were never read, `first` ones and then thousands at once."""
    unknown = [ref for ref in refs if ref.key not in known.runs or known.runs[ref.key].is_unread]
    if not unknown:
        return  # to ask for none may take as long as for all
    some: list[tuple[Landed, Unread]] = []
    most = first
    try:
        for each in told_of(known.found, unknown):
            some.append(each)
            if len(some) >= most:
                yield some
                some, most = [], AT_ONCE
    except (OSError, LabtopError):
        pass  # said when it is read
    if some:
        yield some


def unread_to_read(
    places: Mapping[Key, KnownPlace], depth: Depth, only: AbstractSet[str] | None
) -> dict[Key, list[RunRef]]:
    """The runs that were only listed and are to be read now; also those that are one with others, or may be by now.

    `only`: by the folders that people see.
    """
    if not are_of_one_tracker(places.values()):
        return {key: [*known.unread(None), *known.alone()] for key, known in places.items()}
    if depth is not Depth.LISTED:
        return {key: known.unread(None) for key, known in places.items()}
    wanted = {}
    ids = Counter(each.run_id for known in places.values() for each in known.runs.values())
    for key, known in places.items():
        joined = {each.shown for each in known.runs.values() if each.is_unread and ids[each.run_id] > 1}
        if only is not None or joined:
            wanted[key] = known.unread(joined | (only or set()))
    return wanted
