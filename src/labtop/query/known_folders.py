"""What is known of a store's folders, and which of them are to be read.

Small when nothing happened: O(projects), and a few records in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labtop.query.listing import list_changes
from labtop.query.record_files import record_path, stamp_of_file
from labtop.query.run_index import RunIndex
from labtop.query.unread_rows import LOOKED_AT_STAMP, UNREAD_STAMP
from labtop.store.reader import list_point_files

if TYPE_CHECKING:
    from labtop.sources.packs import Packs

_PATROL = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """Run folders that were never read, or could not be; and how many runs are gone."""

    to_read: tuple[str, ...]
    removed: int


class KnownFolders:
    """The folders of the store that `index` is of. Written by one thread at a time."""

    def __init__(self, index: RunIndex, packs: Packs | None = None) -> None:
        self._index = index
        self._packs = packs
        self._packs_seen = -1
        self._loads_seen = 0
        self._packed: dict[
            str, list[str]
        ] = {}  # project → runs that lie in packs, most of them without a folder
        self._times: dict[str, int] = {}  # project → modification time
        self._folders: dict[str, set[str]] = {}  # of projects that changed in this session
        self._pending: set[str] = set()  # run folders without a record so far
        self._damaged: dict[str, int] = {}  # run folder → what identifies the damaged record
        self._patrol_at = 0

    def forget(self) -> None:
        """List everything again: what was listed may not have been read."""
        self._times = {}
        self._folders.clear()

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Take what was known in an earlier session."""
        self._times, self._pending = dict(state["times"]), set(state["pending"])
        self._folders.clear()
        self._damaged.clear()

    def as_json(self, unended: Iterable[str]) -> dict[str, Any]:
        """What a later session needs to know; `unended` are folders that it shall read again."""
        return {"times": dict(self._times), "pending": sorted({*self._pending, *self._damaged, *unended})}

    def look(self) -> Listed:
        """Look for what came and what went. Raises OSError when the store cannot be listed."""
        removed = 0
        listing = list_changes(self._index.store, self._times_but_of_packed())
        for project in sorted(self._times.keys() - listing.times.keys()):
            removed += self._remove(list(self._of(project)))
            self._folders.pop(project, None)
        there: dict[str, set[str]] = {project: set() for project in listing.changed}
        for folder in listing.run_folders:
            there[folder.split("/", 1)[0]].add(folder)
        for project, packed in self._packed.items():
            if project in there:
                there[project].update(packed)
        new: dict[str, None] = {}
        for project, folders in there.items():
            before = self._of(project)
            removed += self._remove(sorted(before - folders))
            new |= dict.fromkeys(sorted(folders - before))
            self._folders[project] = folders
        self._times = dict(listing.times)
        pending = [each for each in self._pending if each not in new]
        return Listed((*pending, *new, *self._mended(), *self._read_since()), removed)

    def _read_since(self) -> list[str]:
        """Runs of which the table knows only what was listed, and that were read by another process or before."""
        if self._packs is None or self._packs.loads == self._loads_seen:
            return []
        self._loads_seen = self._packs.loads
        relation = self._index.table.relation(["_folder", "_stamp"])
        rows = self._index.engine.query(
            f"SELECT _folder FROM {relation} WHERE _stamp IN ({UNREAD_STAMP}, {LOOKED_AT_STAMP})"
        )
        folders = [folder for (folder,) in rows]
        unread = self._packs.unread(folders)
        return [folder for folder in folders if folder not in unread]

    def _times_but_of_packed(self) -> Mapping[str, int]:
        """The times of projects, without those in which runs came to lie in packs, or do so no more."""
        if self._packs is None or self._packs.revision == self._packs_seen:
            return self._times
        self._packs_seen = self._packs.revision
        before, self._packed = self._packed, self._packs.by_project()
        return {
            project: modified
            for project, modified in self._times.items()
            if project not in before and project not in self._packed
        }

    def _of(self, project: str) -> set[str]:
        """Run folders of a project that were seen so far."""
        if project not in self._folders:
            start = f"{project}/"
            rows = self._index.engine.query(
                f"SELECT _folder FROM {self._index.table.relation(['_folder'])} WHERE starts_with(_folder, ?)",
                [start],
            )
            others = (each for each in (*self._pending, *self._damaged) if each.startswith(start))
            self._folders[project] = {*(row[0] for row in rows), *others}
        return self._folders[project]

    def _mended(self) -> list[str]:
        """Run folders whose record was damaged and is another now."""
        store = self._index.store
        return [
            folder
            for folder, stamp in self._damaged.items()
            if stamp_of_file(record_path(store, folder)) != stamp
        ]

    def patrol(self) -> list[str]:
        """A few finished runs a time are looked at, in turn: one may have been resumed or edited by hand."""
        index = self._index
        relation = index.table.relation(["_folder", "_stamp", "_final"])
        rows = index.engine.query(
            f'SELECT "row", _folder, _stamp FROM {relation} WHERE _final AND "row" >= ? ORDER BY "row" LIMIT ?',
            [self._patrol_at, _PATROL],
        )
        self._patrol_at = rows[-1][0] + 1 if len(rows) == _PATROL else 0
        # that one is gone shows in the project folder
        return [
            folder
            for _, folder, stamp in rows
            if folder not in index.unchanging
            and stamp_of_file(record_path(index.store, folder)) not in (stamp, None)
        ]

    def _remove(self, folders: Sequence[str]) -> int:
        """Forget runs whose folders are gone."""
        if not folders:
            return 0
        for folder in folders:
            self._pending.discard(folder)
            self._damaged.pop(folder, None)
            self._index.problems.pop(record_path(self._index.store, folder), None)
        return self._index.remove(folders)

    def note_damage(self, folders: Sequence[str], reasons: Mapping[str, str]) -> None:
        """What came of reading folders: why records are damaged, by their paths; the others are whole."""
        for folder in folders:
            path = record_path(self._index.store, folder)
            if path in reasons:
                self.note_damaged(folder, reasons[path], stamp_of_file(path) or 0)
            else:
                self._damaged.pop(folder, None)
                self._index.problems.pop(path, None)

    def note_damaged(self, folder: str, reason: str, stamp: int) -> None:
        """A record could not be read; it is tried again when it is another."""
        self._damaged[folder] = stamp
        self._index.note(record_path(self._index.store, folder), reason)

    def note_missing(self, folders: Sequence[str], missing: Sequence[str]) -> list[str]:
        """Which of the folders hold no record; those of them that have logs, which is said."""
        self._pending.difference_update(folders)
        self._pending.update(missing)
        logged = [folder for folder in missing if list_point_files(self._index.store / folder).logs]
        for folder in logged:
            self._index.note(
                record_path(self._index.store, folder),
                "is missing, though points were logged: the run never wrote its record",
            )
        return logged
