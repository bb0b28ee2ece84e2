"""Takes the records of a W&B log that hold nothing but numbers many at a time, between those that are taken singly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from labtop.formats import wandb_shapes as shapes
from labtop.formats.wandb_columns import WORTH, Records
from labtop.sources.wandb.facts import Facts
from labtop.sources.wandb.points import Points

if TYPE_CHECKING:
    from labtop.formats.wandb_columns import Plain

T = TypeVar("T")


class Bulk:
    """Records that follow each other. Those that `others` does not give are taken by `take_until`."""

    def __init__(self, contents: Sequence[bytes], points: Points, facts: Facts) -> None:
        self._plain: list[tuple[Plain, Callable[[Plain, int, int], None]]] = []
        self._taken = 0
        self._kinds: list[int] = []
        self._is_single: list[bool] = [True] * len(contents)
        if len(contents) >= WORTH:
            self._gather(Records(contents), points, facts)

    def _gather(self, records: Records, points: Points, facts: Facts) -> None:
        import numpy as np

        is_single = np.ones(len(records.kinds), bool)
        self._kinds = records.kinds.tolist()
        takers = {
            shapes.HISTORY: points.add_histories,
            shapes.SUMMARY: facts.take_summaries,
            shapes.STATS: points.add_samples,
        }
        for kind, take in takers.items():
            plain = records.plain(kind)
            if plain is not None:
                self._plain.append((plain, take))
                is_single[plain.records] = False
        self._is_single = is_single.tolist()

    def others(self, entries: Sequence[T]) -> Iterator[tuple[int, T]]:
        """Those to be taken singly, with their places."""
        for place, (each, is_single) in enumerate(zip(entries, self._is_single, strict=True)):
            if is_single:
                yield place, each

    def take_until(self, place: int) -> None:
        """Take what comes before a place, unless the order does not matter to what is there."""
        if place < len(self._kinds) and self._kinds[place] not in _ORDERED:
            return
        for plain, take in self._plain:
            take(plain, self._taken, place)
        self._taken = place


_ORDERED = frozenset((0, shapes.HISTORY, shapes.SUMMARY, shapes.STATS))
