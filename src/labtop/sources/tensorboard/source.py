"""Folders of TensorBoard event files as runs: what is found. How one is read is in `run`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labtop.formats.tensorboard import is_event_file
from labtop.sources.side_files import total_size
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp
from labtop.sources.tensorboard.folders import TRACKER, Part, above, is_part, parts_of

_MANY_FILES = 8


class TensorBoard:
    """Reads event files of TF 1, TF 2, PyTorch and tensorboardX. Only what came since is read of a run that grows."""

    tracker = TRACKER
    reads = "TensorBoard event files (*.tfevents.*)"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder with event files, unless it is a part of the run above it."""
        files = [name for name in listing.files if is_event_file(name)]
        if listing.is_named:
            yield from (Place(listing.folder / name) for name in files)
        elif files and (listing.is_root or not is_part(listing.folder)):
            yield Place(listing.folder)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a folder, or of a file that was named."""
        parts = _parts(place)
        files = [path for part in parts for path in part.files]
        if files:
            version = stamp(*files, *(path for part in above(parts[0].folder) for path in part.files))
            if len(files) > _MANY_FILES:
                version = hashlib.blake2b(version.encode(), digest_size=16).hexdigest()
            yield RunRef(".", version, total_size(files))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run, a long one in pieces."""
        from labtop.sources.tensorboard.run import read_run  # needs NumPy, which finding places does not

        for ref in refs:
            parts = _parts(place)
            if parts and parts[0].files:
                yield from read_run(place, ref, parts)


def _parts(place: Path) -> list[Part]:
    place = place.absolute()  # the state of a reading speaks of these files wherever it is read from
    if is_event_file(place.name) and not place.is_dir():
        return [Part(place.parent, (place,))] if place.exists() else []
    return parts_of(place)
