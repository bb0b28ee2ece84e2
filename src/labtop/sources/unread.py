"""Runs that are known by the listing of their place alone: what is told of them, until their points are read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from labtop.errors import LabtopError
from labtop.model.run import RunRecord
from labtop.sources import load_source
from labtop.sources.bounding import bounded
from labtop.sources.completing import completed
from labtop.sources.finding import Found
from labtop.sources.identity import id_of, identity_by_path
from labtop.sources.landed import Landed, member_folder
from labtop.sources.source import Listed, Place, RunRead, RunRef


class Unread(NamedTuple):
    """A run whose points were not read. `common` is that of what was listed, completed as a record is.

    It is the very same object for all runs that have one.
    """

    folder: str
    run_id: str
    name: str
    common: RunRecord
    listed: Listed


def told_of(found: Found, refs: Sequence[RunRef]) -> Iterator[tuple[Landed, Unread]]:
    """What the source of a place tells of its runs without reading them, where it can. Raises what it raises."""
    tell = getattr(load_source(found.source), "listed", None)
    if tell is None:
        return
    path, lies = found.place.path, str(found.place.path)
    versions = {ref.key: ref.version for ref in refs}
    commons: dict[int, tuple[RunRecord, RunRecord]] = {}  # the first so that its number is not another's
    for listed in tell(path, refs):
        run_id = id_of(listed.identity or identity_by_path(listed.common.source.tracker, path, listed.key))
        known = commons.get(id(listed.common))
        if known is None:
            read = RunRead(key=listed.key, record=listed.common)
            known = commons[id(listed.common)] = listed.common, completed(read, found.place, run_id, None)
        common = known[1]
        landed = Landed(
            key=listed.key,
            version=versions[listed.key],
            run_id=run_id,
            project=common.project,
            folder=member_folder(found.source, lies, listed.key),
            source=found.source,
            tracker=common.source.tracker,
            lies=lies,
            is_unread=True,
            is_whole=listed.is_whole,
        )
        name = listed.name or listed.key.rsplit("/", 1)[-1] or run_id
        yield landed, Unread(landed.shown, run_id, name, common, listed)


def records_of(unread: Mapping[str, Landed]) -> Iterator[tuple[str, RunRecord]]:
    """The records of unread runs by folder, with what their points tell; these are read, and not kept.

    For a few of many, where to bring points into the mirror costs more than to read them. Raises what sources raise.
    """
    for (source, path), some in _by_place(unread).items():
        place = Place(Path(path))
        folders = {landed.key: folder for folder, landed in some.items()}
        refs = [RunRef(landed.key, landed.version) for landed in some.values()]
        found: dict[str, RunRecord] = {}
        for read in load_source(source).read(place.path, refs):
            known = found.get(read.key) if read.appended else None
            found[read.key] = completed(bounded(read), place, some[folders[read.key]].run_id, known)
        yield from ((folders[key], record) for key, record in found.items())


def _by_place(unread: Mapping[str, Landed]) -> dict[tuple[str, str], dict[str, Landed]]:
    found: dict[tuple[str, str], dict[str, Landed]] = {}
    for folder, landed in unread.items():
        found.setdefault((landed.source, landed.lies), {})[folder] = landed
    return found


class Told:
    """What was told of runs whose points were not read, by the folder that people see. For one thread."""

    def __init__(self) -> None:
        self._runs: dict[str, Unread] = {}

    def add(self, runs: Iterable[Unread]) -> None:
        """Keep what was told of runs, until it is taken."""
        self._runs.update((each.folder, each) for each in runs)

    def take(self, unread: Mapping[str, Landed]) -> list[Unread]:
        """What is known of runs that are unread, by folder; their places tell again what was taken before."""
        found = [self._runs.pop(folder) for folder in unread if folder in self._runs]
        there = {each.folder for each in found}
        missing = {folder: landed for folder, landed in unread.items() if folder not in there}
        for (source, place), some in _by_place(missing).items():
            refs = [RunRef(landed.key, landed.version) for landed in some.values()]
            with contextlib.suppress(OSError, LabtopError):  # it is gone; the mirror will see
                found += (each for _, each in told_of(Found(source, Place(Path(place))), refs))
        return found
