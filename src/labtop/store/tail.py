"""The growing end of a run: what every `log()` goes through. One frame, one `write()`, and a queue for the upkeep."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from labtop.errors import RecordingError
from labtop.store.beside import unawaited
from labtop.store.lasting_number import another_number, park, redirect
from labtop.store.wal import (
    PointFrame,
    WalWriter,
    clean_values,
    decode_points,
    encode_points,
    frame_of,
    payload_of,
)

_NEVER = 2**63
_LOCK_PATIENCE_S = 0.2
_CROWDED = 25_000  # points in the queue
_MAKE_WAY_S = 0.002
_ONE_AT_A_TIME = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether other threads have a turn only where the interpreter looks for it; not so in a free-threaded build."""


class Taken(NamedTuple):
    """What was appended since the last time, up to the number `until`.

    `spilled`: the queue was full for a while, so that some of it is only in the log.
    """

    frames: list[PointFrame]
    until: int
    spilled: bool


class Tail:
    """Appends points to the current log of one writer; thread-safe, and safe inside a signal handler.

    `trouble` is why the log cannot be written to; points then wait in memory until the upkeep has mended it, and
    are dropped and counted when more than `most_waiting` of them wait.

    A lock is for what is rare: after a step of training nothing of labtop is in the processor's caches, and a lock
    alone costs a tenth of a `log()` then. `PointLog.log` has none and does itself what `append` does, with what has
    no underscore here. All who take numbers do so as `_number` does: a number is taken and its payload queued between
    two points at which CPython may go to another thread or to a signal handler (the return of a call). Payloads are
    queued before they are written, and `descriptor` keeps its number for good: whoever comes late writes into the log
    that took the place of the one it meant, which has the points twice at worst, and readers know points by their
    numbers.
    """

    __slots__ = (
        "_closed", "_computes", "_fresh", "_lock", "_may_be_late", "_most_waiting", "_spilled", "_strict", "_sync_each",
        "_synced_until", "_taken_until", "_takes_care", "_trouble", "_wake_at", "descriptor", "dropped", "held",
        "next_seq", "put", "quick_until", "wake", "wal", "write",
    )  # fmt: skip

    def __init__(self, wal: WalWriter, *, sync_each: bool, strict: bool, most_waiting: int) -> None:
        # re-entrant: a signal handler may find its own thread in the middle of append()
        self._lock = threading.RLock()
        self.wal = wal
        self.write = wal.write
        self.descriptor = another_number(wal.descriptor)
        self._sync_each = sync_each
        # a tracer gives other threads a turn between any two lines
        self._takes_care = (
            sync_each or not _ONE_AT_A_TIME or self.descriptor < 0 or sys.gettrace() is not None
        )
        self._strict = strict
        self._closed = False
        self._fresh: deque[bytes] = deque()  # payloads: half the memory of what is in them
        self.put = self._fresh.append
        self._spilled = False
        self._most_waiting = most_waiting
        self.held = 0  # points the upkeep keeps in memory, as it says
        self.next_seq = 0  # the number that the next point gets
        self._taken_until = 0  # the first that the upkeep was not given
        self.dropped = 0
        self._trouble: Exception | None = None
        self._computes = False
        self.wake = threading.Event()
        self._wake_at = _NEVER
        self.quick_until = 0  # the first number for which `append` has to be asked
        self._synced_until = 0
        self._may_be_late = False
        self._aim()

    # -- what bounds the quick way -------------------------------------------------------------------------------

    @property
    def trouble(self) -> Exception | None:
        """Why the log cannot be written to."""
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: Exception | None) -> None:
        self._trouble = trouble
        self._aim()

    @property
    def upkeep_computes(self) -> bool:
        """Said by the upkeep, while it needs the interpreter and no disk."""
        return self._computes

    @upkeep_computes.setter
    def upkeep_computes(self, computes: bool) -> None:
        self._computes = computes
        self._aim()

    @property
    def wake_at(self) -> int:
        """Wake the upkeep when this many points were given."""
        return self._wake_at

    @wake_at.setter
    def wake_at(self, number: int) -> None:
        self._wake_at = number
        self._aim()

    def _aim(self) -> None:
        """Set `quick_until` after a change of what it depends on. Another thread may change that meanwhile."""
        while self.quick_until != (wished := self._quick_until()):
            self.quick_until = wished

    def _quick_until(self) -> int:
        if self._trouble is not None or self._closed or self._takes_care:
            return 0
        room = min(self._most_waiting, _CROWDED if self._computes else _NEVER)
        return min(self._wake_at, self._taken_until + room)

    @property
    def queued(self) -> int:
        """How many points the upkeep has not taken over."""
        return self.next_seq - self._taken_until

    @property
    def waiting(self) -> int:
        """How many points are in memory, the upkeep's and the queue's."""
        return self.held + self.queued

    # -- appending -----------------------------------------------------------------------------------------------

    def append(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        """Log values that belong together.

        Raises:
            RecordingError: only if `strict`, when the points are not on their way to the disk.
        """
        with self._lock:  # not acquire() and try: a KeyboardInterrupt in between would leave it locked
            if self._trouble is not None or self.queued > self._most_waiting:
                self._append_with_care(_as_double(step), time_us, clean_values(values))
                return
            try:
                self._write(self._number(step, time_us, values))
            except (TypeError, ValueError, OverflowError):
                self._append_with_care(_as_double(step), time_us, clean_values(values))
        if self._computes and self.queued > _CROWDED:
            # a loop that does nothing but log is quicker than what has to be done with it: without a pause the
            # queue would grow to its limit
            time.sleep(_MAKE_WAY_S)

    def _number(self, step: float, time_us: int, values: Mapping[str, float]) -> bytes:
        """Give values their numbers and put them into the queue; the frame for them.

        Raises:
            TypeError, UnicodeEncodeError, OverflowError: as `encode_points`; nothing is queued then.
        """
        while True:
            seq, count = self.next_seq, len(values)
            frame = encode_points(seq, time_us, step, values)
            payload = payload_of(frame)
            if self.next_seq == seq:  # nobody has taken it meanwhile
                self.next_seq = (
                    seq + count
                )  # from the comparison to the return of put() no other thread has a turn
                self.put(payload)
                return frame

    def _write(self, frame: bytes) -> None:
        try:
            self.wal.append(frame)
            if self._sync_each:
                self.wal.sync()
        except OSError as error:
            self.fail(error)
        if self.next_seq > self._wake_at:
            self.wake_at = _NEVER
            self.wake.set()

    def fail(self, error: OSError) -> None:
        """A frame that is in the queue could not be written. Raises RecordingError if `strict`."""
        self.trouble = error
        self.wake.set()
        if self._strict:
            raise self._refusal() from error

    def _append_with_care(self, step: float, time_us: int, values: dict[str, float]) -> None:
        """Log clean values that may be too many for one frame, or when not all is well."""
        for piece in self._pieces(step, time_us, values):
            if self._closed:
                self.dropped += len(piece)
            elif self.trouble is not None:
                self._keep(step, time_us, piece)
            elif self.queued > self._most_waiting:
                self._spill(step, time_us, piece)
            else:
                self._write(self._number(step, time_us, piece))

    def _pieces(self, step: float, time_us: int, values: dict[str, float]) -> Iterator[dict[str, float]]:
        """The values in parts that each fit into a frame; a name of megabytes fits into none."""
        try:
            encode_points(self.next_seq, time_us, step, values)
        except OverflowError:
            if len(values) < 2:
                self.dropped += len(values)
                return
            items = list(values.items())
            yield from self._pieces(step, time_us, dict(items[: len(items) // 2]))
            yield from self._pieces(step, time_us, dict(items[len(items) // 2 :]))
        else:
            yield values

    def _keep(self, step: float, time_us: int, values: dict[str, float]) -> None:
        """Keep points in memory until the log is mended, as long as there is room."""
        if self.waiting + len(values) <= self._most_waiting:
            self._number(step, time_us, values)
            return
        self.dropped += len(values)
        if self._strict:
            raise self._refusal()

    def _spill(self, step: float, time_us: int, values: dict[str, float]) -> None:
        """Put points into the log alone: the upkeep is behind and reads them from there."""
        # nobody appends quickly now: no other thread takes a number
        try:
            self.wal.append(encode_points(self.next_seq, time_us, step, values))
        except OSError as error:
            self.dropped += len(values)
            self.trouble = error
        else:
            self.next_seq += len(values)
            self._spilled = True
        self.wake.set()

    def _refusal(self) -> RecordingError:
        return RecordingError(
            f"points cannot be written: {self.trouble}", "free or mend the disk of the store"
        )

    def take(self) -> Taken | None:
        """Hand over what was appended since the last time.

        None when the lock cannot be had in time: who holds it may be interrupted by a signal handler that waits for
        the upkeep. The same holds for `swap` and `mend`.
        """
        return self._take_or(lambda: None)

    def _take_or(self, first: Callable[[], None]) -> Taken | None:
        """Hand over what was appended, after doing something that no `append` may come between."""
        if not self._lock.acquire(timeout=_LOCK_PATIENCE_S):
            return None
        try:
            first()
            new: deque[bytes] = deque()
            put = new.append
            fresh = self._fresh
            self._fresh, self.put, until = new, put, self.next_seq  # no call, so nothing is put in between
            self._taken_until = until
            spilled, self._spilled = self._spilled, False
            self._aim()
        finally:
            self._lock.release()
        return Taken([*map(decode_points, fresh)], until, spilled)  # no log() waits for this

    def swap(self, wal: WalWriter | None) -> Taken | None:
        """Go on in another log, or end (None), and hand over the last points that the old one got."""

        def go_on() -> None:
            self.wal.is_unsynced = True  # log() does not say so
            if wal is None:
                self._closed = True
                self.trouble = RecordingError("the run has ended")
            else:
                self._go_on_in(wal)

        return self._take_or(go_on)

    def sync(self) -> None:
        """Return when what was logged until now is on the disk; raises OSError.

        Twice after the last point: who took a number may not have written yet the first time.
        """
        given = self.next_seq
        if given != self._synced_until or self._may_be_late:
            self._may_be_late = given != self._synced_until
            self._synced_until = given
            self.wal.is_unsynced = True
        self.wal.sync()

    def _go_on_in(self, wal: WalWriter) -> None:
        self.wal = wal
        redirect(self.descriptor, wal.descriptor)

    def mend(self, wal: WalWriter) -> bool:
        """Go on in a new log that has every point but the queued ones; those are written here.

        Raises:
            OSError: the new log is no better.
        """
        if not self._lock.acquire(timeout=_LOCK_PATIENCE_S):
            return False
        try:
            for each in self._fresh:  # nobody appends quickly while there is trouble
                wal.append(frame_of(each))
            self._go_on_in(wal)
            self.trouble = None
            return True
        finally:
            self._lock.release()

    def let_go(self, waits: bool = False) -> None:
        """Nothing will be appended any more: the logs can be closed. Asked again, nothing happens.

        The log's last descriptor may go with it, and freeing its blocks takes some disks tens of milliseconds: a
        thread does that, unless one `waits`, as a child must that was just forked.
        """
        descriptor, self.descriptor = self.descriptor, -1
        self.quick_until = 0
        self._closed = True
        if descriptor >= 0:
            if waits:
                park(descriptor)
            else:
                unawaited(partial(park, descriptor))


def _as_double(step: float) -> float:
    """A step as a reader can hold it: Python's integers have no end, a double has."""
    try:
        return float(step)
    except OverflowError:
        return sys.float_info.max if step > 0 else -sys.float_info.max
