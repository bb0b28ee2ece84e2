"""What is done behind a training loop: flush, fold, seal, mend, and rewrite the record with its beat.

Each step leaves the store as good as before when it fails or the process dies in it, and is tried again.
Nothing here is on the path of `log()`.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from labtop.errors import InputError, LabtopError
from labtop.model.run import RunRecord
from labtop.store.beside import Beside
from labtop.store.faults import Faults, Limits
from labtop.store.files import Files
from labtop.store.layout import METRICS, make_folders
from labtop.store.part import OpenPart, part_content, part_stem, write_part
from labtop.store.record_file import Identity, LiveRecord
from labtop.store.tail import Tail, Taken
from labtop.store.wal import SUFFIX, NoLog, PointFrame, WalWriter, encode_points, read_wal

_FRAMES_AT_ONCE = 256  # then the training loop may have the interpreter: a millisecond or less
_STAYS_AWAY = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EROFS, errno.EACCES, errno.EPERM, errno.ESTALE))
"""Errors of a store that went away, or may not be written to any more: waiting is not worth the risk."""

Refuge = Callable[[], Path]
"""Makes another folder for a run whose own cannot be written to any more; raises OSError or LabtopError."""


class _Rolled(NamedTuple):
    """Points that wait to be sealed, and the finished log that has them meanwhile."""

    part: OpenPart
    log: WalWriter


class _NotSealedError(Exception):
    """The part that a record was to tell of could not be written."""


class Upkeep:
    """The state behind a `Tail`. Not thread-safe: its owner holds one lock around every call."""

    def __init__(
        self,
        identity: Identity,
        record: RunRecord,
        files: Files,
        limits: Limits,
        warn: Callable[[str], None],
        refuge: Refuge | None = None,
    ) -> None:
        self.identity = identity
        self.home = identity.folder  # where the run began; `identity.folder` is where it is now
        self._refuge = refuge
        self._warn = warn
        self.record = LiveRecord(identity, record, files)
        self.faults = Faults(warn, limits.longest_pause_s)
        self._files = files
        self._limits = limits
        self._folder = identity.folder / METRICS
        self._logs_begun = 0
        self._is_recorded = False  # whether the record was written after the last part
        self._is_ending = False
        self._absorbed = 0  # the first number that was not taken over yet
        self._part = OpenPart()
        self._part_since = time.monotonic()
        self._waiting: list[_Rolled] = []
        self.tail = self._begin()
        self.record.begin()

    def _begin(self) -> Tail:
        trouble: OSError | None = None
        log: WalWriter
        try:
            log = self._new_log()
        except OSError as error:
            log, trouble = NoLog(self._folder / (self._stem() + SUFFIX)), error
        tail = Tail(
            log,
            sync_each=self.identity.durability == "sync",
            strict=self.identity.strict,
            most_waiting=self._limits.most_waiting,
        )
        tail.trouble = trouble
        tail.wake_at = self._limits.seal_points
        return tail

    def _stem(self) -> str:
        return part_stem(self.identity.writer, self._logs_begun)

    def _new_log(self) -> WalWriter:
        self._logs_begun += 1
        who = self.identity
        return WalWriter(
            self._folder / (self._stem() + SUFFIX), who.run_id, who.writer, self._files, who.mode
        )

    # -- rounds ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One regular round."""
        if self._is_full():
            self._roll()  # first, so that a part gets no more than there is now, however long taking over takes
        else:
            self._absorb(self.tail.take(), self.tail.wal)
        self._secure()
        self._seal_waiting()
        if self.record.is_due:
            self.write_record()

    def flush(self) -> bool:
        """Get all that was logged to the disk and into the record now; False if that failed."""
        self.faults.retry_now()
        self._absorb(self.tail.take(), self.tail.wal)
        self._secure()
        return self.write_record() and self.tail.trouble is None

    def finish(self) -> bool:
        """Seal what is left and write the last record; False if something could not be written."""
        self.faults.retry_now()
        self._absorb(self.tail.take(), self.tail.wal)
        self._secure(flushes=False)  # the part that comes next is flushed
        is_in_log = self.tail.trouble is None
        last = self.tail.swap(None)
        self._absorb(last, self.tail.wal)
        self._waiting.append(_Rolled(self._part, self.tail.wal))
        self._is_recorded, self._is_ending = False, True
        is_sealed = self._insist(self._seal_waiting)
        is_in_log = is_sealed or (is_in_log and self._flush_waiting())
        is_recorded = (is_sealed and self._is_recorded) or self._insist(self.write_record)
        if not (is_recorded and (is_sealed or is_in_log)) and self._move():
            is_sealed = self._insist(self._seal_waiting)
            is_recorded = self._insist(self.write_record)
        if not (is_sealed or is_in_log):
            self.tail.dropped += len(self._part)  # memory was their last place
            is_recorded = self._insist(self.write_record)
        self._leave_in_logs()
        self.tail.let_go()
        self.record.end()  # not before: who has ended lets go of the record
        return is_recorded and last is not None and (is_in_log or is_sealed)

    def _insist(self, write: Callable[[], bool]) -> bool:
        """Try a few times within a second: there is no later."""
        for pause_s in self._limits.last_pauses_s:
            time.sleep(pause_s)
            self.faults.retry_now()
            if write():
                return True
        return False

    def write_record(self, expect: Callable[[], None] = lambda: None) -> bool:
        """Rewrite the record now; False if that failed. `expect` may raise at the last moment, to keep the old one."""
        try:
            self.record.write(self.faults.degraded, self.tail.dropped, expect)
        except OSError as error:
            self.faults.note(f"the record could not be written ({error})")
            if self.tail.trouble is None and not self.identity.folder.is_dir():
                self.tail.trouble = error  # its log is gone too, although it takes what is written
            return False
        if self.record.contested_by and self.faults.degraded is None:
            self.faults.tell(self.record.contested_by)
        return True

    # -- taking over -------------------------------------------------------------------------------------------

    def _absorb(self, taken: Taken | None, log: WalWriter) -> None:
        """Take over points: into the part in memory and into the summaries."""
        if taken is None:
            return
        frames = taken.frames
        if taken.spilled:  # the log has what the queue had no room for
            logged = [each for each in read_wal(log.path).frames if each.end <= taken.until]
            # by their numbers: who takes one does not always write at once
            of_numbers = {each.seq: each for each in (*logged, *frames)}
            frames = [of_numbers[seq] for seq in sorted(of_numbers)]
        with self._computing():
            for start in range(0, len(frames), _FRAMES_AT_ONCE):
                self._absorb_some(frames[start : start + _FRAMES_AT_ONCE])
                time.sleep(0)
        self._count_held()

    def _absorb_some(self, frames: Sequence[PointFrame]) -> None:
        if frames[0].seq < self._absorbed:  # some were taken over before
            frames = [each for each in frames if each.seq >= self._absorbed]
        if not frames:
            return
        pieces = _of_equal_names(frames)
        for names, some in pieces:
            self._part.add(names, some)
        self._absorbed = frames[-1].end
        if self.identity.owns_record or self.identity.who is not None:
            for names, some in pieces:
                self.record.fold(names, some)
            self.record.folded_until(self._absorbed)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Meanwhile a loop that only logs makes way when too much is queued."""
        self.tail.upkeep_computes = True
        try:
            yield
        finally:
            self.tail.upkeep_computes = False

    def _count_held(self) -> None:
        self.tail.held = len(self._part) + sum(len(each.part) for each in self._waiting)

    # -- safety of the log -------------------------------------------------------------------------------------

    def _secure(self, flushes: bool = True) -> None:
        """Flush the log. When it failed, now or before, that file is never trusted again: go on in a new one."""
        tail = self.tail
        if tail.trouble is None:
            try:
                tail.wal.check()
                if flushes and self.identity.durability == "os":
                    tail.sync()
            except OSError as error:
                tail.trouble = error
        if tail.trouble is not None and self.faults.may_try:
            self.faults.note(f"points could not be written ({tail.trouble})")
            self._mend()

    def _mend(self) -> None:
        """Write what is in memory to a new log and go on there."""
        log = self._another_log()
        if log is None:
            return
        broken = self.tail.wal
        try:
            for frame in self._part.frames():
                log.append(encode_points(*frame))
            if self.identity.sync:
                log.sync()
            is_mended = self.tail.mend(log)
        except OSError:
            is_mended = False
        if not is_mended:
            log.discard()
            return
        broken.discard()
        self.faults.over()

    def _another_log(self) -> WalWriter | None:
        """A new log, in the run's refuge where its own folder will not have one."""
        try:
            return self._new_log()
        except OSError as error:
            is_urgent = self.tail.waiting > self._limits.most_waiting // 2
            if not (is_urgent or error.errno in _STAYS_AWAY) or not self._move():
                return None
        try:
            return self._new_log()
        except OSError:
            return None

    def _move(self) -> bool:
        """Go on in the run's refuge; False when there is none, or it is no better. Happens once."""
        if self._refuge is None:
            return False
        try:
            folder = self._refuge()
            make_folders(folder / METRICS, self.identity.shared)
        except (OSError, LabtopError) as error:
            self.faults.tell(f"nor can the run be kept elsewhere ({error})")
            return False
        self._refuge = None
        self.identity = replace(self.identity, folder=folder)
        self._folder = folder / METRICS
        self.record.move(self.identity)
        why = f"{self.home} cannot be written to any more; the run is kept in {folder}"
        self.faults.degraded = why
        self._warn(f"labtop: {why}; 'labtop sync' brings it to its store")
        return True

    # -- sealing -----------------------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        points = len(self._part) + self.tail.queued
        if self.tail.trouble is not None or points == 0 or not self.faults.may_try:
            return False
        return (
            points >= self._limits.seal_points
            or self.tail.wal.size >= self._limits.seal_bytes
            or time.monotonic() - self._part_since >= self._limits.seal_s
        )

    def _roll(self) -> None:
        """Go on in a new log; the points of the old one wait to be sealed."""
        try:
            log = self._new_log()
        except OSError as error:
            self.faults.note(f"a new log could not be begun ({error})")
            return
        old = self.tail.wal
        taken = self.tail.swap(log)
        if taken is None:
            log.discard()
            return
        with suppress(OSError):  # sealing comes next, and that is flushed too
            old.sync()
        self._absorb(taken, old)
        self._waiting.append(_Rolled(self._part, old))
        self._part, self._part_since = OpenPart(), time.monotonic()
        self.tail.wake_at = self._absorbed + self._limits.seal_points

    def _seal_waiting(self) -> bool:
        """Seal what waits, oldest first; False if something still waits."""
        while self._waiting and self.faults.may_try:
            try:
                self._seal(self._waiting[0])
            except (OSError, InputError) as error:
                self.faults.note(f"points could not be sealed ({error})")
                break
            del self._waiting[0]
        if self.tail.held > self._limits.most_waiting:
            self._leave_in_logs()
        self._count_held()
        return not self._waiting

    def _seal(self, rolled: _Rolled) -> None:
        if len(rolled.part):
            who = self.identity
            path = self._folder / (rolled.log.path.stem + ".parquet")
            with self._computing():
                content = part_content(rolled.part, who.run_id, who.writer)
            write = partial(write_part, content, len(rolled.part), path, self._files, who.mode, who.sync)
            del content
            self._write_with_record(write)
        rolled.log.discard()

    def _write_with_record(self, write: Callable[[], None]) -> None:
        """Write a part, then the record, so that it covers what is in no log any more.

        At the end, which somebody waits for, the record is made and flushed while the part is.
        """
        if not self._is_ending:
            write()
            self._is_recorded = self.write_record()
            return
        with Beside(write) as part:

            def expect_part() -> None:
                if not part.has_worked():
                    raise _NotSealedError

            with suppress(_NotSealedError):
                self._is_recorded = self.write_record(expect_part)
            part.result()

    def _flush_waiting(self) -> bool:
        """At the end, when points could not be sealed: see to it that their logs have them."""
        try:
            for each in self._waiting:
                if self.identity.sync:
                    each.log.sync()
        except OSError as error:
            self.faults.note(f"points could not be written ({error})")
            return False
        return True

    def _leave_in_logs(self) -> None:
        """Let go of points in memory that could not be sealed: readers take them from the log."""
        for each in self._waiting:
            each.log.close()
        self._waiting.clear()


def _of_equal_names(frames: Sequence[PointFrame]) -> list[tuple[tuple[str, ...], Sequence[PointFrame]]]:
    """Frames in pieces of the same names, as few as can be; points of one name stay in their order.

    A loop logs the same names again and again, and what is done once a piece costs next to nothing.
    """
    of_names: dict[tuple[str, ...], list[PointFrame]] = {}
    for frame in frames:
        names = tuple(frame.values)
        if names in of_names:
            of_names[names].append(frame)
        else:
            of_names[names] = [frame]
    if len(set().union(*of_names)) == sum(map(len, of_names)):
        return [*of_names.items()]
    # a name in two places
    return [(names, [*some]) for names, some in groupby(frames, lambda frame: tuple(frame.values))]
