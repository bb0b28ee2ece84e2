"""`run.parquet` as a file, and the record of a living run that is rewritten in it with every beat."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from labtop.model.fold import SummaryFold
from labtop.model.run import Beat, MetricSummary, RunRecord
from labtop.store.files import FILES, Files, replace_file
from labtop.store.format import record_parquet
from labtop.store.layout import RECORD, file_mode
from labtop.store.wal import PointFrame

Durability = Literal["process", "os", "sync"]
_LONGEST_BEAT_S = 10.0
_AGE_A_BEAT = 60.0  # a run of five minutes beats every five seconds
_COST_A_BEAT = 20.0  # writing the record may take a twentieth of the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose points these are, where they go and how safe they must be. One writer of a run owns its record."""

    folder: Path
    run_id: str
    writer: str
    owns_record: bool = True
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
    folder: Path, record: RunRecord, *, files: Files = FILES, mode: int = 0o600, sync: bool = True
) -> None:
    """Put a record in the place of the one that is there.

    Raises:
        OSError: the system would not; the old record stays.
    """
    replace_file(folder / RECORD, record_parquet(record), files=files, mode=mode, sync=sync)


class LiveRecord:
    """A record with what only its writer knows: the summaries, how far they go, and the beat."""

    def __init__(self, identity: Identity, record: RunRecord, files: Files) -> None:
        self.given = record
        self._identity = identity
        self._files = files
        self._folds = {name: SummaryFold(each) for name, each in record.metrics.items() if each.count}
        self._written = dict(record.life.written)
        self._written[identity.writer] = 0
        self._degraded_before = record.life.degraded
        self._dropped_before = record.life.dropped
        self._beat = record.life.beat.counter if record.life.beat else 0
        self._begun = time.monotonic()
        self._due_at = self._begun
        self._cost_s = 0.0
        self._seen: tuple[int, int] | None = None
        self.is_contested = False  # another process writes the same record

    def fold(self, frame: PointFrame) -> None:
        """Take points into the summaries."""
        folds = self._folds
        for name, value in frame.values.items():
            fold = folds.get(name)
            if fold is None:
                fold = folds[name] = SummaryFold()
            fold.add(frame.step, value)
        self._written[self._identity.writer] = frame.end

    def give(self, record: RunRecord) -> None:
        """Take another record; goals and what was never logged come from it, and it is written soon."""
        self.given = record
        self._due_at = 0.0

    def move(self, identity: Identity) -> None:
        """Write into another folder from now on, and soon."""
        self._identity = identity
        self._seen = None
        self._due_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for a beat."""
        return self._identity.owns_record and time.monotonic() >= self._due_at

    def write(self, degraded: str | None, dropped: int) -> None:
        """Write the record with the next beat.

        Raises:
            OSError: the system would not; the old record stays and the next beat is due as if it had.
        """
        if not self._identity.owns_record:
            return
        begun = time.monotonic()
        interval_s = self._interval_s(begun)
        self._due_at = begun + interval_s
        self._beat += 1
        self._look_for_others()
        beat = Beat(counter=self._beat, interval_s=interval_s, at=round(time.time(), 3))
        record = self.merged(beat, degraded, dropped)
        who = self._identity
        write_record(who.folder, record, files=self._files, mode=who.mode, sync=who.sync)
        self._seen = _looks(who.folder / RECORD)
        self._cost_s = time.monotonic() - begun

    def _interval_s(self, now: float) -> float:
        wished = max(1.0, (now - self._begun) / _AGE_A_BEAT, self._cost_s * _COST_A_BEAT)
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
        return replace(given, metrics=_merge(given.metrics, self._folds), life=life)

    def _look_for_others(self) -> None:
        if self._seen is not None and _looks(self._identity.folder / RECORD) not in (self._seen, None):
            self.is_contested = True


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
