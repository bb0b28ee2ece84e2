"""Mends what `checking` found, and never deletes: what is in the way goes to `quarantine/` with a note beside it.

A damaged part, or file of a writer, is put aside, so that readers stop naming it; a record that is gone or damaged is
made again from the points; a log that nobody will seal any more is sealed. Nothing that a writer may still hold is
touched, and nothing that a newer labtop wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import InputError
from labtop.model.fold import SummaryFold
from labtop.model.run import Beat, Life, RunRecord, Source, Status
from labtop.store.checking import CheckedRun, Finding, may_be_written
from labtop.store.files import FILES, replace_file
from labtop.store.layout import METRICS, QUARANTINE, RECORD, file_mode, make_folders
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import OpenPart, seal, writer_of
from labtop.store.reader import Point, list_point_files, read_points
from labtop.store.record_file import write_record
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.wal import read_wal
from labtop.store.writers import WRITERS


def repair_run(store: Path, run: CheckedRun, shared: bool) -> list[Finding]:
    """Mend what can be mended of a run; its findings, each with what was done.

    Raises:
        OSError: the store cannot be written to; what was mended so far stays.
    """
    if run.is_newer:
        return [replace(each, mended="left alone: written by a newer labtop") for each in run.findings]
    return list(_repair(store, run, shared))


def repair_store_itself(store: Path, findings: list[Finding], shared: bool) -> list[Finding]:
    """Put leftovers outside of runs aside. A broken chain of the ledger stays as it is: it is the evidence."""
    return [_set_aside(store, each, shared) if each.kind == "leftover" else each for each in findings]


def _repair(store: Path, run: CheckedRun, shared: bool) -> Iterator[Finding]:
    needs_record: list[Finding] = []
    sealed: set[Path] = set()
    for each in run.findings:
        in_metrics = each.path.parent == run.folder / METRICS
        is_part = in_metrics and each.path.suffix == PART_SUFFIX
        is_writer = each.path.parent == run.folder / WRITERS
        is_log = in_metrics and each.path.suffix == WAL_SUFFIX
        if each.path == run.folder / RECORD and each.is_harmful:
            needs_record.append(each)
        elif is_log and each.path in sealed:
            yield replace(each, mended="sealed with what is whole in it")
        elif is_log and each.kind in ("unsealed", "damaged") and not may_be_written(each.path, run.record):
            sealed.add(each.path)
            yield _seal_log(store, run.folder, each, shared)
        elif each.kind == "leftover" or (each.is_harmful and (is_part or is_writer)):
            yield _set_aside(store, each, shared)
        else:
            yield each
    if needs_record:
        yield from _make_record(store, run, needs_record, shared)


def _seal_log(store: Path, folder: Path, finding: Finding, shared: bool) -> Finding:
    """Seal what is whole in a log; the log itself is put aside."""
    part = OpenPart()
    for frame in read_wal(finding.path).frames:
        part.add(tuple(frame.values), [frame])
    target = finding.path.with_suffix(PART_SUFFIX)
    if len(part) == 0:
        return _set_aside(store, finding, shared)
    if target.exists():
        return replace(finding, mended="left alone: a damaged part has its name; repair again")
    try:
        seal(part, target, folder.name, writer_of(finding.path), FILES, file_mode(shared), True)
    except InputError as error:
        return replace(finding, mended=f"could not be sealed: {error.message}")
    aside = _set_aside(store, finding, shared)
    return replace(aside, mended=f"sealed {len(part)} points; {aside.mended}")


def _make_record(store: Path, run: CheckedRun, findings: list[Finding], shared: bool) -> Iterator[Finding]:
    """A record from the points alone, in the place of one that is damaged or gone."""
    path = run.folder / RECORD
    if not path.exists() and any(may_be_written(each, None) for each in list_point_files(run.folder).logs):
        yield from (replace(each, mended="left alone: the run may still be going on") for each in findings)
        return
    aside = ""
    if path.exists() or path.is_symlink():
        aside = _set_aside(store, findings[0], shared).mended + "; "
    record = record_from_points(run.folder, findings[0].reason)
    write_record(run.folder, record, mode=file_mode(shared))
    done = f"{aside}made again from {sum(each.count for each in record.metrics.values())} points"
    yield from (replace(each, mended=done) for each in findings)


def record_from_points(folder: Path, why: str) -> RunRecord:
    """What the points alone can tell of a run: its metrics, and when it began. Nobody knows how it ended."""
    points, _ = read_points(folder)
    folds: dict[str, SummaryFold] = {}
    written: dict[str, int] = {}
    for each in points:
        folds.setdefault(each.name, SummaryFold()).add(each.step, each.value)
        written[each.writer] = each.seq + 1
    return RunRecord(
        id=folder.name,
        name=folder.name,
        project=folder.parent.name,
        status=Status.RUNNING,  # readers say lost: its last sign of life is long ago
        started_at=_time_of(min(points, key=lambda each: each.time_us)) if points else None,
        metrics={name: fold.summary() for name, fold in folds.items()},
        life=Life(beat=Beat(counter=0, at=0.0), written=written),
        source=Source(
            problems=(f"the record was lost ({why}) and made again from the points by labtop fsck",)
        ),
    )


def _time_of(point: Point) -> datetime | None:
    try:
        return datetime.fromtimestamp(point.time_us / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _set_aside(store: Path, finding: Finding, shared: bool) -> Finding:
    """Move a file or folder to the quarantine, under its own path, with a note of when and why."""
    relative = finding.path.relative_to(store)
    target = store / QUARANTINE / relative
    number = 1
    while target.exists() or target.is_symlink():
        number += 1
        target = (store / QUARANTINE / relative).with_name(f"{relative.name}.{number}")
    make_folders(target.parent, shared)
    note = {
        "from": str(relative),
        "kind": finding.kind,
        "reason": finding.reason,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    replace_file(
        target.with_name(f"{target.name}.note.json"),
        json.dumps(note, indent=1).encode() + b"\n",
        mode=file_mode(shared),
    )
    finding.path.rename(target)  # never over anything: the name was free, and it is a folder's own
    return replace(finding, mended=f"moved to {QUARANTINE}/{target.relative_to(store / QUARANTINE)}")
