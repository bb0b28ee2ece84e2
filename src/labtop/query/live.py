"""Runs without an end: noticed when their files change, with exact summaries and the status a reader can infer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import InputError, QueryError
from labtop.model.run import RunRecord, Status
from labtop.query.engine import Engine
from labtop.query.record_files import CHUNK_COLUMNS, stamp_of
from labtop.store.format import decode_record, encode_group, encode_record
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

    def __init__(self, engine: Engine, store: Path) -> None:
        self._engine = engine
        self._store = store
        self._runs: dict[int, LiveRun] = {}
        self.beats = BeatHistory()

    def adopt(self, row: int, run_id: str, folder: str, stamp: int) -> None:
        """Watch a crashed run that was read in an earlier session."""
        self._runs[row] = LiveRun(run_id, folder, (stamp,), Status.CRASHED)

    def forget(self, rows: Iterable[int]) -> None:
        """Watch some runs no longer."""
        for row in rows:
            if (run := self._runs.pop(row, None)) is not None:
                self.beats.forget(run.run_id)

    def changed_folders(self) -> list[str]:
        """Run folders whose record or logs are not as they were read."""
        return [each.folder for each in self._runs.values() if self._signature(each) != each.signature]

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
        folder = f"{self._store}/{run.folder}"
        try:
            stamp: object = stamp_of(os.stat(f"{folder}/{RECORD}"))  # noqa: PTH116 - thousands, each second
        except OSError as error:
            stamp = error.errno
        # who is certainly dead writes no log; its record changes when it is resumed
        return (stamp, *(_log_sizes(folder) if run.record is not None else ()))

    def complete_chunk(self) -> None:
        """Bring the runs without an end in `chunk` up to date: status, summaries, how long they were seen."""
        names = ", ".join(f'"{name}"' for name in CHUNK_COLUMNS)
        self.forget(row for (row,) in self._engine.query("SELECT row FROM chunk WHERE final"))
        found = self._engine.query(f"SELECT row, folder, stamp, {names} FROM chunk WHERE NOT final")
        updates = [self._complete(*each) for each in found]
        if updates:
            rows, statuses, seen, metrics = zip(*updates, strict=True)
            self._engine.execute(
                """UPDATE chunk SET status = g.status, seen_until = g.seen, metrics = coalesce(g.metrics, chunk.metrics)
                   FROM (SELECT unnest(?::UINTEGER[]) AS "row", unnest(?::VARCHAR[]) AS status,
                                unnest(?::TIMESTAMP[]) AS seen, unnest(?::VARCHAR[]) AS metrics) g
                   WHERE chunk."row" = g."row" """,
                [list(rows), list(statuses), list(seen), list(metrics)],
            )

    def _complete(
        self, row: int, folder: str, stamp: int, *columns: object
    ) -> tuple[int, str, datetime | None, str | None]:
        path = self._store / folder
        signature = (stamp, *_log_sizes(str(path)))
        record = decode_record(dict(zip(CHUNK_COLUMNS, columns, strict=True)))
        folded = self.fold(record, path)
        status = infer_status(folded, self.beats)
        is_certain = status in (Status.CRASHED, Status.UNKNOWN)
        self._runs[row] = LiveRun(
            record.id,
            folder,
            signature[:1] if is_certain else signature,
            status,
            None if is_certain else _slim(record),
        )
        seen_s = time.time() if status is Status.RUNNING else _last_sign_s(record, path)
        seen = None if seen_s is None else datetime.fromtimestamp(seen_s, UTC).replace(tzinfo=None)
        return row, str(status), seen, None if folded is record else encode_group(folded.metrics)

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

    def add_without_record(self, folder: str) -> bool:
        """Put a run that has logs and no record into `chunk`; False when it has none either."""
        path = self._store / folder
        files = list_point_files(path)
        if not files.logs and not files.parts:
            return False
        row = encode_record(record_without_file(path, f"{RECORD} is missing"))
        names = ", ".join(f'"{name}"' for name in CHUNK_COLUMNS)
        self._engine.execute(
            f"INSERT INTO chunk (folder, stamp, final, {names}) VALUES (?, 0, false{', ?' * len(CHUNK_COLUMNS)})",
            [folder, *(row[name] for name in CHUNK_COLUMNS)],
        )
        return True


def _last_sign_s(record: RunRecord, folder: Path) -> float | None:
    """When a run that ended without a word was last alive: by its own clock, else by that of its file."""
    if record.life.beat is not None and record.life.beat.at is not None:
        return record.life.beat.at
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
