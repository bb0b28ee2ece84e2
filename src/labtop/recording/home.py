"""Where a run is written: its store, or a spool in which it waits for it.

A run goes to the spool when `mode="offline"` asks for that, and when its store cannot be written to; `labtop sync`
brings it to its store later.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import LabtopError, RecordingError
from labtop.model.run import RunRecord
from labtop.recording.launch import is_requeued, job_key
from labtop.recording.moving import Moving
from labtop.recording.resuming import find_run, find_unfinished
from labtop.settings import Settings, spool_folder
from labtop.store.layout import create_store, run_folder
from labtop.store.spool import note_destination, spooled_folder
from labtop.store.upkeep import Refuge


@dataclass(frozen=True, slots=True)
class Home:
    """The store a run is written to, and the one it belongs to: the same one, unless the run is spooled."""

    store: Path
    destination: Path
    trouble: str | None = None  # why it is not written where it was asked to be

    @property
    def is_spool(self) -> bool:
        """Whether the run waits here for `labtop sync`."""
        return self.store != self.destination

    def find_run(self, run_id: str) -> Path | None:
        """The folder of a run that was begun here, or in the store that spooled runs belong to."""
        return find_run(self.store, run_id) or (
            find_run(self.destination, run_id) if self._may_look_there() else None
        )

    def find_unfinished(self, project: str) -> Path | None:
        """The newest run of a project that did not finish, here or there; a requeued job finds its own."""
        job = job_key() if is_requeued() else None
        return find_unfinished(self.store, project, job) or (
            find_unfinished(self.destination, project, job) if self._may_look_there() else None
        )

    def _may_look_there(self) -> bool:
        return self.is_spool and self.trouble is None and self.destination.is_dir()

    def folder_of(self, found: Path, record: RunRecord) -> Path:
        """Where a run that was found goes on: where it is, or here under the same id when it is elsewhere."""
        return found if self.store in found.parents else run_folder(self.store, record.project, record.id)

    def mark(self, folder: Path) -> None:
        """Say in the folder of a spooled run where it belongs."""
        if self.is_spool:
            note_destination(folder, self.destination)


def open_home(wanted: Path, settings: Settings) -> Home:
    """Make the store, or else the spool that takes its place.

    Raises:
        RecordingError: only if strict, when the run cannot be written where it was asked to be.
    """
    wanted = wanted.absolute()
    if settings.mode == "offline":
        return _open_spool(wanted, settings, None)
    try:
        create_store(wanted, settings.shared)
        _need_writable(wanted)
    except (OSError, LabtopError) as error:
        reason = _words(error)
        if settings.strict:
            raise RecordingError(
                f"cannot write to the store {wanted}: {reason}", "name another store"
            ) from error
        return _open_spool(wanted, settings, reason)
    return Home(wanted, wanted)


def _open_spool(wanted: Path, settings: Settings, reason: str | None) -> Home:
    spool = spool_folder(settings)
    try:
        _make(spool)
        return Home(spool, wanted, _kept(wanted, reason, spool) if reason else None)
    except (OSError, LabtopError) as error:
        if settings.strict:
            raise RecordingError(
                f"cannot write to the spool {spool}: {_words(error)}", "name another with the setting 'spool'"
            ) from error
        import tempfile

        last = Path(tempfile.gettempdir()) / f"labtop-spool-{getattr(os, 'getuid', int)()}"
        problem = f"cannot write to the spool {spool} ({_words(error)})"
    try:
        _make(last)
        return Home(last, wanted, _kept(wanted, reason, last) if reason else f"{problem}; {_advice(last)}")
    except (OSError, LabtopError) as error:
        return Home(last, wanted, f"{problem}, nor to {last} ({_words(error)}); this run is not recorded")


def _make(spool: Path) -> None:
    create_store(spool)
    _need_writable(spool)


def _need_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        is_read_only = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        code = errno.EROFS if is_read_only else errno.EACCES
        raise OSError(code, os.strerror(code))


def _kept(wanted: Path, reason: str, spool: Path) -> str:
    return f"cannot write to the store {wanted} ({reason}); {_advice(spool)}"


def _advice(spool: Path) -> str:
    return f"this run is kept in {spool}: 'labtop sync {spool}' brings it to its store"


def _words(error: Exception) -> str:
    if isinstance(error, LabtopError):
        return error.message
    return getattr(error, "strerror", None) or str(error)


def refuge_of(home: Home, run_folder: Path, settings: Settings, moving: Moving) -> Refuge | None:
    """What a writer asks for when the run's folder goes away under it; a spooled run has no other."""
    if home.is_spool:
        return None

    def refuge() -> Path:
        # the names of folders, which are the same for all processes of a run
        project, run_id = run_folder.parent.name, run_folder.name
        folder = spooled_folder(spool_folder(settings), project, run_id, home.destination)
        moving.begin(folder)
        return folder

    return refuge
