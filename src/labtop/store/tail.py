"""The growing end of a run: what every `log()` goes through. One frame, one `write()`, and a queue for the upkeep."""

from __future__ import annotations

import sys
import threading
import time
from binascii import crc32
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from labtop.errors import RecordingError
from labtop.store.wal import (
    LONGEST_PAYLOAD,
    MARK,
    PointFrame,
    WalWriter,
    clean_values,
    decode_points,
    encode_payload,
    encode_points,
    frame_of,
    pack_head,
    payload_of,
)

_NEVER = 2**63
_LOCK_PATIENCE_S = 0.2
_CROWDED = 25_000  # points in the queue
_MAKE_WAY_S = 0.002


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
    """

    def __init__(self, wal: WalWriter, *, sync_each: bool, strict: bool, most_waiting: int) -> None:
        # re-entrant: a signal handler may find its own thread in the middle of append()
        self._lock = threading.RLock()
        self.wal = wal
        self._sync_each = sync_each
        self._strict = strict
        self._closed = False
        self._fresh: deque[bytes] = deque()  # payloads: half the memory of what is in them
        self._fresh_points = 0
        self._spilled = False
        self._most_waiting = most_waiting
        self.held = 0  # points the upkeep keeps in memory, as it says
        self.next_seq = 0  # the number that the next point gets
        self.dropped = 0
        self.trouble: Exception | None = None
        self.upkeep_computes = False  # said by the upkeep, while it needs the interpreter and no disk
        self.wake = threading.Event()
        self.wake_at = _NEVER  # wake the upkeep when this many points were given

    @property
    def queued(self) -> int:
        """How many points the upkeep has not taken over."""
        return self._fresh_points

    @property
    def waiting(self) -> int:
        """How many points are in memory, the upkeep's and the queue's."""
        return self.held + self._fresh_points

    def append(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        """Log values that belong together.

        Raises:
            RecordingError: only if `strict`, when the points are not on their way to the disk.
        """
        with self._lock:  # not acquire() and try: a KeyboardInterrupt in between would leave it locked
            if self.trouble is not None or self._fresh_points > self._most_waiting:
                self._append_with_care(_as_double(step), time_us, clean_values(values))
                return
            seq = self.next_seq
            # The same as encode_points, _queue and WalWriter.append, without four calls: this is the path of every
            # log(), and after a step of 5 ms nothing of it is in the processor's caches.
            try:
                payload = encode_payload((1, seq, time_us, step, values))
            except (TypeError, ValueError, OverflowError):
                payload = b""
            length = len(payload)
            if not 0 < length <= LONGEST_PAYLOAD:
                self._append_with_care(_as_double(step), time_us, clean_values(values))
                return
            frame = pack_head(MARK, length, crc32(payload)) + payload
            # numbered and queued before it is written: a signal handler in between may append or close.
            count = len(values)
            self.next_seq = seq + count
            self._fresh_points += count
            self._fresh.append(payload)
            wal = self.wal
            try:
                if (written := wal.write(wal.descriptor, frame)) != len(frame):
                    wal.write_rest(frame, written)
                wal.size += len(frame)
                wal.is_unsynced = True
                if self._sync_each:
                    wal.sync()
            except OSError as error:
                self._fail(error)
            if seq >= self.wake_at:
                self.wake_at = _NEVER
                self.wake.set()
        if self._fresh_points > _CROWDED and self.upkeep_computes:
            # a loop that does nothing but log is quicker than what has to be done with it: without a pause the
            # queue would grow to its limit
            time.sleep(_MAKE_WAY_S)

    def _queue(self, frame: bytes, count: int) -> None:
        self.next_seq += count
        self._fresh_points += count
        self._fresh.append(payload_of(frame))

    def _write(self, frame: bytes) -> None:
        try:
            self.wal.append(frame)
            if self._sync_each:
                self.wal.sync()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
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
            elif self._fresh_points > self._most_waiting:
                self._spill(step, time_us, piece)
            else:
                frame = encode_points(self.next_seq, time_us, step, piece)
                self._queue(frame, len(piece))
                self._write(frame)

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
        if self._fresh_points + self.held + len(values) <= self._most_waiting:
            self._queue(encode_points(self.next_seq, time_us, step, values), len(values))
            return
        self.dropped += len(values)
        if self._strict:
            raise self._refusal()

    def _spill(self, step: float, time_us: int, values: dict[str, float]) -> None:
        """Put points into the log alone: the upkeep is behind and reads them from there."""
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
        """Hand over what was appended, after doing something that no `log()` may come between."""
        if not self._lock.acquire(timeout=_LOCK_PATIENCE_S):
            return None
        try:
            first()
            fresh, self._fresh, self._fresh_points = self._fresh, deque(), 0
            spilled, self._spilled = self._spilled, False
            until = self.next_seq
        finally:
            self._lock.release()
        return Taken([*map(decode_points, fresh)], until, spilled)  # no log() waits for this

    def swap(self, wal: WalWriter | None) -> Taken | None:
        """Go on in another log, or end (None), and hand over the last points that the old one got."""

        def go_on() -> None:
            if wal is None:
                self._closed = True
                self.trouble = RecordingError("the run has ended")
            else:
                self.wal = wal

        return self._take_or(go_on)

    def mend(self, wal: WalWriter) -> bool:
        """Go on in a new log that has every point but the queued ones; those are written here.

        Raises:
            OSError: the new log is no better.
        """
        if not self._lock.acquire(timeout=_LOCK_PATIENCE_S):
            return False
        try:
            for each in self._fresh:
                wal.append(frame_of(each))
            self.wal, self.trouble = wal, None
            return True
        finally:
            self._lock.release()


def _as_double(step: float) -> float:
    """A step as a reader can hold it: Python's integers have no end, a double has."""
    try:
        return float(step)
    except OverflowError:
        return sys.float_info.max if step > 0 else -sys.float_info.max
