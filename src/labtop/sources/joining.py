"""Finds out which of the runs that were read are one run: seen by two trackers, in two copies, or with a context.

Works on what is known of runs in a mirror; reads no file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from labtop.sources import source_names
from labtop.sources.duplicates import find_duplicates
from labtop.sources.landed import Landed
from labtop.sources.nested import has_trainings, lying_apart, nested

_NAMELESS = frozenset(("lightning", "keras", "stable-baselines", "tensorboard", "tables"))
"""Sources whose runs are only called as their folder is."""


@dataclass(frozen=True, slots=True)
class Group:
    """One run. `host` gives its id and name, `guests` what they know besides; contexts come last."""

    host: Landed
    guests: tuple[Landed, ...] = ()

    @property
    def members(self) -> tuple[Landed, ...]:
        """All of them, the host first."""
        return (self.host, *self.guests)


def grouped(runs: Iterable[Landed]) -> list[Group]:
    """Every run once, in the order in which they were first given.

    One run are: those of one identity (the copy with the most points is the host); those that different trackers see
    in one folder; a training and the logs of it within its folder; those of different trackers whose curves are the
    same. A context joins every run in or below its folder.
    """
    everything = list(runs)
    members = [each for each in everything if not each.is_context]
    contexts = [each for each in everything if each.is_context]
    sets = _Sets(members)
    for same in _by(members, lambda each: each.run_id).values():
        sets.join(same)
    for same in _by((each for each in members if each.where), lambda each: each.where).values():
        if len({each.tracker for each in same}) > 1:
            sets.join(_one_of_each_tracker(same))
    for same in nested(members):
        sets.join(same)
    parts, pairs = find_duplicates(members)
    for part, whole in parts:
        sets.join([whole, part])
    for pair in pairs:
        if not sets.would_be_two(*pair):
            sets.join(pair)
    for pair in lying_apart(sets.all()) if has_trainings(members) else ():
        sets.join(pair)
    groups = [_group(each) for each in sets.all()]
    return _with_contexts(groups, contexts)


def _by(runs: Iterable[Landed], key: Callable[[Landed], str]) -> dict[str, list[Landed]]:
    found: dict[str, list[Landed]] = defaultdict(list)
    for each in runs:
        found[key(each)].append(each)
    return found


class _Sets:
    """Disjoint sets of runs."""

    def __init__(self, members: Sequence[Landed]) -> None:
        self._members = members
        self._above = {each.folder: each.folder for each in members}
        self._ids = {each.folder: {each.tracker: {each.run_id}} if each.digests else {} for each in members}

    def top(self, folder: str) -> str:
        while (above := self._above[folder]) != folder:
            self._above[folder] = folder = self._above[above]
        return folder

    def join(self, same: Sequence[Landed]) -> None:
        first = self.top(same[0].folder)
        for each in same[1:]:
            other = self.top(each.folder)
            if other != first:
                self._above[other] = first
                for tracker, ids in self._ids.pop(other).items():
                    self._ids[first].setdefault(tracker, set()).update(ids)

    def would_be_two(self, first: Landed, second: Landed) -> bool:
        """Whether joining these would make one of two runs with curves that one tracker tells apart."""
        ids, others = self._ids[self.top(first.folder)], self._ids[self.top(second.folder)]
        return any(ids[tracker] != others[tracker] for tracker in ids.keys() & others.keys())

    def all(self) -> list[list[Landed]]:
        found: dict[str, list[Landed]] = defaultdict(list)
        for each in self._members:
            found[self.top(each.folder)].append(each)
        return list(found.values())


def _one_of_each_tracker(same: Sequence[Landed]) -> list[Landed]:
    """Two runs of one tracker in a folder are two; the others join the one with the most points."""
    chosen: dict[str, Landed] = {}
    for each in same:
        if each.tracker not in chosen or each.points > chosen[each.tracker].points:
            chosen[each.tracker] = each
    return list(chosen.values())


def _group(members: Sequence[Landed]) -> Group:
    order = {name: at for at, name in enumerate(source_names())}
    host, *guests = sorted(
        members,
        key=lambda each: (
            order.get(each.source, len(order)),
            -each.points,
            each.project.isdecimal(),  # an experiment's number, where a copy has lost its name
            each.project,
            each.where,
            each.folder,
        ),
    )
    return Group(host, tuple(guests))


def _with_contexts(groups: list[Group], contexts: Sequence[Landed]) -> list[Group]:
    """Each group with the nearest context of each source that it lies in; contexts without a run stand for one.

    A run whose logs have no name for it goes by its context's, if it is the only one there. A folder with contexts in
    folders below it is that of a whole project: its own context says nothing of runs further below.
    """
    by_source = {
        source: {each.where: each for each in same if each.where}
        for source, same in _by(contexts, lambda each: each.source).items()
    }
    wide = {source: _above_others(by_folder) for source, by_folder in by_source.items()}
    around = [
        [
            found
            for source, by_folder in by_source.items()
            if (found := _nearest_of(group, by_folder, wide[source])) is not None
        ]
        for group in groups
    ]
    counted = Counter(each.folder for those in around for each in those)
    joined = []
    for group, those in zip(groups, around, strict=True):
        naming = [each for each in those if counted[each.folder] == 1 and each.source != group.host.source]
        if naming and group.host.source in _NAMELESS:
            others = [each for each in those if each is not naming[0]]
            joined.append(Group(naming[0], (*group.members, *others)))
        else:
            joined.append(Group(group.host, (*group.guests, *those)))
    alone = {each.run_id: Group(each) for each in contexts if each.folder not in counted}
    return [*joined, *alone.values()]


def _nearest_of(group: Group, by_folder: Mapping[str, Landed], wide: frozenset[str]) -> Landed | None:
    """The context that one of a group's members lies in, the host first."""
    found = (_nearest(each.where or each.lies, by_folder, wide) for each in group.members)
    return next((each for each in found if each is not None), None)


def _above_others(folders: Iterable[str]) -> frozenset[str]:
    """Those folders that hold others of them."""
    known = set(folders)
    above = (
        "/".join(parts[:length])
        for each in known
        if (parts := each.split("/"))
        for length in range(len(parts))
    )
    return frozenset(known.intersection(above))


def _nearest(where: str, by_folder: Mapping[str, Landed], wide: frozenset[str]) -> Landed | None:
    """The context whose folder holds another one, or is it; of `wide` ones only those that hold it directly."""
    parts = where.split("/")
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        if folder in by_folder and (folder not in wide or length >= len(parts) - 1):
            return by_folder[folder]
    return None
