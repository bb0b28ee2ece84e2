"""`run.parquet` as a file, and the record of a living run that is rewritten in it with every beat."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from labtop.errors import InputError
from labtop.model.fold import SummaryFold
from labtop.model.merge import merge_records
from labtop.model.run import Artifact, Beat, MetricSummary, Process, RunRecord, Status, Writer
from labtop.store.amending import amended, with_logged
from labtop.store.departed import told_by_logs
from labtop.store.files import FILES, Files, replace_file
from labtop.store.first_record import first_record_parquet
from labtop.store.format import Encoded, encode_record, record_parquet
from labtop.store.layout import RECORD, file_mode
from labtop.store.live import fold_live
from labtop.store.reader import read_record
from labtop.store.turns import Turns
from labtop.store.wal import PointFrame
from labtop.store.writers import MOST_ARTIFACTS, borrowed, with_metrics, write_writer

Durability = Literal["process", "os", "sync"]
_LONGEST_BEAT_S = 10.0
_YOUNG_S = 2.0
_AGE_A_BEAT = 20.0  # a run of a minute beats every three seconds
_WHO_INTERVAL_S = 60.0
_COST_A_BEAT = 20.0  # writing the record may take a twentieth of the time,
_WORK_A_BEAT = 2500.0  # and a 2,500th of a processor: training may need them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose points these are, where they go and how safe they must be. One writer of a run owns its record."""

    folder: Path
    run_id: str
    writer: str
    owns_record: bool = True
    who: Writer | None = None  # its role, where the run has several writers
    durability: Durability = "os"
    strict: bool = False
    shared: bool = False

    @property
    def mode(self) -> int:
        """Permission bits of new files."""
        return file_mode(self.shared)

    @property
    def sync(self) -> bool:
        """Whether files are flushed to the disk at all."""
        return self.durability != "process"


def write_record(
    folder: Path,
    record: RunRecord,
    *,
    files: Files = FILES,
    mode: int = 0o600,
    sync: bool = True,
    check: Callable[[Path], None] = lambda _: None,
    content: bytes | None = None,
) -> None:
    """Put a record in the place of the one that is there; `check` is called last, and may raise to leave that.

    `content` is the record as Parquet, where the caller has it.

    Raises:
        OSError: the system would not; the old record stays.
    """
    if content is None:
        content = record_parquet(record)
    replace_file(folder / RECORD, content, files=files, mode=mode, sync=sync, check=check)


class _NotOurTurnError(Exception):
    """A better placed writer came while the record was being written."""


class LiveRecord:
    """A record with what only its writer knows: the summaries, how far they go, and the beat.

    Of several writers only one writes the record at a time (store/writers.py). The others fold their points too, and
    put the summaries into their own file: the record borrows what nobody else has logged.
    """

    def __init__(self, identity: Identity, record: RunRecord, files: Files) -> None:
        self.given = self._first = record
        self._encoded: Encoded = {}
        self._identity = identity
        self._files = files
        self._who = identity.who
        self._is_main = identity.owns_record and not (self._who and self._who.rank)
        main = {name: each for name, each in record.metrics.items() if each.rank is None}
        self._folds = {name: SummaryFold(each) for name, each in main.items() if each.count and self._is_main}
        self._logged: tuple[Artifact, ...] = ()  # artifacts that this process logged
        self._taken: Mapping[str, MetricSummary] = {} if self._is_main else main  # summaries of other writers
        self._written = dict(record.life.written)
        # a rank that stands in for rank 0 counts in the summaries unless they have points of rank 0 already
        if self._is_main or not any(each.count for each in main.values()):
            self._written[identity.writer] = 0
        self._told = record
        self._degraded_before = record.life.degraded
        self._dropped_before = record.life.dropped
        self._beat = record.life.beat.counter if record.life.beat else 0
        self._begun = time.monotonic()
        self._due_at = self._begun
        self._who_due_at = self._begun + _WHO_INTERVAL_S
        self._cost_s = 0.0
        self._work_s = 0.0
        self._seen: tuple[int, int] | None = None
        self._turns = Turns(identity.folder, self._who)
        self._put_down = record  # what was given when the record was last written
        self._base: RunRecord | None = None  # the same, when another writer got the record
        self.contested_by: str | None = None  # that another process records the same run, in words
        if self._who is not None and self._is_main:
            self._turns.look()
            for stand_in in (each for each in self._turns.others if each.rank):
                self._written.pop(stand_in.writer, None)

    def fold(self, names: tuple[str, ...], frames: Sequence[PointFrame]) -> None:
        """Take points into the summaries: frames that have these names."""
        steps = [frame.step for frame in frames]
        columns = zip(*(frame.values.values() for frame in frames), strict=True)
        for name, values in zip(names, columns, strict=True):
            fold = self._folds.get(name)
            if fold is None:
                fold = self._folds[name] = SummaryFold()
            fold.add_all(steps, values)

    def folded_until(self, seq: int) -> None:
        """Say that the summaries hold every point of this writer below a number."""
        if self._identity.writer in self._written:
            self._written[self._identity.writer] = seq

    def give(self, record: RunRecord) -> None:
        """Take another record; goals and what was never logged come from it, and it is written soon."""
        self.given = record if self.given is self._told else merge_records(self._told, record, self.given)
        if record.data is not self._told.data or record.randomness is not self._told.randomness:
            self._who_due_at = 0.0
        self._told = record
        self._due_at = 0.0

    def list_artifacts(self, logged: Sequence[Artifact]) -> bool:
        """Take what this process logged, for the record of a run whose record it may not write; False: not all."""
        room = MOST_ARTIFACTS - len(self._logged)
        if self._who is not None:
            self._logged = (*self._logged, *logged[:room])
            self._who_due_at = 0.0
        return self._who is None or len(logged) <= room

    def move(self, identity: Identity) -> None:
        """Write into another folder from now on, and soon."""
        self._identity = identity
        self._turns = Turns(identity.folder, self._who)
        self._seen = None
        self._due_at = self._who_due_at = 0.0
        if self._is_commands:  # its program may have been there first
            self._base = self._base or self._put_down

    @property
    def is_due(self) -> bool:
        """Whether it is time for a beat, or for a word about this writer."""
        now = time.monotonic()
        return (self._identity.owns_record and now >= self._due_at) or (
            self._who is not None and now >= self._who_due_at
        )

    def write(self, degraded: str | None, dropped: int, expect: Callable[[], None] = lambda: None) -> None:
        """Write the record with the next beat, if it is this writer's turn.

        `expect` is called before the old record is replaced; what it raises is raised, and that one stays.

        Raises:
            OSError: the system would not; the old record stays and the next beat is due as if it had.
        """
        self._write_who(is_beat=True)
        if not self._identity.owns_record:
            return
        begun, worked_s = time.monotonic(), time.thread_time()
        interval_s = self._interval_s(begun)
        self._due_at = begun + interval_s
        if not self._is_our_turn():
            self._base = self._base or self._put_down
            return
        if self._base is None and self._is_commands and self._was_replaced():
            self._base = self._put_down  # a program came and went between two looks
        if self._base is not None:
            self._take_back(self._base)
        self._beat += 1
        self._look_for_others()
        beat = Beat(counter=self._beat, interval_s=interval_s, at=round(time.time(), 3))
        record = self.merged(beat, degraded or self.contested_by, dropped)
        who = self._identity

        def check(_: Path) -> None:
            expect()
            self._expect_our_turn()

        try:
            write_record(
                who.folder,
                record,
                files=self._files,
                mode=who.mode,
                sync=who.sync,
                check=check,
                content=self._content(record),
            )
        except _NotOurTurnError:
            self._base = self._put_down
            return
        self._put_down = self.given
        self._seen = _looks(who.folder / RECORD)
        self._cost_s, self._work_s = time.monotonic() - begun, time.thread_time() - worked_s

    def _content(self, record: RunRecord) -> bytes:
        """The record as Parquet. As long as nobody needs the library for it, neither start nor end waits for that."""
        is_young = time.monotonic() - self._begun < _YOUNG_S or record.status.is_end
        if is_young and not hasattr(sys.modules.get("pyarrow.parquet"), "write_table"):
            return first_record_parquet(encode_record(record, self._encoded))
        return record_parquet(record, self._encoded)

    def _expect_our_turn(self) -> None:
        if not self._is_our_turn():
            raise _NotOurTurnError

    def _is_our_turn(self) -> bool:
        """Whether no better placed writer is there. What a command's programs leave undone is the command's to end."""
        return self._turns.look() or (self._is_commands and self.given.status.is_end)

    @property
    def _is_commands(self) -> bool:
        return self._who is not None and self._who.role == "command"

    def _was_replaced(self) -> bool:
        return self._seen is not None and _looks(self._identity.folder / RECORD) not in (self._seen, None)

    def _take_back(self, base: RunRecord) -> None:
        """Another writer had the record for a while: what it wrote is kept."""
        self._base, self._seen = None, None
        try:
            theirs = read_record(self._identity.folder)
        except InputError:
            return  # gone or damaged: what is known here is written anew
        # of several programs at once only one had the record: what the others logged is in no summary yet
        programs = [each.writer for each in self._turns.others if each.role == "program"]
        missing = {writer: 0 for writer in programs if writer not in theirs.life.written}
        life = replace(theirs.life, written={**theirs.life.written, **missing})
        opened = replace(theirs, status=Status.RUNNING, life=life)
        theirs = fold_live(opened, self._identity.folder, as_of_ns=0 if missing else None)
        given = self.given
        self.given = merge_records(base, given, theirs)
        self._taken = {**self._taken, **theirs.metrics}
        self._written = {**theirs.life.written, **self._written}
        self._beat = max(self._beat, theirs.life.beat.counter if theirs.life.beat else 0)

    def begin(self) -> None:
        """Say who writes; before that no other writer may look."""
        self._write_who(is_beat=False)

    def end(self) -> None:
        """Say how this writer ended, and what it logged that the record lacks."""
        if self._who is None:
            return
        life = self.given.life
        self._who = replace(
            self._who,
            status=self.given.status,
            ended_at=round(time.time(), 3),
            exit_code=life.exit_code,
            signal=life.signal,
            error=life.error,
        )
        self._write_who(is_beat=False)
        if not self._is_main:
            with suppress(OSError, InputError):
                self._amend()

    def _amend(self) -> None:
        """Add what only this writer logged to a record that was ended before this writer had.

        Of two that do so at once one may lose: readers have what it logged from its own file.
        """
        who = self._identity
        record = read_record(who.folder)
        more = amended(record, [self._with_logged(with_metrics(self._who or Writer(), self._summaries()))])
        if more is not record and record.status.is_end:
            write_record(who.folder, more, files=self._files, mode=who.mode, sync=who.sync)

    def _write_who(self, is_beat: bool) -> None:
        now = time.monotonic()
        if self._who is None or (is_beat and now < self._who_due_at):
            return
        self._who_due_at = now + _WHO_INTERVAL_S
        who = self._identity
        mine = with_metrics(self._who, {} if self._is_main else self._summaries())
        if not self._is_main or not self._turns.look():  # otherwise they are in the record
            mine = self._with_logged(mine)
        with suppress(OSError):  # its points count, and those are written elsewhere
            write_writer(who.folder, mine, files=self._files, mode=who.mode, shared=who.shared)

    def _with_logged(self, writer: Writer) -> Writer:
        """A word about this writer with what it logged, declared and seeded itself."""
        seeds, before = self.given.randomness.seeds, self._first.randomness.seeds
        return replace(
            writer,
            artifacts=self._logged,
            data=tuple(each for each in self.given.data if each not in self._first.data),
            seeds={name: seed for name, seed in seeds.items() if before.get(name) != seed},
        )

    def _summaries(self) -> dict[str, MetricSummary]:
        return {name: fold.summary() for name, fold in list(self._folds.items())}

    def _interval_s(self, now: float) -> float:
        age_s, cost_s = now - self._begun, max(self._cost_s * _COST_A_BEAT, self._work_s * _WORK_A_BEAT)
        wished = max(1.0, age_s / _AGE_A_BEAT, cost_s)
        return min(round(wished, 1), max(_LONGEST_BEAT_S, round(self._cost_s * _COST_A_BEAT, 1)))

    def merged(self, beat: Beat | None, degraded: str | None, dropped: int) -> RunRecord:
        """The record as it is written."""
        given = self.given  # another thread may put a new one there
        life = replace(
            given.life,
            beat=beat,
            written=dict(self._written),
            degraded="; ".join(filter(None, (given.life.degraded or self._degraded_before, degraded)))
            or None,
            dropped=self._dropped_before + dropped,
        )
        merged = replace(given, metrics=self._merged_metrics(given.metrics), life=life)
        merged = with_logged(merged, self._turns.others)
        return merged if self._who is None or self._who.ends_run else _without_end(merged)

    def _merged_metrics(self, given: Mapping[str, MetricSummary]) -> dict[str, MetricSummary]:
        mine = {**self._taken, **{name: each for name, each in given.items() if each.rank is None}}
        if self._is_main:
            mine = _merge(mine, self._folds)
            others = self._turns.others
            if self.given.status.is_end:
                others = told_by_logs(self._identity.folder, others)
        else:
            mine |= self._taken
            others = (*self._turns.others, with_metrics(self._who or Writer(), self._summaries()))
        return {**mine, **borrowed(mine, others)} if others else mine

    def _look_for_others(self) -> None:
        if (rival := self._turns.rival) is not None:
            process = rival.process or Process()
            self.contested_by = f"process {process.pid} on {process.host} records this run too"
        elif self._was_replaced() and not self._turns.others:
            self.contested_by = "another process writes the record of this run too"


def _without_end(record: RunRecord) -> RunRecord:
    """The record of a run that goes on although the program that wrote it has ended."""
    life = replace(record.life, exit_code=None, signal=None, error=None)
    return replace(record, status=Status.RUNNING, ended_at=None, life=life)


def _merge(given: Mapping[str, MetricSummary], folds: Mapping[str, SummaryFold]) -> dict[str, MetricSummary]:
    """Summaries of the points under the goals that were given; what was never logged stays as given."""
    merged = dict(given)
    for name, fold in list(folds.items()):  # another thread may add to them
        summary = fold.summary()
        merged[name] = replace(summary, goal=given[name].goal) if name in given else summary
    return merged


def _looks(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
