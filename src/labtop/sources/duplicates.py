"""Finds the runs of different trackers that have the same curves because they are one run, logged by both at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

from labtop.sources.landed import Landed
from labtop.sources.traits import AT_ONCE_S, gap_s, params_in_common

Pair = tuple[Landed, Landed]

_ENOUGH = 0.5  # of the curves of the run with fewer of them must be the same in both
_NEARLY_ALL = 0.9  # where none of the equal curves goes up and down
_MOST_ALIKE = 1000
_KERAS = re.compile(r"epoch_(?!lr$|learning_rate$).*|evaluation_.*_vs_iterations")
_APART_S = 3600.0
"""Runs whose points were logged further apart are two: one was repeated with its seed."""


def find_duplicates(members: Sequence[Landed]) -> tuple[list[Pair], list[Pair]]:
    """Parts with the run that they belong to, and pairs of runs that are one.

    A part is what a tracker keeps in one of several folders (`train/` and `validation/` of an event log), where another
    has it all in one run. Of other runs each is in at most one pair for two trackers. Where several fit, those with
    more curves in common come first, then those whose parameters agree, that began closer together, whose files lie
    nearer to each other.
    """
    parts: list[Pair] = []
    pairs: list[Pair] = []
    taken: set[tuple[str, ...]] = set()
    alike = [(score, *pair) for pair in _pairs(members) if (score := _likeness(*pair)) is not None]
    alike.sort(key=lambda each: each[0], reverse=True)
    for _, first, second in alike:
        for part, whole in ((first, second), (second, first)):
            names = _names_in(part, whole)
            wanted = {(part.folder, whole.tracker), *((whole.folder, part.tracker, name) for name in names)}
            if names and not wanted & taken:
                taken |= wanted | {(whole.folder, part.tracker)}
                parts.append((part, whole))
    for _, first, second in alike:
        wanted = {(first.folder, second.tracker), (second.folder, first.tracker)}
        if not wanted & taken:
            taken |= wanted
            pairs.append((first, second))
    return parts, pairs


def _pairs(members: Sequence[Landed]) -> Iterator[Pair]:
    """Runs of different trackers with at least one curve in common."""
    if len({each.tracker for each in members}) < 2:
        return
    by_digest: dict[str, list[Landed]] = defaultdict(list)
    for each in members:
        for digest in each.digests:
            by_digest[digest].append(each)
    pairs: dict[tuple[str, str], Pair] = {}
    alike = {tuple(each.folder for each in same): same for same in by_digest.values()}
    for same in alike.values():
        if len({each.tracker for each in same}) > 1 and len(same) <= _MOST_ALIKE:
            for at, first in enumerate(same):
                for second in same[at + 1 :]:
                    if first.tracker != second.tracker:
                        pairs[first.folder, second.folder] = first, second
    yield from pairs.values()


def _likeness(first: Landed, second: Landed) -> tuple[float, ...] | None:
    """The more alike, the larger; None for what is no one run."""
    same = first.digests.keys() & second.digests.keys()
    share = len(same) / min(len(first.digests), len(second.digests))
    is_telling = any(digest in first.telling for digest in same)
    if share < _ENOUGH or not (is_telling or (share >= _NEARLY_ALL and len(same) > 1)):
        return None
    agreeing, differing = params_in_common(first.traits, second.traits)
    gap = gap_s(first.traits, second.traits)
    if (gap or 0.0) > _APART_S or (differing and (gap is None or gap > AT_ONCE_S)):
        return None  # logged hours apart, or with other parameters and not at the same time
    began, other = first.traits.began, second.traits.began
    apart = abs(began - other) if began is not None and other is not None else 0.0
    return len(same), -differing, agreeing, -apart, nearness(first, second)


def nearness(first: Landed, second: Landed) -> int:
    """How near to each other the files of two runs lie: the more, the nearer."""
    pairs = zip(first.where, second.where, strict=False)
    return sum(1 for _ in takewhile(lambda each: each[0] == each[1], pairs))


def _names_in(part: Landed, whole: Landed) -> list[str]:
    """What the curves of a part are called in the whole run: `train/loss`, where `loss` lies in a folder `train`.

    None where it is no part of that run.
    """
    if names := _names_of_keras(part, whole):
        return names
    if len(part.digests) >= len(whole.digests):
        return []
    names = [
        named
        for digest, name in part.digests.items()
        if (named := whole.digests.get(digest, name)) != name
        and f"/{part.where}/{name}".endswith(f"/{named}")
    ]
    return names if len(names) >= _NEARLY_ALL * len(part.digests) else []


def _names_of_keras(part: Landed, whole: Landed) -> list[str]:
    """The same where the callback TensorBoard of Keras wrote the part, which has curves of batches besides.

    Its `epoch_loss` is the `loss` of CSVLogger and others, that in its folder `validation` their `val_loss`.
    """
    phase = part.where.rpartition("/")[2]
    if phase not in ("train", "validation"):
        return []
    of_epochs = [digest for digest, name in part.digests.items() if _KERAS.fullmatch(name)]
    names = [
        named
        for digest in of_epochs
        if (named := whole.digests.get(digest, "epoch_")).startswith("val_") == (phase == "validation")
        and not _KERAS.fullmatch(named)
    ]
    return names if len(names) == len(of_epochs) else []
