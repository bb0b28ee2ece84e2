"""Folders that DVCLive wrote: `metrics.json`, `params.yaml` and a TSV file of points for each metric.

The status of a run is not in them, and times only where the program asked DVCLive for them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.model.run import Artifact, MetricSummary, RunRecord, Source, Status
from labtop.sources.dvc_stages import of_stage, stage_around
from labtop.sources.dvclive_folder import Parts, flat_metrics, parts_of
from labtop.sources.dvclive_points import Header, points
from labtop.sources.references import reference
from labtop.sources.side_files import Problems, SideFiles, epoch_time, files_below, last_write, total_size
from labtop.sources.source import NO_TIME, Curve, Listing, Place, RunRead, RunRef, stamp

_NAME = "dvclive"
_MOST_FILES = 20_000
_MOST_BYTES = 256 * 2**20
_MOST_KEPT = 200
_CHECKED = 256
_SUFFIXES = (".tsv", ".json", ".yaml")
_FOLDERS = {"plots", "scalars", "images", "metrics"}


class _Read(msgspec.Struct, frozen=True):
    """How far a file was read: bytes, points, and a checksum of the bytes before that."""

    at: int
    points: int
    crc: int


_STATE = msgspec.json.Decoder(dict[str, _Read])


class DvcLiveSource:
    """Reads DVCLive folders of any age. Points that came since are read on from where the last reading ended."""

    tracker = "dvclive"
    reads = "DVCLive folders: metrics.json, params.yaml, plots/metrics/*.tsv"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder with points in a place that DVCLive has for them, or of its name with a file of it."""
        if _is_live(listing):
            yield Place(listing.folder)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a folder."""
        paths = _paths(place)
        beside = [place / "metrics.json", place / "params.yaml", place.with_name(f"{place.name}.json")]
        around = [place.parent / "dvc.lock", place.parent / "dvc.yaml"]
        yield RunRef(".", stamp(*beside, *around, *paths), total_size(paths))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            yield _read(place, ref)


def _is_live(listing: Listing) -> bool:
    files, folders, here = listing.files, listing.folders, listing.folder
    if "plots" in folders and (_has_points(here / "plots/metrics") or _has_points(here / "plots/scalars")):
        return True
    if "scalars" in folders and here.name != "plots" and _has_points(here / "scalars"):
        return True
    is_named = here.name.startswith(_NAME)
    if is_named and ("metrics.json" in files or "params.yaml" in files):
        return True
    tables = [name for name in files if name.endswith(".tsv")]
    if not tables or not (is_named or here.with_name(f"{here.name}.json").is_file()):
        return False
    return _is_points(here / tables[0])


def _has_points(folder: Path) -> bool:
    """Whether the first table in a folder is one of DVCLive."""
    for path in files_below(folder, 50):
        if path.suffix == ".tsv":
            return _is_points(path)
    return False


def _is_points(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            head = file.read(4096)
    except (OSError, InputError):
        return False
    return not head or Header.of(head) is not None


def _paths(place: Path) -> list[Path]:
    """All files that belong to the run, no more than a limit; those of other runs further down are not among it."""
    found: list[Path] = []
    folders: set[str] = set()
    try:
        with os.scandir(place) as entries:
            for each in entries:
                if each.is_dir(follow_symlinks=False):
                    folders.add(each.name)
                elif each.is_file(follow_symlinks=False) and each.name.endswith(_SUFFIXES):
                    found.append(place / each.name)
    except OSError:
        return []
    for name in sorted(folders & _FOLDERS):
        found += files_below(place / name, _MOST_FILES)
    if not folders & {"plots", "scalars"}:
        # the first clients wrote `train/loss.tsv` without a folder for points
        found += (
            each for each in files_below(place, _MOST_FILES) if each.suffix == ".tsv" and each.parent != place
        )
    return sorted(found)


def _read(place: Path, ref: RunRef) -> RunRead:
    files = SideFiles(place)
    paths = _paths(place)
    parts = parts_of(path.relative_to(place).as_posix() for path in paths)
    told = files.json("metrics.json")
    if told is None:
        told = SideFiles(place.parent).json(f"{place.name}.json")
    metrics, rest, step = flat_metrics(told)
    curves, state, is_appended, first = _curves(place, parts, ref.state, files.problems)
    stage = stage_around(place, files.problems)
    record = RunRecord(
        id="",
        name=place.name if place.name != _NAME else place.parent.name,
        project=place.parent.name,
        status=Status.UNKNOWN,
        started_at=epoch_time(first / 1e6) if first is not None else None,
        params=files.mapping("params.yaml", files.yaml("params.yaml", is_core=True)),
        metrics={name: _with_step(each, step) for name, each in metrics.items() if name not in parts.series},
        summary=rest,
        artifacts=tuple(_rich(place, parts)),
        source=Source(tracker="dvclive", uri=str(place), problems=files.problems.all()),
    )
    return RunRead(
        key=ref.key,
        record=of_stage(record, stage),
        curves=curves,
        appended=is_appended,
        state=state,
        folder=place,
        last_write=last_write(paths),
    )


def _with_step(metric: MetricSummary, step: float | None) -> MetricSummary:
    return replace(metric, last_step=step)


def _rich(place: Path, parts: Parts) -> Iterator[Artifact]:
    for path, kind in parts.rich.items():
        yield reference(place, path, kind=kind)


def _curves(
    place: Path, parts: Parts, state: bytes | None, problems: Problems
) -> tuple[dict[str, Curve], bytes | None, bool, int | None]:
    """The points of all files; only new ones where all that was read is still there. And the time of the first."""
    before = _known(place, parts, state)
    curves: dict[str, Curve] = {}
    after: dict[str, _Read] = {}
    first: list[int] = []
    for name, path in parts.series.items():
        try:
            curve, reached, start = _file(place / path, before.get(path) if before else None, problems, path)
        except (OSError, InputError) as error:
            problems.add(f"{path}: {error}")
            continue
        curves[name] = curve
        after[path] = reached
        first += [start] if start != NO_TIME else []
    kept = msgspec.json.encode(after) if len(after) <= _MOST_KEPT else None
    return curves, kept, before is not None, min(first, default=None)


def _known(place: Path, parts: Parts, state: bytes | None) -> dict[str, _Read] | None:
    """What the last reading left, where it still fits the files; else None, to read all again."""
    if not state:
        return None
    try:
        before = _STATE.decode(state)
    except (msgspec.DecodeError, ValueError):
        return None
    there = set(parts.series.values())
    if not set(before) <= there:
        return None
    for path, known in before.items():
        try:
            with open_regular(place / path) as file:
                if _checksum(file, known.at) != known.crc:
                    return None
        except (OSError, InputError):
            return None
    return before


def _checksum(file: Any, at: int) -> int:
    """Of the bytes before a position; -1 where the file is shorter."""
    start = max(0, at - _CHECKED)
    file.seek(start)
    content = file.read(at - start)
    return zlib.crc32(content) if len(content) == at - start else -1


def _file(path: Path, known: _Read | None, problems: Problems, name: str) -> tuple[Curve, _Read, int]:
    """The points of a file from where it was read to, how far it is read now, and the time of its first point."""
    with open_regular(path) as file:
        head = file.read(65_536)
        header = Header.of(head)
        if header is None:
            problems.add(f"{name} has no header of DVCLive in its first line" if head else f"{name} is empty")
            return Curve(), _Read(0, 0, zlib.crc32(b"")), NO_TIME
        start = max(known.at if known else 0, header.end)
        is_long = file.seek(0, 2) - start > _MOST_BYTES
        if is_long:
            problems.add(f"{name}: only its first {_MOST_BYTES:,} bytes were read")
        file.seek(start)
        content = file.read(_MOST_BYTES)
        count = known.points if known else 0
        curve, used, wrong = points(content, header, count, is_whole=not is_long)
        for each in wrong:
            problems.add(f"{name}: {each}")
        reached = _Read(start + used, count + len(curve), _checksum(file, start + used))
    first, _, _ = points(head[header.end :], header) if header.time >= 0 else (Curve(), 0, [])
    return curve, reached, first.times_us[0] if len(first) else NO_TIME
