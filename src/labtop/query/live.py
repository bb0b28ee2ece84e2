"""Runs without an end: noticed when their files change, with exact summaries and the status a reader can infer."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from labtop.errors import InputError, QueryError
from labtop.model.run import RunRecord, Status
from labtop.query.encoded_record import DOCUMENTS, EncodedRecord, RanksSeen
from labtop.query.engine import Engine
from labtop.query.processes import look_at_ranks
from labtop.query.record_files import stamp_of
from labtop.query.record_row import Latest
from labtop.store.format import as_status, decode_group, encode_record
from labtop.store.layout import METRICS, RECORD
from labtop.store.live import fold_live, record_without_file
from labtop.store.reader import Point, list_point_files
from labtop.store.status import BeatHistory, infer_status

Signature = tuple[object, ...]


@dataclass(slots=True)
class LiveRun:
    """One run without an end. `record` is None when its status is certain for as long as its files don't change."""

    run_id: str
    folder: str
    signature: Signature
    status: Status
    record: RunRecord | None = None


class LiveRuns:
    """All runs of a store that had not ended when they were last read, by row number."""

    def __init__(self, engine: Engine, store: Path, unchanging: Container[str] = frozenset()) -> None:
        self._engine = engine
        self._store = store
        self._unchanging = unchanging
        self._runs: dict[int, LiveRun] = {}
        self._unsettled: dict[int, tuple[str, RanksSeen]] = {}  # runs that ended before all their ranks
        self.beats = BeatHistory()

    def adopt(self, row: int, run_id: str, folder: str, stamp: int) -> None:
        """Watch a crashed run that was read in an earlier session."""
        self._runs[row] = LiveRun(run_id, folder, (stamp,), Status.CRASHED)

    def rows(self) -> dict[tuple[str, str], int]:
        """The row numbers of the runs that are watched, by folder and id."""
        return {(run.folder, run.run_id): row for row, run in self._runs.items()}

    def forget(self, rows: Iterable[int]) -> None:
        """Watch some runs no longer."""
        for row in rows:
            self._unsettled.pop(row, None)
            if (run := self._runs.pop(row, None)) is not None:
                self.beats.forget(run.run_id)

    def changed_folders(self) -> list[str]:
        """Run folders whose record or logs are not as they were read, or where another rank has ended since."""
        return [
            *(each.folder for each in self._runs.values() if self._signature(each) != each.signature),
            *(
                folder
                for folder, seen in self._unsettled.values()
                if look_at_ranks(f"{self._store}/{folder}") != seen
            ),
        ]

    def changed_statuses(self) -> dict[int, Status]:
        """Runs whose status is another although no file changed: a process went away, a beat stopped."""
        changed: dict[int, Status] = {}
        for row, run in self._runs.items():
            if run.record is not None:
                status = infer_status(run.record, self.beats)
                if status is not run.status:
                    changed[row] = run.status = status
        return changed

    def _signature(self, run: LiveRun) -> Signature:
        if run.folder in self._unchanging:
            return run.signature
        folder = f"{self._store}/{run.folder}"
        try:
            stamp: object = stamp_of(os.stat(f"{folder}/{RECORD}"))  # noqa: PTH116 - thousands, each second
        except OSError as error:
            stamp = error.errno
        # who is certainly dead writes no log; its record changes when it is resumed
        return (stamp, *(_log_sizes(folder) if run.record is not None else ()))

    def latest(self, row: int, record: EncodedRecord) -> Latest | None:
        """What is to be known of a run beyond its record, which is watched from now on; None when it has ended."""
        if record.is_final:
            self.forget([row])
            if not record.is_settled:
                self._unsettled[row] = record.folder, record.ranks
            return None
        path = self._store / record.folder
        signature = (record.stamp, *_log_sizes(str(path)))
        known = _enough_of(record)
        folded = self.fold(known, path)
        status = infer_status(folded, self.beats)
        # a record that says itself that the run is lost was made of another tracker's logs
        is_certain = status in (Status.CRASHED, Status.UNKNOWN) or known.status is Status.LOST
        self._runs[row] = LiveRun(
            record.id,
            record.folder,
            signature[:1] if is_certain else signature,
            status,
            None if is_certain else _slim(known),
        )
        seen_s = time.time() if status is Status.RUNNING else _last_sign_s(known, path)
        return Latest(
            status,
            None if seen_s is None else int(seen_s * 1e6),
            None if folded is known else folded.metrics,
        )

    def fold(self, record: RunRecord, folder: Path) -> RunRecord:
        """The record with everything its writer logged since; read without pyarrow."""
        return fold_live(record, folder, read_part=self._read_part)

    def _read_part(self, path: Path) -> list[Point]:
        try:
            rows = self._engine.query(
                "SELECT name, step, epoch_us(time), value, writer, seq FROM read_parquet([?])", [str(path)]
            )
        except QueryError as error:
            raise InputError(f"{path}: {error.message}") from error
        return [Point(*row) for row in rows]


def record_from_log(store: Path, folder: str) -> EncodedRecord | None:
    """What can be said of a run that has logs and no record; None when it has neither."""
    files = list_point_files(store / folder)
    if not files.logs and not files.parts:
        return None
    row = encode_record(record_without_file(store / folder, f"{RECORD} is missing"))
    started = row["started_at"]
    return EncodedRecord(
        folder=folder,
        stamp=0,
        id=row["id"],
        name=row["name"],
        project=row["project"],
        status=row["status"],
        started_us=None if started is None else int(started.replace(tzinfo=UTC).timestamp() * 1e6),
        ended_us=None,
        documents={name: row[name] for name in DOCUMENTS},
        ranks=look_at_ranks(str(store / folder)),
    )


def _enough_of(record: EncodedRecord) -> RunRecord:
    """What the status and the summaries can be brought up to date from; a tenth of what decoding all takes."""
    known: dict[str, Any] = {}
    for name in ("life", "metrics"):
        document = record.documents.get(name)
        if document is not None:
            try:
                known[name] = decode_group(name, document)
            except InputError:
                continue
    return RunRecord(
        id=record.id, name=record.name, project=record.project, status=as_status(record.status), **known
    )


def _last_sign_s(record: RunRecord, folder: Path) -> float | None:
    """When a run that ended without a word was last alive: by its own clock, else by that of its file."""
    if record.life.beat is not None and record.life.beat.at is not None:
        return record.life.beat.at
    if record.life.beat is None and record.life.process is None:
        return None  # made of another tracker's logs, and these don't say
    try:
        return (folder / RECORD).stat().st_mtime
    except OSError:
        return None


def _slim(record: RunRecord) -> RunRecord:
    """What the status can be inferred from."""
    return RunRecord(
        id=record.id,
        name="",
        project="",
        status=record.status,
        life=replace(record.life, notes="", tags=(), written={}),
    )


def _log_sizes(folder: str) -> Sequence[object]:
    """Names and sizes of what lies among a run's points, as far as it can be listed."""
    try:
        with os.scandir(f"{folder}/{METRICS}") as entries:
            return sorted((each.name, each.stat().st_size) for each in entries)
    except OSError:
        return ()
