"""Reads everything in a store and says what is not as it was written: the work of `labtop fsck`.

Every page of every Parquet file is verified, every frame of every log, every kept file against its recorded hash,
the numbers of the points against each other and against the record, and the ledger's chain.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import RunRecord
from labtop.store.drafts import SYNC_SUFFIX, drafts_below
from labtop.store.format import POINT_COLUMNS, point_schema, record_schema
from labtop.store.kept_files import check_kept_file, kept_files
from labtop.store.layout import FORMAT, METRICS, RECORD, is_run_id, project_folders
from labtop.store.ledger import check_chain
from labtop.store.pages import check_pages
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import writer_of
from labtop.store.process import is_gone
from labtop.store.reader import open_parquet, read_record
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.wal import read_wal
from labtop.store.writers import read_writers, unreadable_writers, with_artifacts

HARMFUL = frozenset(("damaged", "missing", "changed"))
"""Kinds of findings that mean that something which was recorded cannot be had, or not be trusted."""

_OLD_S = 3600.0  # a draft this old is nobody's
_QUIET_S = 600.0  # a log that was not written to for so long after its run has ended is nobody's
_LONG_QUIET_S = 86400.0  # the same of a run on another machine that did not end


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    `kind`: damaged, missing or changed do harm; leftover (nobody needs it) and unsealed (a log that no writer will
    seal any more) do not. `mended` says what was done about it.
    """

    path: Path
    kind: str
    reason: str
    run_id: str | None = None
    mended: str = ""

    @property
    def is_harmful(self) -> bool:
        """Whether something is lost, or cannot be trusted."""
        return self.kind in HARMFUL


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """What was found in a run's folder, and its record where that could be read."""

    folder: Path
    record: RunRecord | None
    findings: tuple[Finding, ...]

    @property
    def is_newer(self) -> bool:
        """Whether a newer labtop wrote it: nothing of it may be changed."""
        return self.record is not None and self.record.format > FORMAT


def run_folders_to_check(store: Path) -> list[Path]:
    """Every run folder, also of runs that readers pass over; raises OSError when the store cannot be listed."""
    found: list[Path] = []
    for project in project_folders(store):
        try:
            found += sorted(each for each in project.iterdir() if is_run_id(each.name) and each.is_dir())
        except OSError:
            continue
    return found


def check_store_itself(store: Path) -> list[Finding]:
    """What is wrong outside of runs: the ledger's chain, drafts, and runs that never arrived from a spool."""
    found = [
        Finding(path=each.path, kind="damaged", reason=f"ledger: {each.reason}")
        for each in check_chain(store)
    ]
    for folder in (store, store / "ledger", *project_folders(store)):
        found += _drafts(folder, None, deep=False)
    for project in project_folders(store):
        found += [
            Finding(path=each, kind="leftover", reason="a run that was on its way from a spool")
            for each in sorted(project.glob(f".*{SYNC_SUFFIX}"))
            if _age_s(each) > _OLD_S
        ]
    return found


def check_run(folder: Path) -> CheckedRun:
    """Check every file of one run."""
    record, findings = _check_record(folder)
    points = _Points(folder)
    findings += points.check(record)
    if record is not None:
        writers = read_writers(folder)
        for file in kept_files(replace(record, artifacts=with_artifacts(record.artifacts, writers))):
            if wrong := check_kept_file(folder, file):
                findings.append(
                    Finding(path=wrong.path, kind=wrong.kind, reason=wrong.reason, run_id=folder.name)
                )
    findings += [
        Finding(path=each, kind="damaged", reason="it does not say who recorded", run_id=folder.name)
        for each in unreadable_writers(folder)
    ]
    findings += _drafts(folder, folder.name, deep=True)
    return CheckedRun(folder, record, tuple(findings))


def _check_record(folder: Path) -> tuple[RunRecord | None, list[Finding]]:
    path = folder / RECORD
    if not path.exists() and not path.is_symlink():
        if not any((folder / METRICS).glob("*")):
            reason = "a run without a record and without points: it never began"
            is_old = _age_s(folder) > _OLD_S
            return None, [
                Finding(path=folder, kind="leftover", reason=reason, run_id=folder.name)
            ] if is_old else []
        return None, [Finding(path=path, kind="missing", reason="the run has no record", run_id=folder.name)]
    reason = check_pages(path, record_schema) or ""
    record: RunRecord | None = None
    if not reason:
        try:
            record = read_record(folder)
        except InputError as error:
            reason = error.message.partition(": ")[2] or error.message
    if record is not None and record.id != folder.name:
        reason = f"it is the record of run {record.id}"
    findings = [Finding(path=path, kind="damaged", reason=reason, run_id=folder.name)] if reason else []
    if record is not None:
        findings += [
            Finding(path=path, kind="damaged", reason=each, run_id=folder.name)
            for each in record.source.problems
            if each.startswith("the record's ")  # a group that cannot be decoded
        ]
    return record, findings


class _Points:
    """The points of a run, as far as their numbers tell whether all are there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spans: dict[str, list[tuple[int, int]]] = {}  # writer → spans of numbers, end exclusive
        self._parts: dict[str, Path] = {}
        self._is_whole = True

    def check(self, record: RunRecord | None) -> list[Finding]:
        """Check every part and log."""
        try:
            names = sorted(
                each for each in (self._folder / METRICS).iterdir() if not each.name.startswith(".")
            )
        except OSError:
            names = []
        findings: list[Finding] = []
        for path in names:
            if path.suffix == PART_SUFFIX:
                findings += self._check_part(path)
        for path in names:
            if path.suffix == WAL_SUFFIX:
                findings += self._check_log(path, record)
        if record is not None and self._is_whole:
            findings += self._missing(record)
        return findings

    def _finding(self, path: Path, kind: str, reason: str) -> Finding:
        return Finding(path=path, kind=kind, reason=reason, run_id=self._folder.name)

    def _check_part(self, path: Path) -> list[Finding]:
        if reason := check_pages(path, point_schema) or self._take_part(path):
            self._is_whole = False
            return [self._finding(path, "damaged", reason)]
        self._parts[path.stem] = path
        return []

    def _take_part(self, path: Path) -> str:
        """Note the numbers in a sound part; why it cannot be this run's."""
        import pyarrow.compute

        with path.open("rb") as opened:
            file = open_parquet(opened)
            if missing := [name for name in POINT_COLUMNS if name not in file.schema_arrow.names]:
                return f"it has no column {', '.join(missing)}"
            table = file.read(["writer", "run_id", "seq"], use_threads=False)
        writers, runs = (
            pyarrow.compute.unique(table.column(name)).to_pylist() for name in ("writer", "run_id")
        )
        if writers != [writer_of(path)]:
            return f"it holds points of writer {writers[:1]}, not of {writer_of(path)}"
        if runs != [self._folder.name]:
            return f"it holds points of run {runs[:1]}"
        seqs = sorted(table.column("seq").to_pylist())
        self._spans.setdefault(writer_of(path), []).extend(_spans(seqs))
        return ""

    def _check_log(self, path: Path, record: RunRecord | None) -> list[Finding]:
        try:
            log = read_wal(path)
        except OSError as error:
            self._is_whole = False
            return [self._finding(path, "damaged", error.strerror or str(error))]
        findings = [
            self._finding(path, "damaged", f"at byte {each.offset}: {each.reason}") for each in log.problems
        ]
        is_sealed = path.stem in self._parts
        if findings and not is_sealed:
            self._is_whole = False
        if is_sealed:
            findings = []  # what it held is in the part
        spans = self._spans.setdefault(writer_of(path), [])
        spans.extend((each.seq, each.end) for each in log.frames)
        if not may_be_written(path, record):
            if is_sealed:
                findings.append(self._finding(path, "leftover", "a log that was sealed already"))
            else:
                torn = f"; the last frame is cut at byte {log.torn_at}" if log.torn_at is not None else ""
                findings.append(
                    self._finding(
                        path, "unsealed", f"a log of {len(log.frames)} frames that nobody seals{torn}"
                    )
                )
        return findings

    def _missing(self, record: RunRecord) -> list[Finding]:
        """Points that must have been there: numbers that lie between others, or that the summaries count."""
        missing: list[str] = []
        count = 0
        for writer in dict.fromkeys((*self._spans, *record.life.written)):
            written = record.life.written.get(writer, 0)
            for first, end in _gaps(self._spans.get(writer, []), written):
                missing.append(f"points {first} to {end - 1} of writer {writer}")
                count += end - first
        if count <= record.life.dropped:  # the record says so itself
            return []
        return [self._finding(self._folder / METRICS, "missing", each) for each in missing]


def _spans(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Stretches of consecutive numbers."""
    first = last = None
    for number in numbers:
        if last is not None and number <= last + 1:
            last = max(last, number)
            continue
        if first is not None and last is not None:
            yield first, last + 1
        first = last = number
    if first is not None and last is not None:
        yield first, last + 1


def _gaps(spans: list[tuple[int, int]], written: int) -> Iterator[tuple[int, int]]:
    """Stretches from 0 up to `written`, or to the last number there is, that no span covers."""
    at = 0
    for first, end in sorted(spans):
        if first > at:
            yield at, first
        at = max(at, end)
    if at < written:
        yield at, written


def may_be_written(path: Path, record: RunRecord | None) -> bool:
    """Whether a writer may still have this log open: when in doubt, yes."""
    if (
        record is None or record.status.is_end
    ):  # a living run has a record; a rank may live longer than the run
        return _age_s(path) < _QUIET_S
    process = record.life.process
    if process is not None and (gone := is_gone(process)) is not None:
        return not gone
    return _age_s(path) < _LONG_QUIET_S


def _drafts(folder: Path, run_id: str | None, deep: bool) -> list[Finding]:
    return [
        Finding(path=each, kind="leftover", reason="a draft that nobody finished", run_id=run_id)
        for each in drafts_below(folder, deep)
        if _age_s(each) > _OLD_S
    ]


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
