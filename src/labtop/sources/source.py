"""What a source of foreign logs is, and what it tells of a run. Knows no tracker.

A source finds places (`detect`), lists the runs of a place without reading them (`runs`), and reads some (`read`). It
never writes. What it gives is turned into a store by `mirror`, so a source knows neither files of labtop nor screens.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from labtop.model.run import RunRecord

NO_TIME = -(2**63)
"""A time that is not known, in a column of microseconds; null in what labtop writes."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Listing:
    """The names in a folder, sorted: `files` are regular ones, `folders` real ones; links are in neither.

    Of a file that was named by a person, `files` holds that name alone and `is_named` is true. `is_root`: a person
    opened this very folder, so it is not only a part of what lies above.
    """

    folder: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    is_named: bool = False
    is_root: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where logs of one tracker lie: a folder or a file.

    `closed`: nothing below is anybody else's (the artifacts of an MLflow store hold no runs of their own).
    """

    path: Path
    closed: bool = False


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run of a place that could be read.

    Attributes:
        key: names it within its place, the same each time: an id, a path relative to the place.
        version: another text whenever something else would be read: from `stamp`, or from values of a database.
        size: bytes to read, about; to share work and tell progress.
        state: what the last reading left for the next (`RunRead.state`); None at the first, or to read all again.
    """

    key: str
    version: str
    size: int = 0
    state: bytes | None = None


@dataclass(slots=True)
class Curve:
    """Points of one metric in the order in which they were logged: columns of one length."""

    steps: array[float] = field(default_factory=lambda: array("d"))
    times_us: array[int] = field(default_factory=lambda: array("q"))  # since 1970, UTC, or NO_TIME
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, step: float, value: float, time_us: int = NO_TIME) -> None:
        """Add a point."""
        self.steps.append(step)
        self.times_us.append(time_us)
        self.values.append(value)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRead:
    """What was read of a run. A very long one may come in pieces: later ones are `appended`, the last record counts.

    Attributes:
        key: of its `RunRef`.
        record: all that is known but points. `id` stays empty; `name` and `project` may; `status` is as the tracker
            says it (`RUNNING` is checked against `last_write`), UNKNOWN where it says nothing. `metrics` holds only
            what has no points here: `MetricSummary(last=…)`. `source.problems` names what could not be read.
        identity: what makes it the same run wherever it is found, with the tracker's name in front
            ("wandb:me/digits/3f8a21bc"); empty where only its path does.
        curves: points by metric; system metrics under `system/`.
        appended: `curves` holds what is new since `RunRef.state`, else all there is.
        state: given back in `RunRef.state` next time, for a source that reads on from where it ended. At most some KB.
        folder: where the files of this run alone lie. Runs that different trackers see in one folder are one run.
        is_context: says something only of runs found in or below `folder` (a Hydra configuration); stands for a run of
            its own where there are none.
        last_write: when its files last changed, seconds since the epoch.
        kept: small files worth a copy, by where they belong in a run's folder (`code/patch.diff`).
        output: the file with what the run printed.
    """

    key: str
    record: RunRecord
    identity: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    appended: bool = False
    state: bytes | None = None
    folder: Path | None = None
    is_context: bool = False
    last_write: float | None = None
    kept: Mapping[str, Path] = field(default_factory=dict)
    output: Path | None = None


class Listed(NamedTuple):
    """A run that has ended, as the listing of its place tells of it without reading its points.

    What it tells is what `read` gives, so a row made of it stays as it is when the points are read, and only gains.

    Attributes:
        key, identity: as in `RunRead`.
        common: what it has in common with other runs: the very same object for all of them, for what is made of it is
            made once. The fields below are of this run alone, and count for nothing in it.
        run_id: `source.run_id`.
        started_us, ended_us: `started_at` and `ended_at` in microseconds since 1970, UTC.
        seeds: `randomness.seeds`, of the same names in all runs with this `common`.
        tags: `life.tags`.
        last: the last value of each metric, in the order of their names, or of its place.
        is_whole: this is all there is of it: it has no points.
    """

    key: str
    identity: str
    common: RunRecord
    name: str
    run_id: str
    started_us: int | None
    ended_us: int | None = None
    params: Mapping[str, Any] = _NOTHING
    seeds: Mapping[str, Any] = _NOTHING
    tags: tuple[str, ...] = ()
    last: Mapping[str, float] = _NOTHING
    is_whole: bool = False


@runtime_checkable
class Source(Protocol):
    """Reads the logs of one tracker. Stateless: one object serves all places, in several processes.

    One that reads any file of a general kind says `is_last_resort = True`: it is asked last, and not shown the files
    that are places of others. One that has to guess says what it took a place for in `explain(place) -> str`.

    Nothing may raise but `OSError` and `LabtopError`, for a place that is gone or not readable at all; damage within a
    run is told in `record.source.problems`, and what could be read is given.
    """

    tracker: str
    """The tracker's name, as `source.tracker` says it: "mlflow", "wandb"."""

    reads: str
    """One line for people: what kind of files it reads."""

    # `is_read_in_one_pass = True`: to read some runs of a place costs as much as to read all, so the work is not shared

    # `owns: tuple[str, ...]`, where a source has it: patterns of the names of files in its places that a source of last
    # resort is not shown, so that the table of a run is not read as anybody's

    # `version_of(place: Path) -> str`, where a source has it and `runs` takes long: another text (of `settled_stamp`)
    # whenever `runs` may give something else; empty when that is not certain

    # `listed(place: Path, refs: Sequence[RunRef]) -> Iterator[Listed]`, where a source can tell of thousands of runs in
    # a fraction of the time that their points take; those of which it cannot, or is in doubt, it leaves out

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The places in a folder: the folder itself, files in it, or folders in it. Looks at names, opens little."""

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The runs of a place, by listing and `stat` (or one quick query), without reading them."""

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs; one that has gone is left out. Yields each as soon as it is read, and holds no more than one."""


def stamp(*paths: Path) -> str:
    """What tells one state of some files from the next: their sizes and times. A missing one counts as empty."""
    parts = []
    for path in paths:
        try:
            found = path.stat()
            parts.append(f"{found.st_size:x}.{found.st_mtime_ns:x}.{found.st_ino:x}")
        except OSError:
            parts.append("-")
    return "|".join(parts)


_SETTLED_NS = 2_000_000_000


def settled_stamp(*paths: Path) -> str:
    """The same; empty when one was written to so lately that its time may be the same after the next write."""
    latest = 0
    for path in paths:
        with contextlib.suppress(OSError):
            latest = max(latest, path.stat().st_mtime_ns)
    return stamp(*paths) if abs(time.time_ns() - latest) > _SETTLED_NS else ""
