"""Reads thousands of records with the help of other processes: they make the rows, this one says where they go."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import QueryError
from labtop.query.chunk import Layout, layout_of
from labtop.query.engine import InterruptedQueryError
from labtop.query.environments import Environments
from labtop.query.loading import put_file
from labtop.query.reader_pool import Offer, ReaderPool, Written
from labtop.query.run_index import RunIndex


@dataclass(frozen=True, slots=True)
class _Accepted:
    """Where the rows of an offer go: their file, their numbers, and those of them that are in the table by now."""

    path: Path
    layout: Layout
    numbers: dict[str, int]
    there: list[int]


class SharedReading:
    """Reads into `index`; for one thread."""

    def __init__(self, index: RunIndex, environments: Environments) -> None:
        self._index = index
        self._environments = environments
        self._accepted: dict[Offer, _Accepted] = {}
        self._files = 0

    def chunks(self, folders: Sequence[str], size: int) -> Generator[tuple[int, bool], None, list[str]]:
        """Read chunk after chunk: how many folders are done, and whether rows moved. Gives what is left to do."""
        left: list[str] = []
        with (
            tempfile.TemporaryDirectory(prefix="labtop-") as drafts,
            ReaderPool(self._index.store, folders, size) as pool,
        ):
            for event in pool.events():
                if isinstance(event, Offer):
                    self._accept(event, Path(drafts))
                    continue
                if isinstance(event, Written):
                    undone = [*event.offer.left, *self._load(event)]
                    yield len(event.offer.folders) - len(undone), len(undone) < len(event.offer.folders)
                else:
                    undone = list(event.folders)
                    if event.offer is not None:
                        del self._accepted[event.offer]
                left += undone
        return left

    def _accept(self, offer: Offer, drafts: Path) -> None:
        on_the_way = {run_id: folder for each in self._accepted for folder, run_id in each.runs}
        numbers, there = self._index.number(offer.runs, on_the_way)
        self._index.learn(offer.seen)
        layout = layout_of(offer.seen, self._index.found)
        self._files += 1
        path = drafts / f"{self._files}.json"
        self._accepted[offer] = _Accepted(path, layout, numbers, there)
        offer.write(path, numbers, layout)

    def _load(self, written: Written) -> list[str]:
        """Put rows into the table; the folders of those that could not be put there."""
        offer, accepted = written.offer, self._accepted.pop(written.offer)
        try:
            if accepted.numbers:
                put_file(self._index.table, accepted.path, written.longest, accepted.layout, accepted.there)
        except InterruptedQueryError:
            raise
        except QueryError:
            return list(accepted.numbers)
        accepted.path.unlink()
        self._environments.add(offer.environments)
        self._index.lay_edits(run_id for _, run_id in offer.runs)
        self._index.uncached += len(accepted.numbers)
        return []
