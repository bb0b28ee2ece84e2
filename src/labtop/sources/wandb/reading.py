"""Reads one run of W&B: segment after segment, in pieces when it is long, on from where it ended last time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import BinaryIO

from labtop.errors import InputError
from labtop.formats import wandb_records as w
from labtop.formats import wandb_shapes as shapes
from labtop.formats.files import open_regular
from labtop.formats.leveldb_log import BLOCK, HEADER, Damage, Entry, read_log, read_stretches
from labtop.formats.protobuf import ProtobufError
from labtop.sources.source import RunRead, RunRef
from labtop.sources.wandb.bulk import Bulk
from labtop.sources.wandb.facts import Facts
from labtop.sources.wandb.layout import Segment
from labtop.sources.wandb.points import Points
from labtop.sources.wandb.record import Told, record_of
from labtop.sources.wandb.side_files import SideFiles
from labtop.sources.wandb.state import State, decode, encode, guard_of, size_of

BYTES_AT_ONCE = 64 * BLOCK
_POINTS_A_PIECE = 500_000  # and what is read at once
_STILL_WRITTEN_S = 60.0  # so long after the last write a record may be half there
_MOST_MARKS = 20_000
_NEAR = 128 * 1024  # bytes between two records that are read again, below which all between are read
_DAMAGE = (ProtobufError, OverflowError, RecursionError)


class RunReader:
    """One reading of a run."""

    def __init__(self, segments: list[Segment], ref: RunRef) -> None:
        self._segments = segments
        self._ref = ref
        self._begin()
        self._first = 0
        self._offset = len(HEADER)
        self._appended = False
        if ref.state is not None and not self._restore(ref.state):
            self._begin()

    def _begin(self) -> None:
        self._facts = Facts()
        self._points = Points()
        self._problems: dict[str, None] = {}
        self._marks: list[list[int]] = [[] for _ in self._segments]
        self._is_cut = False

    def pieces(self) -> Iterator[RunRead]:
        """The run, or what is new of it; at least one piece."""
        for number in range(self._first, len(self._segments)):
            segment = self._segments[number]
            if number > self._first:
                self._offset = len(HEADER)
            if self._offset == len(HEADER):
                self._facts.begin_process()
            rows = self._points.rows
            if segment.tape is not None:
                for _ in self._read_tape(number, segment):
                    yield self._piece(is_last=False)
            if not self._appended and self._points.rows == rows:
                beside = SideFiles(segment, self._facts, self._problems)
                beside.history(self._points)
                beside.events(self._points)
        yield self._piece(is_last=True)

    def _read_tape(self, number: int, segment: Segment) -> Iterator[None]:
        """Take what is in a `.wandb` file from the offset on; yields whenever a piece is full."""
        tape = segment.tape
        assert tape is not None
        try:
            with open_regular(tape) as file:
                size = size_of(tape)
                start = self._offset
                if not self._has_header(file, segment, size):
                    return
                for several in read_stretches(file, size, start, BYTES_AT_ONCE):
                    self._take_all(number, segment, several)
                    if self._points.waiting >= _POINTS_A_PIECE:
                        yield
                if self._offset < size and time.time() - tape.stat().st_mtime > _STILL_WRITTEN_S:
                    self._is_cut = True
                    self._problem(segment, f"ends within a record (byte {self._offset:,} of {size:,})")
        except (OSError, InputError) as error:
            reason = getattr(error, "message", "") or getattr(error, "strerror", "") or str(error)
            self._problem(segment, reason)

    def _has_header(self, file: BinaryIO, segment: Segment, size: int) -> bool:
        if size == 0:
            self._is_cut = True
            self._problem(segment, "is empty")
        elif file.read(len(HEADER)) != HEADER[:size]:
            self._problem(segment, "does not begin like a file of W&B")
        elif size <= len(HEADER):
            self._is_cut = True
            self._problem(segment, f"holds no record ({size} bytes)")
        return size > len(HEADER)

    def _take_all(self, number: int, segment: Segment, several: list[Entry | Damage]) -> None:
        """Take what follows each other in a file; records of numbers many at a time, in their order."""
        entries = []
        for each in several:
            if isinstance(each, Damage):
                self._problem(segment, f"{each.reason} (byte {each.offset:,})")
            else:
                entries.append(each)
        if not entries:
            return
        bulk = Bulk([content for _, _, content in entries], self._points, self._facts)
        for place, (at, _, content) in bulk.others(entries):
            bulk.take_until(place)
            self._take(number, segment, at, content)
        bulk.take_until(len(entries))
        self._offset = entries[-1][1]

    def _take(self, number: int, segment: Segment, start: int, content: bytes) -> None:
        try:
            kind, message = w.record_of(content)
            if kind == shapes.HISTORY:
                rich = self._points.add_history(message)
                if rich and self._facts.media.take(rich, self._points.step):
                    self._marks[number].append(start)
            elif kind == shapes.SUMMARY:
                self._facts.take_summary(message)
            elif kind == shapes.STATS:
                self._points.add_stats(message)
            elif kind in shapes.KINDS:
                self._marks[number].append(start)
                self._facts.take(kind, message)
                self._points.start_us = self._facts.start_us
        except _DAMAGE as error:
            self._problem(segment, f"a record is damaged: {error} (byte {start:,})")

    def _problem(self, segment: Segment, what: str) -> None:
        self._problems[f"{segment.name}: {what}"] = None

    def _piece(self, is_last: bool) -> RunRead:
        curves = self._points.take()
        told = Told(self._facts, self._points, self._problems, self._segments, self._is_cut)
        read = RunRead(
            key=self._ref.key,
            record=(made := record_of(told)).record,
            identity=made.identity,
            curves=curves,
            appended=self._appended,
            state=self._state() if is_last else None,
            folder=self._segments[-1].folder,
            last_write=made.last_write,
            kept=made.kept,
            output=made.output,
        )
        self._appended = True
        return read

    # What the next reading needs

    def _state(self) -> bytes | None:
        """None when there is nothing to read on from, or too much to remember."""
        tape = self._segments[-1].tape
        if tape is None or self._offset <= len(HEADER) or sum(map(len, self._marks)) > _MOST_MARKS:
            return None
        try:
            with open_regular(tape) as file:
                guard = guard_of(file, self._offset)
        except (OSError, InputError):
            return None
        return encode(
            State(
                earlier=[each.version() for each in self._segments[:-1]],
                offset=self._offset,
                guard=guard,
                marks=self._marks,
                rows=self._points.rows,
                samples=self._points.samples,
                last_us=self._points.last_us,
                last=self._points.last,
                summary=self._facts.unlogged(self._points.last),
                histograms=self._facts.media.histograms,
                left_out=self._facts.media.left_out,
                problems=list(self._problems),
            )
        )

    def _restore(self, packed: bytes) -> bool:
        """Go on from what the last reading left; False when the files are not what they were."""
        state = decode(packed)
        tape = self._segments[-1].tape
        if state is None or tape is None or len(state.marks) != len(self._segments):
            return False
        if state.earlier != [each.version() for each in self._segments[:-1]]:
            return False
        try:
            for number, segment in enumerate(self._segments):
                self._facts.begin_process()
                if segment.tape is not None:
                    with open_regular(segment.tape) as file:
                        size = size_of(segment.tape)
                        is_last = number == len(self._segments) - 1
                        if is_last and (size < state.offset or guard_of(file, state.offset) != state.guard):
                            return False
                        self._read_marks(file, size, state.marks[number])
        except (OSError, InputError, ProtobufError):
            return False
        self._facts.summary = dict(state.summary)
        self._facts.media.histograms = state.histograms
        self._facts.media.left_out = state.left_out
        self._points = Points(state.rows, state.samples)
        self._points.last, self._points.last_us = dict(state.last), state.last_us
        self._points.start_us = self._facts.start_us
        self._problems = {each: None for each in state.problems if "ends within a record" not in each}
        self._marks = state.marks
        self._first, self._offset, self._appended = len(self._segments) - 1, state.offset, True
        return True

    def _read_marks(self, file: BinaryIO, size: int, marks: list[int]) -> None:
        """Take the records that begin at some places again. Raises InputError where there is none."""
        scratch = Points()
        entries: Iterator[Entry | Damage] = iter(())
        at = -_NEAR
        for mark in marks:
            if mark - at >= _NEAR:
                entries = read_log(file, size, mark, at_once=BLOCK)
            whole = (each for each in entries if not isinstance(each, Damage) and each[0] >= mark)
            entry = next(whole, None)
            if entry is None or entry[0] != mark:
                raise InputError("a record is not where it was")
            at = mark
            kind, message = w.record_of(entry[2])
            if kind == shapes.HISTORY:
                rich = scratch.add_history(message)
                self._facts.media.take(rich, scratch.step)
            else:
                with contextlib.suppress(*_DAMAGE):  # as told the first time
                    self._facts.take(kind, message)
