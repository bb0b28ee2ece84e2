"""Runs of Weights & Biases where they lie: `.wandb` files of any SDK, offline and synced, and the files beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labtop.sources.source import Listing, Place, RunRead, RunRef
from labtop.sources.wandb.exports import EXPORT, export_ref, read_export
from labtop.sources.wandb.layout import places_in, runs_of
from labtop.sources.wandb.reading import RunReader
from labtop.sources.wandb.record import TRACKER
from labtop.sources.wandb.state import size_of


class WandbSource:
    """The source of W&B runs. See `labtop.sources.source`."""

    tracker = TRACKER
    reads = "W&B: wandb/run-* and offline-run-* folders, .wandb files, and what lies beside them"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The places of a folder: one with folders of runs, a run's own, or `.wandb` files."""
        is_export = EXPORT.fullmatch(listing.folder.name) and not listing.is_named
        if is_export and any(name.endswith(".parquet") for name in listing.files):
            return [Place(listing.folder, closed=True)]
        exports = (listing.folder / name for name in listing.folders if EXPORT.fullmatch(name))
        return [*places_in(listing), *(Place(each, closed=True) for each in exports if export_ref(each))]

    def runs(self, place: Path) -> Iterable[RunRef]:
        """A run for each id: one that was resumed has several folders."""
        export = export_ref(place)
        if export is not None:
            yield export
            return
        for key, segments in runs_of(place).items():
            size = sum(size_of(each.tape) for each in segments if each.tape)
            yield RunRef(key, "|".join(each.version() for each in segments), size)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """The runs, long ones in pieces."""
        export = export_ref(place)
        if export is not None:
            for ref in refs:
                yield from read_export(place, ref)
            return
        found = runs_of(place, [ref.key for ref in refs])
        for ref in refs:
            if ref.key in found:
                yield from RunReader(found[ref.key], ref).pieces()
