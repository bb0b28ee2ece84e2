"""Finds the logs that are of a training, within its folder or elsewhere, though one of the two has more.

Hugging Face's Trainer puts an event log into `runs/<date>_<host>` of its output folder, another one for each time that
the training is taken up again, or into a folder that the script names. The state lacks what was logged after it was
saved, so that whole curves differ. Where an output folder was used again for another training, the values differ at the
same steps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from labtop.sources.duplicates import nearness
from labtop.sources.landed import Landed
from labtop.sources.samples import Samples

AROUND: Mapping[str, str] = {"tensorboard": "huggingface"}
"""The source of logs that lie within a training's folder → the source that reads the folder."""

_ENOUGH = 0.4  # of the samples in common; after a crash, steps behind the last checkpoint are done again
_ENOUGH_APART, _LEAST_APART, _DIFFERENT = 0.8, 8, 4  # where nothing but the values says that two are one


def is_sampled(source: str) -> bool:
    """Whether points of a source's runs are compared so."""
    return source in AROUND or source in AROUND.values()


def has_trainings(members: Iterable[Landed]) -> bool:
    """Whether there is anything to find here."""
    return any(each.source in AROUND.values() for each in members)


def nested(members: Sequence[Landed]) -> Iterator[list[Landed]]:
    """Each training that has logs in its folder, with those that are of it.

    Of several logs the newest is of it, and each that begins at an earlier step than those after it: a training that
    was taken up again goes on at a later one, a training that was repeated begins anew.
    """
    wanted = set(AROUND.values())
    hosts = {(each.source, each.where): each for each in members if each.source in wanted and each.where}
    inner: dict[str, list[Landed]] = defaultdict(list)
    for each in members if hosts else ():
        host = _around(each, hosts)
        if host is not None and _is_same(each.samples, host.samples, _ENOUGH):
            inner[host.folder].append(each)
    for host in hosts.values():
        found, first = [host], float("inf")
        for each in sorted(inner[host.folder], key=lambda log: log.traits.began or 0.0, reverse=True):
            if each.samples.first < first:
                first = each.samples.first
                found.append(each)
        if len(found) > 1:
            yield found


def lying_apart(sets: Iterable[Sequence[Landed]]) -> Iterator[tuple[Landed, Landed]]:
    """Trainings without a log and logs without a training that have nearly all values in common, each in one pair.

    Arguments:
        sets: what is known to be one run by now.
    """
    trainings, logs = dict[str, Landed](), list[Landed]()
    for members in sets:
        sources = {each.source for each in members}
        for each in members:
            around = AROUND.get(each.source)
            if around is not None and around not in sources and _varies(each.samples):
                logs.append(each)
            elif each.source in AROUND.values() and sources.isdisjoint(AROUND):
                trainings[each.folder] = each
    with_point: dict[tuple[int, int], list[str]] = defaultdict(list)
    for training in trainings.values():
        for point in _points(training.samples):
            with_point[point].append(training.folder)
    for log in sorted(logs, key=lambda each: each.traits.began or 0.0, reverse=True) if with_point else ():
        counted = Counter(folder for point in _points(log.samples) for folder in with_point.get(point, ()))
        found = [
            trainings[folder]
            for folder, count in counted.items()
            if count >= _LEAST_APART
            and folder in trainings
            and _is_same(log.samples, trainings[folder].samples, _ENOUGH_APART)
        ]
        if found:
            nearest = max(found, key=lambda each: nearness(each, log))
            del trainings[nearest.folder]
            yield nearest, log


def _varies(samples: Samples) -> bool:
    return len({value for _, value in _points(samples)}) >= _DIFFERENT


def _points(samples: Samples) -> set[tuple[int, int]]:
    return {(key, value) for key, *values in samples.points for value in values}


def _around(log: Landed, hosts: Mapping[tuple[str, str], Landed]) -> Landed | None:
    """The training in whose folder a log lies, the nearest one."""
    source, folder = AROUND.get(log.source), log.where
    while source and folder:
        folder = folder.rpartition("/")[0]
        if (host := hosts.get((source, folder))) is not None:
            return host
    return None


def _is_same(log: Samples, training: Samples, share: float) -> bool:
    """Whether this share of values are equal at the steps that both have."""
    points, others = log.by_key(), training.by_key()
    common = points.keys() & others.keys()
    return bool(common) and sum(bool(points[key] & others[key]) for key in common) >= share * len(common)
