"""Runs of Guild AI: `runs/<id>/.guild/` with an attribute a file, the output, and event files of scalars.

Layout: https://my.guild.ai/t/run-directory-reference; seen with 0.9.
Links (the trials of a batch, data) are not followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from labtop.sources.guild_run import read_run
from labtop.sources.side_files import files_below
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LOOKED_AT = 20
_MOST_FILES = 2_000
_STAMPED = ("opref", "LOCK", "LOCK.remote", "PENDING", "STAGED", "output", "attrs", "attrs/exit_status", "attrs/label",
            "attrs/tags", "attrs/comments", "attrs/marked", "attrs/stopped", "attrs/flags")  # fmt: skip


class GuildSource:
    """Reads the runs of a Guild home, those in its trash among them, or one run folder."""

    tracker = "guild"
    reads = "run folders of Guild AI: .guild/runs/<id>/.guild/attrs"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The folders of runs in a home (hidden in a project's folder, or the folder itself), or a run's folder."""
        here = listing.folder
        if ".guild" in listing.folders:
            if (here / ".guild" / "attrs").is_dir():
                yield Place(here, closed=True)
                return
            # hidden, so nobody comes there
            yield from (Place(each, closed=True) for each in _homes(here / ".guild") if _holds_runs(each))
        if "runs" in listing.folders and _holds_runs(here / "runs"):
            yield Place(here / "runs", closed=True)
        if here.name == "runs" and _holds_runs(here):
            yield Place(here, closed=True)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """All runs of a folder by the names in it."""
        if (place / ".guild").is_dir():
            yield _ref(place, ".")
            return
        for name in _names(place):
            if (place / name / ".guild").is_dir():
                yield _ref(place / name, name)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs one after the other."""
        is_trash = place.parent.name == "trash" or place.parent.parent.name == "trash"
        for ref in refs:
            folder = place / ref.key
            if (folder / ".guild").is_dir():
                yield read_run(folder, ref.key, is_trash)


def _homes(home: Path) -> tuple[Path, Path]:
    return home / "runs", home / "trash" / "runs"


def _holds_runs(folder: Path) -> bool:
    """Whether the first folders with names of runs are such."""
    named = (name for name in _names(folder) if _ID.fullmatch(name))
    return any((folder / name / ".guild" / "attrs").is_dir() for name in islice(named, _LOOKED_AT))


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _ref(folder: Path, key: str) -> RunRef:
    inner = folder / ".guild"
    events = [each for each in files_below(folder, _MOST_FILES) if ".tfevents." in each.name]
    size = sum(each.stat().st_size for each in events if each.exists())
    return RunRef(key, stamp(*(inner / name for name in _STAMPED), *events), 20_000 + size)
