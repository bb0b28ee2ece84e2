"""Brings runs from a spool to the store they belong to: proven copies, published whole, and only then let go of.

A run that is not in the store yet is put together in a hidden folder there and appears by one rename. A run that is
there gets what it lacks, file by file, its record last; so a living run may be synced again and again. What was
proven once is remembered in the spool (`synced.json`), so that an interrupted sync goes on where it was.

One sync of a run at a time: its folder in the spool is locked. Two spools of one run (ranks on two machines) may be
synced at once: points never share a file, and of two records the one that is further is kept.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from labtop.errors import InputError, LabtopError, NoStoreError
from labtop.model.run import RunRecord
from labtop.store.abandoned import end_abandoned
from labtop.store.amending import amended
from labtop.store.arrival import Arrival, Memory
from labtop.store.drafts import SYNC_SUFFIX, run_files
from labtop.store.layout import (
    METRICS,
    RECORD,
    create_store,
    file_mode,
    is_run_id,
    make_folders,
    project_folders,
    read_store_info,
    run_folders,
)
from labtop.store.process import is_gone
from labtop.store.reader import read_record
from labtop.store.record_file import write_record
from labtop.store.run_lock import alone_with
from labtop.store.spool import NOTE, destination_of
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.writers import read_writers

_LEAVING = ".leaving"
_MOST_LOOKS = 5  # at a run that seals a log while it is copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What became of one run. `state`: moved (no longer in the spool), copied, so far (it goes on), failed."""

    run_id: str
    name: str
    project: str
    state: str
    store: Path | None
    files: int = 0  # copied now
    bytes: int = 0
    problems: tuple[str, ...] = ()


def sync_spool(spool: Path, to: Path | None = None, *, keep: bool = False) -> Iterator[Synced]:
    """Bring every run of a spool to its store, or to the store `to`.

    Arguments:
        keep: leave runs in the spool that are in their store now. Runs without a note of where they belong always
            stay: their store is no spool.

    Raises:
        NoStoreError: there is no such spool.
    """
    read_store_info(spool)
    _settle_leaving(spool)
    for folder in list(run_folders(spool)):
        destination = to or destination_of(folder)
        record = _record_of(folder)
        base = Synced(
            run_id=folder.name,
            name=record.name if record else folder.name,
            project=record.project if record else folder.parent.name,
            state="failed",
            store=destination,
        )
        if destination is None:
            if not folder.exists():  # another sync moved it since it was listed
                yield replace(base, state="moved")
                continue
            yield replace(base, problems=("nothing says where it belongs; name a store with --to",))
            continue
        if destination.resolve() == spool.resolve():
            yield replace(base, problems=("it belongs where it is",))
            continue
        try:
            with alone_with(folder):
                done = _sync_run(folder, destination, keep, base)
            yield done
        except (OSError, LabtopError) as error:
            if not folder.exists():  # another sync was quicker
                yield replace(base, state="moved")
                continue
            words = error.message if isinstance(error, LabtopError) else f"{error.strerror or error}"
            where = getattr(error, "filename", None)
            yield replace(base, problems=(f"{words}{f': {where}' if where else ''}",))


def _record_of(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except InputError:
        return None


def _open_destination(path: Path) -> bool:
    """Make the store unless it is there; gives whether it is shared. Its parent must be there: it may be a mount."""
    if not path.is_dir() and not path.parent.is_dir():
        raise NoStoreError(f"{path.parent} is not there; is it mounted?", "name another store with --to")
    return create_store(path).shared


def _sync_run(folder: Path, destination: Path, keep: bool, base: Synced) -> Synced:
    if not folder.is_dir():  # another sync moved it while we waited
        return replace(base, state="moved")
    if (folder / NOTE).exists():
        end_abandoned(folder, read_store_info(folder.parent.parent).shared)
    shared = _open_destination(destination)
    store_id = read_store_info(destination).store_id
    memory = Memory.load(folder, store_id)
    home = _find(destination, folder)
    arrival = Arrival(folder, home, memory, shared)
    if not home.exists():
        if not _has_begun(folder):
            return replace(base, state="so far")
        _publish(arrival, home, read_store_info(folder.parent.parent).store_id)
    for _ in range(_MOST_LOOKS):
        if arrival.bring_all():
            break
    arrival.remove_stale_logs()
    if not arrival.problems:
        _amend(home, shared)
    memory.save(folder)
    state = "so far" if _may_go_on(folder) else "copied"
    if arrival.problems:
        state = "failed"
    elif not keep and (folder / NOTE).exists() and _is_over(folder) and _leave(arrival):
        state = "moved"
    return replace(
        base,
        state=state,
        files=arrival.files,
        bytes=arrival.bytes,
        problems=tuple(arrival.problems),
    )


def _amend(home: Path, shared: bool) -> None:
    """Put into a record that has ended what a rank logged whose files came just now, or came before the record."""
    record = _record_of(home)
    if record is not None and record.status.is_end and (writers := read_writers(home)):
        more = amended(record, writers)
        if more is not record:
            write_record(home, more, mode=file_mode(shared))


def _find(store: Path, folder: Path) -> Path:
    """Where a run is in a store, in whatever project; or where it would be."""
    usual = store / folder.parent.name / folder.name
    if usual.is_dir():
        return usual
    places = (project / folder.name for project in project_folders(store))
    return next((each for each in places if each.is_dir()), usual)


def _publish(arrival: Arrival, home: Path, spool_id: str) -> None:
    """Put a new run together beside its place, and move it there whole. Somebody else may have been first."""
    draft = home.with_name(f".{home.name}.{spool_id[:8]}{SYNC_SUFFIX}")
    make_folders(draft, arrival.shared)
    arrival.home = draft
    for _ in range(_MOST_LOOKS):
        if arrival.bring_all():
            break
    arrival.home = home
    arrival.sync_folders(draft)
    try:
        draft.rename(home)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        arrival.forget()  # what is there has to be looked at first
        shutil.rmtree(draft, ignore_errors=True)
    arrival.sync_folders(home.parent)


# -- letting go ----------------------------------------------------------------------------------------------------


def _has_begun(folder: Path) -> bool:
    """Whether a run has anything yet that makes it one."""
    return (folder / RECORD).exists() or any((folder / METRICS).glob("*"))


def _may_go_on(folder: Path) -> bool:
    """Whether the process that records a run may still be there."""
    record = _record_of(folder)
    if record is None or record.status.is_end:
        return record is None
    return record.life.process is None or is_gone(record.life.process) is not True


def _is_over(folder: Path) -> bool:
    """Whether nobody writes into a run any more: it ended or its process is gone, and every log is sealed."""
    return not _may_go_on(folder) and not any((folder / METRICS).glob(f"*{WAL_SUFFIX}"))


def _leave(arrival: Arrival) -> bool:
    """Remove a run from the spool. It is put aside first: should it have changed since, it comes back."""
    aside = arrival.folder.with_name(f".{arrival.folder.name}{_LEAVING}")
    arrival.folder.rename(aside)
    arrival.folder, before = aside, arrival.folder
    if arrival.is_proven() and _is_over(aside):
        arrival.memory.is_complete = True
        arrival.memory.save(aside)
        shutil.rmtree(aside, ignore_errors=True)
        return True
    aside.rename(before)
    arrival.folder = before
    return False


def _settle_leaving(spool: Path) -> None:
    """What a sync that died left aside: removed when it was proven whole, else put back."""
    for project in project_folders(spool):
        for aside in project.glob(f".*{_LEAVING}"):
            run_id = aside.name[1 : -len(_LEAVING)]
            if is_run_id(run_id):
                with suppress(OSError), alone_with(aside):
                    if Memory.load(aside, None).is_complete:
                        shutil.rmtree(aside, ignore_errors=True)
                    elif aside.exists() and not (project / run_id).exists():
                        aside.rename(project / run_id)


def waiting_runs(spool: Path) -> list[Path]:
    """The folders of runs in a spool that are not, or not wholly, in their store yet; none where there is no spool."""
    try:
        folders = [each for each in run_folders(spool) if (each / NOTE).exists()]
    except OSError:
        return []
    return [
        each for each in folders if not (Memory.load(each, None).covers(run_files(each)) and _is_over(each))
    ]
