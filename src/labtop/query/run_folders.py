"""Where the runs of a catalog lie: their folders, and the packs of those that have none yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.query.run_index import RunIndex
from labtop.store.layout import RECORD

if TYPE_CHECKING:
    from labtop.sources.packs import Pack, Packs


class RunFolders:
    """The folders of the runs in `index`. May be asked from any thread.

    Args:
        packs: of a mirror: runs may lie in them until somebody asks for their folders.
        refresh: reads again what turned out to be damaged.
        read: reads runs that are unread, by their folders.
    """

    def __init__(
        self,
        index: RunIndex,
        packs: Packs | None,
        refresh: Callable[[], object],
        read: Callable[[Collection[str]], object],
    ) -> None:
        self._index = index
        self._packs = packs
        self._refresh = refresh
        self._read = read

    def places(self, run_ids: Sequence[str]) -> dict[str, Path]:
        """Where the folders of runs are, or will be when they are made, by id; unknown runs are left out."""
        found = self._index.folders_of_ids(run_ids)
        return {run_id: self._index.store / folder for run_id, folder in found.items()}

    def make(self, run_ids: Sequence[str]) -> dict[str, Path]:
        """The folders of runs, made if they lay in packs so far: of many at once in a fraction of the time."""
        places = self.places(run_ids)
        if self._packs is not None and places:
            folders = [each.relative_to(self._index.store).as_posix() for each in places.values()]
            self._read(folders)
            if not self._packs.unpack(folders):
                self._refresh()
                self._packs.unpack(folders)
        return places

    def all(self, packed: bool) -> list[tuple[str, Path]]:
        """Id and folder of every run, by folder; the folders of those in packs are made, or with False left out."""
        rows = self._rows()
        self._read([folder for _, folder in rows])
        if packed:
            self.make([run_id for run_id, _ in rows])
        elif self._packs is not None:
            rows = [each for each in rows if each[1] not in self._packs]
        return [(run_id, self._index.store / folder) for run_id, folder in rows]

    def records(self) -> list[Path]:
        """The record of every run that has one, in its folder."""
        self.make([run_id for run_id, _ in self._rows()])
        relation = self._index.table.relation(["_folder", "_stamp"])
        rows = self._index.engine.query(f"SELECT _folder FROM {relation} WHERE _stamp <> 0 ORDER BY _folder")
        return [self._index.store / folder / RECORD for (folder,) in rows]

    def packs(self) -> list[Pack]:
        """The packs in which runs lie."""
        if self._packs is None:
            return []
        folders = [folder for _, folder in self._rows()]
        self._read(folders)
        return self._packs.of(folders)

    def _rows(self) -> list[tuple[str, str]]:
        relation = self._index.table.relation(["id", "_folder"])
        return [
            (run_id, folder)
            for run_id, folder in self._index.engine.query(
                f"SELECT id, _folder FROM {relation} ORDER BY _folder"
            )
        ]
