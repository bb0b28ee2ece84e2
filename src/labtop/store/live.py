"""The record of a run that has not ended: what its writer has not folded yet is folded by the reader.

`life.written` says how far the summaries go, so no point is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import InputError
from labtop.model.fold import SummaryFold
from labtop.model.run import MetricSummary, RunRecord, Source, Status
from labtop.store.layout import METRICS, RECORD
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import writer_of
from labtop.store.reader import Point, check_parquet, list_point_files, read_part_points, read_record
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.wal import PointFrame, read_wal
from labtop.store.writers import read_writers

PartReader = Callable[[Path], Iterable[Point]]
"""Gives the points of a sealed part; raises InputError when it is damaged."""


def read_record_live(folder: Path) -> RunRecord:
    """The record with the summaries of everything logged so far. A run whose record is gone is told from its log."""
    try:
        as_of_ns: int | None = (folder / RECORD).stat().st_mtime_ns
    except OSError:
        as_of_ns = None
    try:
        record = read_record(folder)
    except InputError as error:
        record = record_without_file(folder, str(error))
        as_of_ns = 0
    return fold_live(record, folder, as_of_ns=as_of_ns)


def record_without_file(folder: Path, problem: str) -> RunRecord:
    """What can be said of a run whose record cannot be read: its name is its id."""
    return RunRecord(
        id=folder.name,
        name=folder.name,
        project=folder.parent.name,
        status=Status.UNKNOWN,
        started_at=_first_time(folder),
        source=Source(problems=(problem,)),
    )


def _first_time(folder: Path) -> datetime | None:
    times_us = [frames[0].time_us for path in list_point_files(folder).logs if (frames := _frames(path))]
    try:
        return datetime.fromtimestamp(min(times_us) / 1_000_000, UTC) if times_us else None
    except (ValueError, OverflowError, OSError):
        return None


def fold_live(
    record: RunRecord, folder: Path, *, as_of_ns: int | None = None, read_part: PartReader | None = None
) -> RunRecord:
    """Fold points into a record that its writer had not folded yet. A run that has ended is returned as it is.

    Only writers in `life.written` count: the others' points are in no summary. `written` moves on with the fold, so
    that a run can be resumed from the result. Normally this opens logs alone; parts are opened when they are newer
    than the record, which means that the writer died or could not write its record after sealing.

    Arguments:
        as_of_ns: modification time of `run.parquet` from before it was read; None: as it is now.
        read_part: reads a sealed part; by default with pyarrow.
    """
    if record.status.is_end:
        return record
    written = dict(record.life.written)
    frames = _unfolded(folder, written, _as_of(folder, as_of_ns), read_part or read_part_points)
    if not frames:
        return record
    folds = {name: SummaryFold(each) for name, each in record.metrics.items()}
    ranks = _ranks(folder) if any(each.rank is not None for each in folds.values()) else {}
    for writer, frame in frames:
        for seq, (name, value) in enumerate(frame.values.items(), frame.seq):
            if seq >= written[writer]:
                known = folds.get(name)
                if known is None:
                    folds[name] = SummaryFold()
                elif known.rank is not None and known.rank != ranks.get(writer, 0):
                    folds[name] = SummaryFold(
                        MetricSummary(goal=known.goal)
                    )  # it was borrowed from another rank
                folds[name].add(frame.step, value)
                written[writer] = seq + 1
    metrics = {name: fold.summary() if fold.count else record.metrics[name] for name, fold in folds.items()}
    return replace(record, metrics=metrics, life=replace(record.life, written=written))


def _ranks(folder: Path) -> dict[str, int]:
    return {each.writer: each.rank or 0 for each in read_writers(folder)}


def _as_of(folder: Path, as_of_ns: int | None) -> int:
    if as_of_ns is not None:
        return as_of_ns
    try:
        return (folder / RECORD).stat().st_mtime_ns
    except OSError:
        return 0


def _unfolded(
    folder: Path, written: dict[str, int], as_of_ns: int, read_part: PartReader
) -> list[tuple[str, PointFrame]]:
    """Frames with points that the summaries lack, by writer and number. Without `written`, all of them."""
    folds_all = not written
    found: list[tuple[str, PointFrame]] = []
    logs = _paths(folder, WAL_SUFFIX)
    for path in (*_newer_parts(folder, as_of_ns, logs), *logs):
        writer = writer_of(path)
        if folds_all:
            written.setdefault(writer, 0)
        if writer in written:
            frames = _frames(path) if path.suffix == WAL_SUFFIX else _part_frames(path, read_part)
            found.extend((writer, frame) for frame in frames if frame.end > written[writer])
    order = {writer: at for at, writer in enumerate(written)}
    return sorted(found, key=lambda each: (order[each[0]], each[1].seq))


def _paths(folder: Path, suffix: str) -> list[Path]:
    try:
        return sorted(
            each for each in (folder / METRICS).iterdir() if each.suffix == suffix and each.name[0] != "."
        )
    except OSError:
        return []


def _newer_parts(folder: Path, as_of_ns: int, logs: Sequence[Path]) -> list[Path]:
    """Parts that the record cannot know of and whose log is gone. The log is cheaper, so it is taken where both are."""
    still_logs = {each.stem for each in logs}
    newer: list[Path] = []
    for path in _paths(folder, PART_SUFFIX):
        try:
            is_newer = path.stat().st_mtime_ns > as_of_ns
        except OSError:
            continue
        if is_newer and path.stem not in still_logs and check_parquet(path) is None:
            newer.append(path)
    return newer


def _frames(path: Path) -> list[PointFrame]:
    try:
        return read_wal(path).frames
    except OSError:  # sealed and removed a moment ago, or a folder of that name
        return []


def _part_frames(path: Path, read_part: PartReader) -> list[PointFrame]:
    try:
        return [
            PointFrame(each.seq, each.time_us, each.step, {each.name: each.value}) for each in read_part(path)
        ]
    except InputError:
        return []
