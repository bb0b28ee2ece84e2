"""The writer of one run in one process: points through the tail, everything else behind it in a thread of its own.

Recording never breaks training: nothing here raises because of a disk, unless `strict`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import RecordingError
from labtop.model.run import Artifact, RunRecord, Status, Writer
from labtop.store.faults import Limits
from labtop.store.files import FILES, Files
from labtop.store.layout import METRICS, make_folders, new_writer_id
from labtop.store.process import this_process
from labtop.store.record_file import Durability, Identity
from labtop.store.tail import Tail
from labtop.store.upkeep import Refuge, Upkeep

_log = logging.getLogger("labtop")


class RunWriter:
    """Owns a run's folder for writing. Several processes may each have one; only one should own the record.

    Arguments:
        folder: the run's own folder, `STORE/<project>/<run_id>`; it is made.
        record: the run as it is known so far. When a run is resumed, the record that was read: its summaries go on.
        owns_record: whether this process writes `run.parquet`; ranks other than the first don't.
        who: its role, where the run may have several writers: `Writer.wants_record` then decides with the others whose
            the record is; the writer's identity is filled in here.
        durability: when an appended point survives: "process" a crash of this process; "os" also one of the machine
            a second later; "sync" also at once.
        warn: told once, in words, when something cannot be written.
        refuge: makes another folder, in a spool, for a run whose own is gone or refuses to be written to; nobody
            asks for it while all is well.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        *,
        owns_record: bool = True,
        who: Writer | None = None,
        durability: Durability = "os",
        strict: bool = False,
        shared: bool = False,
        files: Files = FILES,
        limits: Limits | None = None,
        warn: Callable[[str], None] = _log.warning,
        refuge: Refuge | None = None,
    ) -> None:
        self._files = files
        self._limits = limits or Limits()
        self._warn = warn
        self._refuge = None if strict else refuge
        self._closed = False
        writer = new_writer_id()
        who = who and replace(who, writer=writer, began_at=round(time.time(), 3))
        self._identity = Identity(
            folder=folder,
            run_id=record.id,
            writer=writer,
            owns_record=who.wants_record if who else owns_record,
            who=who,
            durability=durability,
            strict=strict,
            shared=shared,
        )
        try:
            make_folders(folder / METRICS, shared)
        except OSError as error:
            if strict:
                raise RecordingError(f"cannot make {folder}: {error}", "name another store") from error
        self._start(record)
        _open_writers.add(self)

    def _start(self, record: RunRecord) -> None:
        # re-entrant: a signal handler may close what its own thread is flushing
        self._lock = threading.RLock()
        self._upkeep = Upkeep(self._identity, record, self._files, self._limits, self._warn, self._refuge)
        self._tail: Tail | _NotStarted = self._upkeep.tail
        self._thread = threading.Thread(target=self._run, args=(self._upkeep,), name="labtop", daemon=True)
        self._thread.start()

    def append(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        """Log values that belong together; when it returns they survive the end of this process.

        After `close` nothing is written any more.

        Raises:
            RecordingError: only if `strict`.
        """
        self._tail.append(step, time_us, values)

    @property
    def quick_tail(self) -> Tail | None:
        """What a loop may append to by itself, see `Tail`; None in a child that has not begun to write."""
        return self._tail if isinstance(self._tail, Tail) else None

    @property
    def folder(self) -> Path:
        """The run's folder; another one than it began in once that could not be written to."""
        return self._upkeep.identity.folder

    @property
    def writer(self) -> str:
        """The identity of this writer, in the names of its files."""
        return self._identity.writer

    @property
    def owns_record(self) -> bool:
        """Whether facts that are given here get into the record: not those of ranks other than the first."""
        return self._identity.owns_record

    @property
    def record(self) -> RunRecord:
        """The record as it would be written now, but for the points of the last second."""
        record = self._upkeep.record
        return record.merged(record.given.life.beat, self.degraded, self.dropped)

    @property
    def dropped(self) -> int:
        """How many points were lost because nothing could be written for too long."""
        return self._upkeep.tail.dropped

    @property
    def degraded(self) -> str | None:
        """What went wrong with writing, if something did."""
        return self._upkeep.faults.degraded

    def set_record(self, record: RunRecord) -> None:
        """Take a new record, to be written within a second; never waits.

        Its summaries count only for their goals and for metrics that were never logged; beat and `written` not at all.
        """
        self._upkeep.record.give(record)

    def list_artifacts(self, logged: Sequence[Artifact]) -> bool:
        """Say which artifacts this process logged; they are in the record given next as well. False: they are too many.

        In a forked child this begins its writer.
        """
        if isinstance(self._tail, _NotStarted):
            self._restart()
        return self._upkeep.record.list_artifacts(logged)

    @property
    def rank(self) -> int | None:
        """The rank of this process, where it is one of several."""
        who = self._identity.who
        return who.rank if who else None

    def flush(self, patience_s: float = 60.0) -> bool:
        """Get points and record to the disk now; False if that failed, or the disk hangs for so long."""
        if not self._lock.acquire(timeout=patience_s):
            self._upkeep.faults.tell(f"the disk does not answer for {patience_s:.0f} s")
            return False
        try:
            return not self._closed and (isinstance(self._tail, _NotStarted) or self._upkeep.flush())
        finally:
            self._lock.release()

    def close(
        self, status: Status = Status.FINISHED, ended_at: datetime | None = None, patience_s: float = 60.0
    ) -> bool:
        """End the run: seal its points and write the last record. Closing again does nothing.

        Arguments:
            patience_s: how long to wait for a disk that hangs.

        Returns:
            whether all is written.

        Raises:
            RecordingError: only if `strict` and it is not.
        """
        if not self._lock.acquire(timeout=patience_s):
            self._upkeep.faults.tell(f"the disk does not answer for {patience_s:.0f} s")
            return self._closed_as(False)
        try:
            if self._closed:
                return True
            self._closed = True
            _open_writers.discard(self)
            if isinstance(self._tail, _NotStarted):
                return True
            record = self._upkeep.record
            record.give(replace(record.given, status=status, ended_at=ended_at or datetime.now(UTC)))
            return self._closed_as(self._upkeep.finish())
        finally:
            self._lock.release()
            self._upkeep.tail.wake.set()

    def _closed_as(self, is_done: bool) -> bool:
        if not is_done and self._identity.strict:
            raise RecordingError(f"the run's end could not be written: {self.degraded}")
        return is_done

    def _run(self, upkeep: Upkeep) -> None:
        """The thread: a round a second, and one whenever the tail asks."""
        has_warned = False
        while not self._closed:
            try:
                with self._lock:
                    if not self._closed:
                        upkeep.tick()
            except Exception as error:  # the outermost edge: whatever it is, training goes on
                if not has_warned:
                    has_warned = True
                    self._warn(f"labtop: an internal error, please report it: {error!r}")
            upkeep.tail.wake.wait(self._limits.tick_s)
            upkeep.tail.wake.clear()

    def _after_fork(self) -> None:
        """In a child the parent's log, record and thread are not ours; its own writer begins with its first point."""
        inherited = self._upkeep.tail
        self._lock = threading.RLock()
        self._tail = _NotStarted(self._restart)
        self._restarting = threading.Lock()
        inherited.trouble = None
        inherited.let_go(waits=True)
        inherited.wal.close()

    def _restart(self) -> Tail:
        """Begin anew in a child, once: the first point and the first artifact may come from two threads."""
        with self._restarting:
            if isinstance(self._tail, _NotStarted):
                self._begin_in_child()
        return self._upkeep.tail

    def _begin_in_child(self) -> None:
        before, writer = self._upkeep.identity, new_writer_id()
        who = Writer(
            writer=writer,
            role="child",
            rank=before.who.rank if before.who else None,
            parent=before.writer,
            process=this_process(),
            began_at=round(time.time(), 3),
        )
        self._identity = replace(before, writer=writer, owns_record=False, who=who)
        self._start(self._upkeep.record.given)


class _NotStarted:
    """Stands for a tail in a forked child until there is a point to write."""

    def __init__(self, start: Callable[[], Tail]) -> None:
        self._start = start

    def append(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        """Begin a writer of this process and log to it."""
        self._start().append(step, time_us, values)


_open_writers: weakref.WeakSet[RunWriter] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for writer in list(_open_writers):
        writer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
