"""Ends a run in a spool whose processes are gone without a word: what they left is sealed, and it is `crashed`.

Only where that is sure: every process of it was of this machine and is not there any more, and there was no sign of
life for a while, for a process in a container may have a number of its own. A log with damage in it is left to
`labtop fsck`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Beat, Process, RunRecord, Status, Writer
from labtop.store.files import FILES
from labtop.store.layout import METRICS, RECORD, file_mode
from labtop.store.live import fold_live
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import OpenPart, seal, writer_of
from labtop.store.process import is_gone
from labtop.store.reader import read_record
from labtop.store.record_file import write_record
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.wal import read_wal
from labtop.store.writers import read_writers, write_writer

_SPARE_S = 3.0


def end_abandoned(folder: Path, shared: bool = False) -> None:
    """End a run that nobody records any more; one that may go on, and one that has ended wholly, stay as they are.

    Raises:
        OSError: the folder cannot be written to; what was done so far stays, and is right.
    """
    logs = sorted(
        (folder / METRICS).glob(f"*{WAL_SUFFIX}")
    )  # first: who comes back now begins one of its own
    try:
        record = read_record(folder)
    except InputError:
        return
    silent = [each for each in read_writers(folder) if each.status is None]
    if not all(_has_gone(each.process) for each in silent):
        return
    if not record.status.is_end:
        if not _has_gone(record.life.process) or not _is_quiet(folder, record, logs):
            return
        record = _ended(fold_live(record, folder, as_of_ns=0), logs)
        _put_down(folder, record, shared)
    for each in silent:
        _say_crashed(folder, each, shared)
    for log in logs:
        _seal(log, folder, shared)


def _has_gone(process: Process | None) -> bool:
    return process is not None and is_gone(process) is True


def _is_quiet(folder: Path, record: RunRecord, logs: list[Path]) -> bool:
    """Whether two beats have failed to come."""
    signs = [each.stat().st_mtime for each in (*logs, folder / RECORD) if each.exists()]
    interval_s = record.life.beat.interval_s if record.life.beat else Beat().interval_s
    return time.time() - max(signs, default=0.0) > 2 * interval_s + _SPARE_S


def _ended(record: RunRecord, logs: list[Path]) -> RunRecord:
    """The record with an end: at the last sign of life."""
    beat = record.life.beat or Beat()
    signs = [each.stat().st_mtime for each in logs if each.exists()]
    last = max((*signs, *([beat.at] if beat.at else [])), default=None)
    ended_at = datetime.fromtimestamp(last, UTC) if last else None
    life = replace(record.life, beat=replace(beat, counter=beat.counter + 1))
    return replace(record, status=Status.CRASHED, ended_at=ended_at, life=life)


def _put_down(folder: Path, record: RunRecord, shared: bool) -> None:
    def is_still_silent(_: Path) -> None:
        if read_record(folder).life.process != record.life.process:
            raise InputError(f"{folder} was taken up by another process meanwhile")

    write_record(folder, record, mode=file_mode(shared), check=is_still_silent)


def _say_crashed(folder: Path, writer: Writer, shared: bool) -> None:
    crashed = replace(writer, status=Status.CRASHED)
    write_writer(folder, crashed, mode=file_mode(shared), shared=shared)


def _seal(log: Path, folder: Path, shared: bool) -> None:
    """Seal what a process left in its log, up to where it was cut off."""
    found = read_wal(log)
    if found.problems:
        return
    part = OpenPart()
    for frame in found.frames:
        part.add(tuple(frame.values), [frame])
    target = log.with_suffix(PART_SUFFIX)
    if len(part) and not target.exists():
        seal(part, target, folder.name, writer_of(log), FILES, file_mode(shared), True)
    FILES.unlink(log)
