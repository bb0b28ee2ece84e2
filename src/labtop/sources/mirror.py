"""A store of labtop made of logs that other trackers wrote, kept in the cache and brought up to date piece by piece.

What lies below a path is found, listed and read; each run becomes a folder as labtop would have written it, so whatever
works on a store works on the logs of others. It can be deleted at any time, and is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import msgspec

from labtop.errors import LabtopError
from labtop.sources.composing import compose
from labtop.sources.depth import (
    AT_ONCE,
    FIRST,
    Depth,
    Key,
    are_of_one_tracker,
    told_in_pieces,
    unread_to_read,
)
from labtop.sources.finding import Survey, survey
from labtop.sources.joining import Group, grouped
from labtop.sources.known_place import KnownPlace, SavedPlace
from labtop.sources.landed import Landed
from labtop.sources.linked_stores import link_stores
from labtop.sources.mirror_lock import locked
from labtop.sources.packs import Packs
from labtop.sources.passing import decode, encode
from labtop.sources.reading import Task, Told, read_task, read_tasks, task_of
from labtop.sources.recorded_twice import RecordedTwice
from labtop.sources.source import RunRef
from labtop.sources.unpacking import remove
from labtop.sources.unread import Unread
from labtop.store.files import replace_file
from labtop.store.layout import RECORD, create_store

Progress = Callable[[int, int], None]
"""Told how many of how many runs are read."""

SCHEMA = 6
"""Counts up whenever a mirror made by an older labtop must be made again."""

_STATE = ".mirror.json"
_LOCK = ".lock"
_LOOK_AGAIN_S = 30.0
_SHARE_OF_SEARCHING = 0.005  # of the time may go into searching for new places
_SHARE_OF_LOOKING = 0.015  # and into looking whether anything changed, in all places together
_SHARE_OF_FOLLOWING = 0.1  # and into looking at a place where something did a short while ago
_FOLLOWED_S = 120.0
_SHOWN_EVERY_S = 0.3
_SHARE_OF_SHOWING = 0.4  # of the time of a first reading may go into filling the table meanwhile
_SAVED_EVERY_S = 10.0
_ALONE = "alone"  # what a folder was made of that is to be looked at again
_MOVING_S = 600.0


class _Saved(msgspec.Struct):
    """What a mirror remembers of the last time."""

    schema: int
    root: str
    stores: list[str]
    shown: dict[str, str]
    places: list[SavedPlace]
    twice: frozenset[str] = frozenset()


def mirror_folder(cache_root: Path, root: Path) -> Path:
    """Where the mirror of what lies below `root` is kept."""
    return cache_root / "mirrors" / hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


class Mirror:
    """The mirror of what lies at and below `root`. For one thread at a time; several processes may share one.

    `stores` are labtop's own below the root.
    """

    def __init__(self, root: Path, cache_root: Path, seen: Survey | None = None) -> None:
        self.root = root.resolve()
        self.store = mirror_folder(cache_root, root)
        self.is_read_elsewhere = False  # another process brings it up to date now
        self._unreadable: dict[str, str] = {}
        self.stores: tuple[Path, ...] = ()
        self._places: dict[tuple[str, Path], KnownPlace] = {}
        self._shown_ids: set[str] = set()  # of runs that were shown in this update as soon as they were read
        self._alone: dict[str, Landed] = {}  # what was shown of them, by folder
        self._shown: dict[str, str] = {}  # folder of a run that people see → what it was made of
        self._seen = seen
        self._survey_due = 0.0
        self._took = 0.0  # to list all places
        self._moved_at = time.monotonic()
        self._state_stamp: object = None
        self._asked: queue.SimpleQueue[frozenset[str]] = queue.SimpleQueue()
        self._twice = RecordedTwice()
        self._changed = False  # beyond runs that were read: in this update
        self.packs = Packs(self.store)
        create_store(self.store)
        self._load(may_clear=False)

    @property
    def is_moving(self) -> bool:
        """Whether something was written lately to a run that has not ended."""
        return time.monotonic() - self._moved_at < _MOVING_S

    def update(
        self,
        on_progress: Progress | None = None,
        depth: Depth = Depth.WHOLE,
        only: AbstractSet[str] | None = None,
    ) -> Iterator[list[str]]:
        """Bring the mirror up to date; yields run folders whenever there are new ones, or others than before.

        `only`: of the runs that are unread these alone are read, by the folders that people see.
        """
        if not self.store.is_dir():  # somebody emptied the cache: all is read again
            create_store(self.store)
            self._survey_due = 0.0
        with locked(self.store / _LOCK) as is_ours:
            self._load(may_clear=is_ours)
            self.is_read_elsewhere = not is_ours
            if not is_ours:
                return  # another process is at it
            self._changed = False
            self._shown_ids, self._alone = set(), {}
            while not self._asked.empty():
                self._asked.get()  # who still waits asks again
            self._forget_lost()
            self._look()
            self._took = sum(each.took for each in self._places.values())
            new = {key: self._list(known) for key, known in list(self._places.items())}
            if depth is not Depth.WHOLE and are_of_one_tracker(self._places.values()):
                yield from self._tell(new, AT_ONCE if depth is Depth.LISTED else FIRST)
            tasks = self._tasks(new, unread_to_read(self._places, depth, only))
            if tasks:
                yield from self._read(tasks, on_progress)
                if not are_of_one_tracker(self._places.values()):  # as may only be known now
                    yield from self._read(self._tasks({}, unread_to_read(self._places, depth, only)), None)
            self._changed |= self._twice.look(self._places.values(), self.stores)
            if tasks or self._changed:
                yield self._show()
            if self._changed or tasks:
                self._save()
                self.packs.tidy(
                    each.pack for known in self._places.values() for each in known.runs.values() if each.pack
                )

    def _forget_lost(self) -> None:
        """Have the runs of packs that cannot be read read again."""
        lost, self.packs.lost = self.packs.lost, set()
        for known in self._places.values():
            known.lose(lost)

    # What there is

    def _look(self) -> None:
        """Search for places and stores that came or went."""
        started = time.monotonic()
        if started < self._survey_due:
            return
        seen, self._seen = self._seen or survey(self.root), None
        took = time.monotonic() - started
        self._survey_due = time.monotonic() + max(_LOOK_AGAIN_S, took / _SHARE_OF_SEARCHING)
        self._unreadable = dict(seen.problems)
        found = {(each.source, each.place.path): each for each in seen.found}
        gone = [key for key in self._places if key not in found]
        for key in gone:
            for landed in self._places.pop(key).runs.values():
                shutil.rmtree(self.store / landed.folder, ignore_errors=True)
        new = [key for key in found if key not in self._places]
        for key in new:
            self._places[key] = KnownPlace(found[key])
        self._changed |= bool(gone or new)
        self.stores = seen.stores
        has_changed, problems = link_stores(self.store, seen.stores)
        self._changed |= has_changed
        self._unreadable |= problems

    def _list(self, known: KnownPlace) -> list[RunRef]:
        """What is new at a place. Runs that are gone are removed."""
        started = time.monotonic()
        if started < known.due:
            return []
        place = known.found.place.path
        try:
            listed = known.look()
            if listed is None:
                self._wait(known, time.monotonic() - started)
                return []
            refs = {ref.key: ref for ref in listed}
        except (OSError, LabtopError) as error:
            self._unreadable[str(place)] = getattr(error, "message", "") or str(error)
            refs = {}
        except Exception as error:  # a mistake in one source hides nothing of the others
            self._unreadable[str(place)] = f"cannot be understood: {type(error).__name__}: {error}"
            refs = {}
        self._wait(known, time.monotonic() - started)
        for key in known.runs.keys() - refs.keys():
            shutil.rmtree(self.store / known.runs.pop(key).folder, ignore_errors=True)
            self._changed = True
        for key in known.problems.keys() - refs.keys():
            del known.problems[key]
        wanted = known.wanted(refs)
        if not wanted:
            known.is_read()
        return wanted

    def _tasks(self, new: Mapping[Key, list[RunRef]], unread: Mapping[Key, list[RunRef]]) -> list[Task]:
        """What is to be read of all places. A place of which nothing is counts as read."""
        tasks = []
        is_alone = are_of_one_tracker(self._places.values())
        for key, known in self._places.items():
            fresh = {ref.key for ref in new.get(key, ())}
            refs = [*new.get(key, ()), *(ref for ref in unread.get(key, ()) if ref.key not in fresh)]
            before: dict[str, Landed] = {}
            for at, ref in enumerate(refs):
                landed = known.runs.get(ref.key)
                if landed is None or landed.is_unread or (landed.is_alone and not is_alone):
                    refs[at] = replace(ref, state=None)  # all of it is read
                else:
                    before[ref.key] = landed
            if refs:
                tasks.append(task_of(known.found, refs, before, is_alone))
        return tasks

    # Runs that are only listed

    def _tell(self, new: dict[Key, list[RunRef]], first: int) -> Iterator[list[str]]:
        """Show runs that were never read by what their places tell of them, and take them out of `new`."""
        for key, refs in new.items():
            known = self._places[key]
            told: set[str] = set()
            for some in told_in_pieces(known, refs, first):
                told.update(landed.key for landed, _ in some)
                yield self._take_told(known, some)
            new[key] = [ref for ref in refs if ref.key not in told]
            if told and not new[key]:
                known.is_read()

    def _take_told(self, known: KnownPlace, some: Sequence[tuple[Landed, Unread]]) -> list[str]:
        shown = {}
        for landed, unread in some:
            known.runs[landed.key] = landed
            known.problems.pop(landed.key, None)
            if unread.folder not in self._shown or unread.folder in self.packs.unread([unread.folder]):
                shown[unread.folder] = landed
        for project in {folder.partition("/")[0] for folder in shown}:
            left = self.store / project
            left.mkdir(exist_ok=True)  # by which its runs are found where no table is remembered
            for name in os.listdir(left):  # noqa: PTH208 - thousands
                if f"{project}/{name}" in shown:
                    remove(left / name)
        self.packs.told.add(unread for _, unread in some if unread.folder in shown)
        self.packs.show(shown)
        self._shown.update(dict.fromkeys(shown, _ALONE))
        self._alone |= shown
        self._changed = True
        return list(shown)

    def _wait(self, known: KnownPlace, took: float) -> None:
        """Say when a place that was just listed is listed again."""
        self._took += took - known.took  # not summed anew: of 20,000 places that took minutes
        known.took, now = took, time.monotonic()
        pause = self._took / _SHARE_OF_LOOKING
        if now - known.changed_at < _FOLLOWED_S:
            pause = min(pause, took / _SHARE_OF_FOLLOWING)
        known.due = now + pause

    def _read(self, tasks: list[Task], on_progress: Progress | None) -> Iterator[list[str]]:
        total = sum(len(task.refs) for task in tasks)
        saved = time.monotonic()
        show_at = saved + _SHOWN_EVERY_S
        folders: list[str] = []
        for done, (task, told) in enumerate(read_tasks(self.store, tasks), 1):
            folders += self._take(task, told)
            if not self._asked.empty():
                folders += self._read_asked()
                show_at = 0.0
            if on_progress is not None:
                on_progress(min(done, total), total)
            now = time.monotonic()
            if now > show_at:
                yield folders
                folders = []
                took = time.monotonic() - now  # a table of a thousand columns is not filled run by run
                show_at = time.monotonic() + max(_SHOWN_EVERY_S, took / _SHARE_OF_SHOWING)
            if now - saved > _SAVED_EVERY_S:
                self._save()
                saved = time.monotonic()
        for task in tasks:
            self._places[task.source, Path(task.place)].is_read()
        if folders:
            yield folders

    def ask(self, folders: Iterable[str]) -> None:
        """Have some unread runs read before others by whoever reads now, in any thread; by the folders people see."""
        self._asked.put(frozenset(folders))

    def _read_asked(self) -> list[str]:
        """Read what is asked for in this process; the folders that are others now."""
        asked: set[str] = set()
        while not self._asked.empty():
            asked |= self._asked.get()
        unread = {key: known.unread(asked) for key, known in self._places.items()}
        return [
            folder
            for task in self._tasks({}, unread)
            for told in read_task(self.store, task)
            for folder in self._take(task, told)
        ]

    def _show_at_once(self, landed: Landed) -> list[str]:
        """Show a new run that was just read, alone for now; what it is one run with may be read later."""
        folder = landed.shown
        was_unread = bool(self.packs.unread([folder]))
        is_known = folder in self._shown or landed.run_id in self._shown_ids
        if landed.is_context or (is_known and not was_unread):
            return []
        try:
            compose(self.store, Group(landed), self.store / folder)
        except (OSError, LabtopError):
            return []  # said when all runs are looked at
        self.packs.show({folder: landed})
        self._shown[folder] = _ALONE
        self._alone[folder] = landed
        self._shown_ids.add(landed.run_id)
        return [folder]

    def _take(self, task: Task, told: Told) -> list[str]:
        """Take in what came of a run; its folder if it is shown from now on."""
        known = self._places[task.source, Path(task.place)]
        if told.landed is None:
            version = next((ref.version for ref in task.refs if ref.key == told.key), "")
            known.problems[told.key] = version, told.problem
            return []
        known.problems.pop(told.key, None)
        before = known.runs.get(told.key)
        if before is not None and not before.is_unread:
            self._moved_at = known.changed_at = time.monotonic()
            known.due = min(known.due, known.changed_at + known.took / _SHARE_OF_FOLLOWING)
        known.runs[told.key] = told.landed
        return self._show_at_once(told.landed)

    def _show(self) -> list[str]:
        """Make the folders that people see of what was read; gives those that are others than before."""
        runs = [landed for known in self._places.values() for landed in known.runs.values()]
        if len(runs) == len(self._shown) == self.packs.are_unread and all(each.is_unread for each in runs):
            return []  # all are listed alone, as they were shown
        groups = {
            group.host.shown: group
            for group in grouped(runs)
            if group.guests or group.host.folder not in self._twice.folders
        }
        for folder in self._shown.keys() - groups.keys():
            remove(self.store / folder)
            del self._shown[folder]
        changed = []
        for folder, group in groups.items():
            signature = _signature(group.members)
            is_unread = group.host.is_unread and not group.guests
            if (self._alone.get(folder) is group.host and not group.guests) or is_unread:
                self._shown[folder] = signature  # it is shown as it is already
            elif self._shown.get(folder) != signature:
                try:
                    compose(self.store, group, self.store / folder)
                except (OSError, LabtopError) as error:
                    self._unreadable[group.host.where or folder] = f"cannot be shown: {error}"
                    continue
                self._shown[folder] = signature
                changed.append(folder)
        self.packs.show_only(
            {
                folder: group.host
                for folder, group in groups.items()
                if not group.guests and folder in self._shown
            }
        )
        return changed

    # What is remembered

    def _load(self, may_clear: bool) -> None:
        """Take what was remembered, unless it is what this process wrote itself.

        Where that is nothing, what lies there is cleared away; not while another process may be making it.
        """
        stamp = _stamp(self.store / _STATE)
        if stamp == self._state_stamp:
            return
        try:
            saved = decode((self.store / _STATE).read_bytes(), _Saved)
        except (OSError, msgspec.MsgspecError):
            saved = None
        if saved is None or saved.schema != SCHEMA:
            if may_clear:
                self._state_stamp = stamp
                self._clear()
            return
        self._state_stamp = stamp
        before = self._places
        self.stores = tuple(map(Path, saved.stores))
        self._shown = saved.shown
        self._twice.folders = saved.twice
        self.packs.loads += 1
        self._places = {}
        whole = self.packs.are_whole(run.pack for each in saved.places for run in each.runs if run.pack)
        for each in saved.places:
            key = each.source, Path(each.path)
            runs = [landed for landed in each.runs if self._is_there(landed, whole)]
            known = KnownPlace.of(each, runs, before.get(key))
            self._places[key] = known
        self.packs.show_only(
            {
                landed.shown: landed
                for known in self._places.values()
                for landed in known.runs.values()
                if (landed.pack or landed.is_unread)
                and self._shown.get(landed.shown) in (_ALONE, _signature((landed,)))
            }
        )

    def _is_there(self, landed: Landed, whole: Mapping[str, bool]) -> bool:
        """Whether what was read of a run is still in the cache, which others may tidy."""
        if landed.pack:
            return whole[landed.pack]
        if landed.is_unread:
            return True
        try:
            return (self.store / landed.folder / RECORD).stat().st_size > 0
        except OSError:
            return False

    def _clear(self) -> None:
        """Begin anew: what lies there is from another version, or was made by a process that was killed."""
        self._places, self._shown = {}, {}
        for each in self.store.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)

    def _save(self) -> None:
        places = [each.saved() for each in self._places.values()]
        stores = [str(each) for each in self.stores]
        saved = _Saved(SCHEMA, str(self.root), stores, self._shown, places, self._twice.folders)
        with contextlib.suppress(OSError):
            replace_file(self.store / _STATE, encode(saved), sync=False)
            self._state_stamp = _stamp(self.store / _STATE)

    @property
    def problems(self) -> dict[str, str]:
        """What could not be read: path → reason."""
        runs = {
            f"{known.found.place.path}: {key}": reason
            for known in self._places.values()
            for key, (_, reason) in known.problems.items()
        }
        return {**self._unreadable, **runs}


def _signature(members: Sequence[Landed]) -> str:
    """What a folder that people see was made of."""
    return " ".join(f"{each.folder}@{each.writer}.{each.seq}.{each.version}" for each in members)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return found.st_ino, found.st_mtime_ns, found.st_size
