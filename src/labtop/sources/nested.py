"""Finds the logs that lie within the folder of a training and are logs of it, though one of the two has more.

Hugging Face's Trainer puts an event log into `runs/<date>_<host>` of its output folder, another one for each time that
the training is taken up again. The state beside it lacks what was logged after it was saved, so that whole curves
differ. Where an output folder was used again for another training, the values differ at the same steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from labtop.sources.landed import Landed
from labtop.sources.samples import Samples

AROUND: Mapping[str, str] = {"tensorboard": "huggingface"}
"""The source of logs that lie within a training's folder → the source that reads the folder."""

_ENOUGH = 0.4  # of the samples in common; after a crash, steps behind the last checkpoint are done again


def is_sampled(source: str) -> bool:
    """Whether points of a source's runs are compared so."""
    return source in AROUND or source in AROUND.values()


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
        if host is not None and _is_same(each.samples, host.samples):
            inner[host.folder].append(each)
    for host in hosts.values():
        found, first = [host], float("inf")
        for each in sorted(inner[host.folder], key=lambda log: log.traits.began or 0.0, reverse=True):
            if each.samples.first < first:
                first = each.samples.first
                found.append(each)
        if len(found) > 1:
            yield found


def _around(log: Landed, hosts: Mapping[tuple[str, str], Landed]) -> Landed | None:
    """The training in whose folder a log lies, the nearest one."""
    source, folder = AROUND.get(log.source), log.where
    while source and folder:
        folder = folder.rpartition("/")[0]
        if (host := hosts.get((source, folder))) is not None:
            return host
    return None


def _is_same(log: Samples, training: Samples) -> bool:
    """Whether most values are equal at the steps that both have."""
    points, others = dict(log.points), dict(training.points)
    common = points.keys() & others.keys()
    return bool(common) and sum(points[key] == others[key] for key in common) >= _ENOUGH * len(common)
