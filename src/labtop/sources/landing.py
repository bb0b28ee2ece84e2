"""Writes what a source told of a run into a folder of a mirror: the record, and its points as sealed parts.

A mirror can be made again at any time, so nothing is flushed to the disk; each file is still written whole and renamed.
"""

from __future__ import annotations

import hashlib
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.model.run import Beat, MetricSummary, RunRecord, Status
from labtop.sources.bounding import bounded, escaped_read
from labtop.sources.identity import id_of, identity_by_path
from labtop.sources.source import NO_TIME, Curve, Place, RunRead
from labtop.sources.summaries import summarised
from labtop.sources.traits import NO_TRAITS, Traits, traits_of
from labtop.store.files import replace_file
from labtop.store.format import Encoded, point_schema, record_parquet, sorted_points_parquet
from labtop.store.inside import parse_inside
from labtop.store.layout import METRICS, RECORD, safe_folder_name
from labtop.store.part import SUFFIX, part_stem
from labtop.store.reader import open_parquet, read_record

if TYPE_CHECKING:
    import pyarrow

ZOMBIE_AFTER_S = 4 * 3600.0
"""A run that says it is running, and has logged nothing for so long, is lost."""

_BEAT_S = 900.0
_POINTS_A_PART = 1_000_000
_STILL_OPEN = 50_000  # a part with fewer points takes up what is appended
MEMBERS = ".runs"
"""The folder of a mirror with what was read, run by run."""

_ENCODED: Encoded = {}  # facts that many runs have in common, most often none at all

_DIGESTED = 3  # different values that make a curve worth comparing with those of other trackers
_COMPARED = 16  # values of it that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """Where a run came to lie in a mirror, and what the next reading goes on from.

    Attributes:
        folder: with what was read, relative to the mirror; hidden, for people see what `composing` makes of it.
        where: the folder of its own files, as `RunRead.folder`; empty when unknown.
        digests: of its curves, to find the same run in the logs of another tracker: hash → name.
        telling: those of them that go up and down: no schedule of a learning rate does.
        traits: what tells it from others with the same curves.
    """

    key: str
    version: str
    run_id: str
    project: str
    folder: str
    source: str
    tracker: str
    where: str = ""
    is_context: bool = False
    is_live: bool = False
    points: int = 0
    writer: str = ""
    parts: int = 0
    seq: int = 0
    open_rows: int = 0
    state: bytes | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    telling: tuple[str, ...] = ()
    traits: Traits = NO_TRAITS

    @property
    def shown(self) -> str:
        """The folder of the run that people see, relative to the mirror."""
        return f"{safe_folder_name(self.project)}/{self.run_id}"


def land(
    mirror: Path, source: str, place: Place, version: str, read: RunRead, before: Landed | None
) -> Landed:
    """Write a run, or what was appended to it since `before`, into the mirror. Raises OSError, InputError."""
    read = bounded(read)
    try:
        return _land(mirror, source, place, version, read, before)
    except UnicodeEncodeError:  # rare, so it is not looked for in every text
        return _land(mirror, source, place, version, escaped_read(read), before)


def _land(
    mirror: Path, source: str, place: Place, version: str, read: RunRead, before: Landed | None
) -> Landed:
    identity = read.identity or identity_by_path(read.record.source.tracker, place.path, read.key)
    run_id = id_of(identity)
    goes_on = read.appended and before is not None and before.run_id == run_id
    known = _record_there(mirror / before.folder) if goes_on and before else None
    record = _completed(read, place, run_id, known)
    folder = mirror / MEMBERS / id_of(f"{source}|{place.path}|{read.key}")
    is_new = _make_folder(folder)
    # another writer for another reading of the same run: points are told apart by writer and number
    writer = before.writer if goes_on and before else id_of(f"{identity}@{version}@{time.time_ns()}")
    ink = _Ink(folder, run_id, writer)
    if goes_on and before:
        ink.number, ink.seq, ink.open_rows = before.parts, before.seq, before.open_rows
    ink.write(read.curves)
    for target, path in read.kept.items():
        _keep(folder, target, path)
    _link_output(folder, place, read.output)
    life = replace(record.life, written={writer: ink.seq}) if record.status is Status.RUNNING else record.life
    replace_file(folder / RECORD, record_parquet(replace(record, life=life), _ENCODED), sync=False)
    if not goes_on and not is_new:
        for old in (folder / METRICS).glob(f"*{SUFFIX}"):
            if not old.name.startswith(writer):
                old.unlink(missing_ok=True)
    digests, telling = (before.digests, before.telling) if goes_on and before else _digests(read.curves)
    return Landed(
        key=read.key,
        version=version,
        run_id=run_id,
        project=record.project,
        folder=folder.relative_to(mirror).as_posix(),
        source=source,
        tracker=record.source.tracker,
        where="" if read.folder is None else str(read.folder),
        is_context=read.is_context,
        is_live=not record.status.is_end,
        points=(before.points if goes_on and before else 0) + sum(map(len, read.curves.values())),
        writer=writer,
        parts=ink.number,
        seq=ink.seq,
        open_rows=ink.open_rows,
        state=read.state,
        digests=digests,
        telling=telling,
        traits=traits_of(record.params, read.curves, before.traits if goes_on and before else None),
    )


def _make_folder(folder: Path) -> bool:
    """Make a run's folder; False when it was there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except FileNotFoundError:
        folder.mkdir(parents=True)
    return True


def _record_there(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except InputError:
        return None


def _completed(read: RunRead, place: Place, run_id: str, known: RunRecord | None) -> RunRecord:
    """The record with id, names, summaries, and a status that a zombie cannot hold for years."""
    record, source = read.record, read.record.source
    before: Mapping[str, MetricSummary] = known.metrics if known else {}
    # what only tells a metric's goal takes nothing away from what its points told
    told = {name: each for name, each in record.metrics.items() if each.count or each.last is not None}
    summaries = {**record.metrics, **before, **told}
    for name, curve in read.curves.items():
        start = before.get(name) or record.metrics.get(name)
        goal = record.metrics[name].goal if name in record.metrics else None
        start = replace(start, last=None, goal=goal or start.goal) if start and not start.count else start
        summaries[name] = summarised(curve, start)
    started_at = record.started_at or (known.started_at if known else None) or _first_time(read.curves)
    seen_s = _last_sign_s(read, started_at, known)
    status, life = record.status, record.life
    if status is Status.RUNNING and (seen_s is None or time.time() - seen_s > ZOMBIE_AFTER_S):
        status = Status.LOST
    if not status.is_end and seen_s is not None:
        life = replace(life, beat=Beat(counter=int(seen_s * 1000), interval_s=_BEAT_S, at=seen_s))
    if life.parent_id:
        life = replace(life, parent_id=id_of(life.parent_id))
    if source.uri is None:
        source = replace(source, uri=str(read.folder or place.path))
    return replace(
        record,
        id=run_id,
        name=record.name or read.key.rsplit("/", 1)[-1] or run_id,
        project=record.project or place.path.stem or "runs",
        status=status,
        started_at=started_at,
        metrics=summaries,
        life=life,
        source=source,
    )


def _last_sign_s(read: RunRead, started_at: datetime | None, known: RunRecord | None) -> float | None:
    """When the run was last alive by what it wrote itself.

    The time of files tells only where that says nothing: copying them makes them new.
    """
    signs = [max(each.times_us) / 1e6 for each in read.curves.values() if len(each)]
    if read.record.status is Status.RUNNING and started_at is not None:
        signs.append(started_at.timestamp())
    signs += [known.life.beat.at] if known and known.life.beat and known.life.beat.at else []
    told = max((each for each in signs if each > 0), default=None)
    return told if told is not None or read.record.status is not Status.RUNNING else read.last_write


def _first_time(curves: Mapping[str, Curve]) -> datetime | None:
    """When the first point was logged: the run was there by then."""
    times = [
        min(known) for each in curves.values() if (known := [t for t in each.times_us[:1] if t != NO_TIME])
    ]
    try:
        return datetime.fromtimestamp(min(times) / 1e6, UTC) if times else None
    except (ValueError, OverflowError, OSError):
        return None


class _Ink:
    """Writes the points of one writer into parts.

    There are `number` of them so far, with `seq` points together and `open_rows` in the last.
    """

    def __init__(self, folder: Path, run_id: str, writer: str) -> None:
        self._folder = folder / METRICS
        self._run_id = run_id
        self._writer = writer
        self.number = 0
        self.seq = 0
        self.open_rows = 0

    def write(self, curves: Mapping[str, Curve]) -> None:
        """Write curves; what is small joins the last part."""
        names = sorted((name for name, curve in curves.items() if len(curve)), key=str.encode)
        rows = sum(len(curves[name]) for name in names)
        if not rows:
            return
        self._folder.mkdir(exist_ok=True)
        table = self._table(names, curves)
        last: Path | None = self._path(self.number)
        if last is not None and self.number and rows + self.open_rows < _STILL_OPEN and last.exists():
            import pyarrow

            with last.open("rb") as file:
                before = open_parquet(file).read(use_threads=False).cast(point_schema())
            table = pyarrow.concat_tables([before, table]).sort_by(
                [("name", "ascending"), ("step", "ascending"), ("seq", "ascending")]
            )
        else:
            last = None
            self.open_rows = 0
        for at in range(0, len(table), _POINTS_A_PART):
            self.number += 1
            part = table.slice(at, _POINTS_A_PART)
            replace_file(self._path(self.number), sorted_points_parquet(part), sync=False)
        self.open_rows += rows
        if last is not None:
            last.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{part_stem(self._writer, number)}{SUFFIX}"

    def _table(self, names: list[str], curves: Mapping[str, Curve]) -> pyarrow.Table:
        """Points by name and step, numbered metric by metric in logged order."""
        import numpy as np
        import pyarrow

        steps, times, values, texts, starts = array("d"), array("q"), array("d"), [], []
        for name in names:
            curve = curves[name]
            starts.append(len(steps))
            steps.extend(curve.steps)
            times.extend(curve.times_us)
            values.extend(curve.values)
            texts.append(pyarrow.repeat(pyarrow.scalar(name, pyarrow.string()), len(curve)))
        rows = len(steps)
        whole = {
            "step": np.frombuffer(steps, np.float64),
            "time": np.frombuffer(times, np.int64),
            "value": np.frombuffer(values, np.float64),
            "seq": np.arange(self.seq, self.seq + rows, dtype=np.int64),
        }
        self.seq += rows
        falls = whole["step"][1:] < whole["step"][:-1]
        falls[np.asarray(starts[1:], np.int64) - 1] = False  # from one metric to the next they may
        if falls.any():
            metric = np.repeat(np.arange(len(starts)), np.diff([*starts, rows]))
            order = np.lexsort((whole["seq"], whole["step"], metric))
            whole = {name: each[order] for name, each in whole.items()}
        unknown = whole["time"] == NO_TIME
        when = pyarrow.array(whole["time"].view("datetime64[us]"), mask=unknown if unknown.any() else None)
        return pyarrow.Table.from_arrays(
            [
                pyarrow.repeat(pyarrow.scalar(self._run_id, pyarrow.string()), rows),
                pyarrow.concat_arrays(texts),
                pyarrow.array(whole["step"]),
                when,
                pyarrow.array(whole["value"], from_pandas=False),
                pyarrow.repeat(pyarrow.scalar(self._writer, pyarrow.string()), rows),
                pyarrow.array(whole["seq"]),
            ],
            schema=point_schema(),
        )


def _keep(folder: Path, target: str, path: Path) -> None:
    """Copy a small file into the run's folder; what cannot be read is left where it is."""
    try:
        content = read_bytes(path)
        kept = folder.joinpath(*parse_inside(target))
        kept.parent.mkdir(parents=True, exist_ok=True)
        replace_file(kept, content, sync=False)
    except (OSError, InputError):
        return


def _link_output(folder: Path, place: Place, output: Path | None) -> None:
    """Let the run's output be found; one that is a link, or leads out of the place, is left alone."""
    if output is None:
        return
    link = folder / "output.log"
    try:
        top = (place.path if place.path.is_dir() else place.path.parent).resolve()
        if output.is_symlink() or not output.is_file() or top not in output.resolve().parents:
            return
        if not link.is_symlink():
            link.symlink_to(output.resolve())
    except OSError:  # no links on this system: the output stays where it is
        return


def _digests(curves: Mapping[str, Curve]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What equal curves have in common in the logs of two trackers, and which of them go up and down.

    Values are compared as 32-bit floats, as TensorBoard keeps them.
    """
    found: dict[str, str] = {}
    telling: list[str] = []
    for name, curve in curves.items():
        values = curve.values[:_COMPARED].tolist()
        if len(set(values)) < _DIGESTED or name.startswith("system/"):
            continue
        digest = hashlib.sha256(array("f", map(_narrow, values)).tobytes()).hexdigest()[:16]
        found[digest] = name
        rises = {later > earlier for earlier, later in pairwise(values) if later != earlier}
        if len(rises) > 1:
            telling.append(digest)
    return found, tuple(telling)


def _narrow(value: float) -> float:
    return value if -3.4e38 < value < 3.4e38 else 0.0 if value != value else 3.4e38
