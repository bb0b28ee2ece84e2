"""The runs of a mirror that have no folder: those that lie in packs, and those that are unread where they come from.

What readers need to know of them, and their folders when somebody asks for them. Filled by one thread, asked by any.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import InputError
from labtop.sources.landed import Landed
from labtop.sources.packing import PACKS, POINTS, RECORDS, pack_paths, runs_in
from labtop.sources.unpacking import is_whole, link, unpack
from labtop.sources.unread import Told
from labtop.store.layout import RECORD


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack: `records` and `points` are its files, `runs` those runs of it that people see.

    By a run's folder in the pack, `runs` gives the folder that people see; `is_all`: there are no others in it.
    """

    records: Path
    points: Path
    runs: Mapping[str, str]
    is_all: bool

    @property
    def run_ids(self) -> list[str]:
        """The ids of the runs."""
        return [folder.rpartition("/")[2] for folder in self.runs.values()]


class Packs:
    """The packs of `mirror`. Folders are of runs as people see them, relative to the mirror."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        self._shown: dict[str, Landed] = {}
        self._unread: dict[str, Landed] = {}
        self.told = Told()
        """What is known of runs that are unread."""
        self.loads = 0
        """Counts up whenever what another process may have read was taken in."""
        self.revision = 0
        """Counts up whenever runs came to be here, or are so no more."""
        self.lost: set[str] = set()
        """Packs that turned out to be damaged, or gone."""

    def __contains__(self, folder: object) -> bool:
        return folder in self._shown

    def show(self, shown: Mapping[str, Landed]) -> None:
        """Say which run is what people see of a folder, alone; those with a folder count for nothing."""
        inside = {folder: each for folder, each in shown.items() if each.pack or each.is_unread}
        outside = [folder for folder in shown if folder not in inside and folder in self._shown]
        self.revision += bool(outside) or any(folder not in self._shown for folder in inside)
        self._shown.update(inside)
        for folder in outside:
            del self._shown[folder]
        for folder, each in shown.items():
            if each.is_unread:
                self._unread[folder] = each
            else:
                self._unread.pop(folder, None)

    def show_only(self, shown: Mapping[str, Landed]) -> None:
        """The same for all folders that there are."""
        inside = {folder: each for folder, each in shown.items() if each.pack or each.is_unread}
        self.revision += inside.keys() != self._shown.keys()
        self._shown = inside
        self._unread = {folder: each for folder, each in inside.items() if each.is_unread}

    @property
    def are_unread(self) -> int:
        """How many runs are unread."""
        return len(self._unread)

    def unread(self, folders: Iterable[str] | None = None) -> dict[str, Landed]:
        """Those of some runs that are unread, or all that are and have points."""
        known = self._unread
        if folders is None:
            return {folder: each for folder, each in known.items() if not each.is_whole}
        return {folder: each for folder in folders if (each := known.get(folder)) is not None}

    def by_project(self) -> dict[str, list[str]]:
        """The folders of the runs, by the folder of their project."""
        found: dict[str, list[str]] = {}
        for folder in list(self._shown):
            found.setdefault(folder.partition("/")[0], []).append(folder)
        return found

    def of(self, folders: Iterable[str]) -> list[Pack]:
        """The packs in which some runs lie."""
        found: dict[str, dict[str, str]] = {}
        for folder in folders:
            if (landed := self._shown.get(folder)) is not None and landed.pack:
                found.setdefault(landed.pack, {})[landed.folder] = folder
        return [
            Pack(*pack_paths(self._mirror, name), runs, len(runs) == runs_in(name))
            for name, runs in found.items()
        ]

    def unpack(self, folders: Iterable[str]) -> bool:
        """Make the folders of runs that lie in packs; False when one is lost: a pack is damaged, or gone."""
        wanted: dict[str, dict[str, Landed]] = defaultdict(dict)
        for folder in folders:
            if (landed := self._shown.get(folder)) is not None and landed.pack:
                wanted[landed.pack][folder] = landed
        lost = set()
        for name, some in wanted.items():
            try:
                unpack(self._mirror, some.values())
                for folder, landed in some.items():
                    if not (self._mirror / folder / RECORD).exists():
                        link(self._mirror, self._mirror / folder, landed)
            except (OSError, InputError):
                lost.add(name)
        self.lost |= lost
        return not lost

    def lose(self, pack: Pack) -> None:
        """Say that a pack cannot be read: its runs are to be read again where they come from."""
        self.lost.add(pack.records.name.removesuffix(RECORDS))

    def are_whole(self, names: Iterable[str]) -> dict[str, bool]:
        """Whether packs are there to their ends, by name."""
        return {name: is_whole(self._mirror, name) for name in set(names)}

    def tidy(self, used: Iterable[str]) -> None:
        """Remove all packs but those that are used."""
        wanted = set(used)
        with contextlib.suppress(OSError):
            for path in (self._mirror / PACKS).iterdir():
                if path.name.removesuffix(RECORDS).removesuffix(POINTS) not in wanted:
                    path.unlink(missing_ok=True)
