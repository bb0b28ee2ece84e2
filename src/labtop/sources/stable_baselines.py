"""Folders that Stable-Baselines3 writes: `monitor.csv` of each environment, and `progress.csv` of the training.

`monitor.csv` begins with `#{"t_start": …, "env_id": …}`, then `r,l,t` and a row for each episode: its reward, its
length, and when it ended, in seconds since the start. `0.monitor.csv`, `1.monitor.csv`, … are the environments of one
run: their episodes are counted together in the order in which they ended, as `load_results` of Stable-Baselines does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from labtop.errors import InputError
from labtop.formats.json_text import as_number, parse_json
from labtop.model.run import Artifact, RunRecord, Source, Status
from labtop.sources.csv_head import read_head
from labtop.sources.csv_log import LogRead, LogState, Rule, read_log
from labtop.sources.folder_names import name_of, project_of
from labtop.sources.references import reference
from labtop.sources.side_files import Problems, epoch_time, files_below, last_write, total_size
from labtop.sources.source import Curve, Listing, Place, RunRead, RunRef, stamp

_NAME = "stable-baselines"
_MONITOR, _PROGRESS = "monitor.csv", "progress.csv"
_STEPS = ("time/total_timesteps", "total_timesteps", "misc/total_timesteps", "steps", "serial_timesteps")
_EPISODE = ("r", "l", "t")
_MODELS = (".zip", ".npz", ".pkl")
_MOST_FILES = 1000
_MOST_BELOW, _DEEPEST = 5000, 2
_STEPS_IN_NAME = re.compile(r"_(\d{1,15})_steps\.")  # of a checkpoint


class _State(msgspec.Struct):
    """How far each table was read, and how many episodes were given away."""

    files: dict[str, LogState]
    episodes: int = 0


class StableBaselines:
    """Reads folders of Stable-Baselines3, and of Stable-Baselines and OpenAI Baselines before it."""

    tracker = _NAME
    reads = "Stable-Baselines3: monitor.csv, progress.csv"
    owns = ("*monitor.csv", "progress.csv")

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder with either table, known by its first lines."""
        for name in listing.files:
            is_monitor = name.endswith(_MONITOR)
            if (is_monitor or name == _PROGRESS) and _is_ours(listing.folder / name):
                yield Place(listing.folder)
                return

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a folder."""
        files = _tables(place)
        if files:
            yield RunRef(".", stamp(*files, *_folders(place)), total_size(files))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            files = _tables(place)
            if files:
                yield _read(place, ref, files)


def _is_ours(path: Path) -> bool:
    head = read_head(path)
    if head is None:
        return False
    if path.name == _PROGRESS:
        return any(name in head.names for name in _STEPS)
    return head.comment.startswith("#") and head.names[: len(_EPISODE)] == _EPISODE


def _names(place: Path) -> list[str]:
    try:
        found = sorted(each.name for each in place.iterdir() if each.is_file() and not each.is_symlink())
    except OSError:
        return []
    return found[: 10 * _MOST_FILES]


def _folders(place: Path) -> list[Path]:
    """The folder and those in it: their times tell that a model was saved."""
    try:
        with os.scandir(place) as entries:
            below = sorted(each.path for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [place, *map(Path, below[:_MOST_FILES])]


def _tables(place: Path) -> list[Path]:
    named = [place / name for name in _names(place) if name.endswith(_MONITOR) or name == _PROGRESS]
    return [each for each in named if _is_ours(each)][:_MOST_FILES]


def _read(place: Path, ref: RunRef, files: list[Path]) -> RunRead:
    before = _decode(ref.state)
    if before is not None and set(before.files) != {each.name for each in files}:
        before = None
    reads = _read_all(files, before)
    if before is not None and not all(each.appended for _, each, _ in reads):
        before, reads = (
            None,
            _read_all(files, None),
        )  # one was written anew: the episodes of all are counted again
    problems = Problems()
    for _, log, _ in reads:
        for problem in log.problems:
            problems.add(problem)
    curves = {
        name: curve for path, log, _ in reads if path.name == _PROGRESS for name, curve in log.curves.items()
    }
    first = before.episodes if before else 0
    curves |= _by_time([log.curves for path, log, _ in reads if path.name != _PROGRESS], first)
    episodes = first + max((len(curves[name]) for name in _EPISODE if name in curves), default=0)
    told = [said for path, _, said in reads if path.name != _PROGRESS]
    began = [number for number in (as_number(each.get("t_start")) for each in told) if number is not None]
    states = {path.name: log.state for path, log, _ in reads if log.state is not None}
    is_known = len(states) == len(reads)
    return RunRead(
        key=ref.key,
        record=RunRecord(
            id="",
            name=name_of(place),
            project=project_of(place),
            status=Status.UNKNOWN,
            started_at=epoch_time(min(began)) if began else None,
            params={name: value for name, value in told[0].items() if name != "t_start"} if told else {},
            artifacts=tuple(_artifacts(place)),
            source=Source(tracker=_NAME, uri=str(place), problems=problems.all()),
        ),
        curves=curves,
        appended=before is not None,
        state=msgspec.json.encode(_State(states, episodes)) if is_known else None,
        folder=place,
        last_write=last_write(files),
    )


def _decode(state: bytes | None) -> _State | None:
    if not state:
        return None
    try:
        return msgspec.json.decode(state, type=_State)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def _read_all(files: list[Path], before: _State | None) -> list[tuple[Path, LogRead, dict[str, Any]]]:
    """Every table, with what its first line says."""
    found = []
    for path in files:
        said = _first_line(path)
        if path.name == _PROGRESS:
            rule = Rule(steps=_STEPS)
        else:
            rule = Rule(steps=(), comment="#", elapsed="t", began_s=as_number((said or {}).get("t_start")))
        try:
            log = read_log(path, rule, before.files.get(path.name) if before else None)
        except (OSError, InputError) as error:
            log = LogRead(problems=[f"{path.name}: {getattr(error, 'strerror', None) or error}"])
        if said is None:
            log.problems.append(f"{path.name}: its first line is no JSON")
        found.append((path, log, said or {}))
    return found


def _first_line(path: Path) -> dict[str, Any] | None:
    """What the line before the names says; None where it is damaged."""
    head = read_head(path)
    if head is None or not head.comment:
        return {}
    try:
        value = parse_json(head.comment[1:])
    except InputError:
        return None
    return value if isinstance(value, dict) else None


def _by_time(environments: list[dict[str, Curve]], first: int) -> dict[str, Curve]:
    """The episodes of all environments in the order in which they ended, numbered from `first` on."""
    found: dict[str, Curve] = {}
    for name in dict.fromkeys(name for curves in environments for name in curves):
        here = [curves[name] for curves in environments if name in curves]
        points = [point for curve in here for point in zip(curve.times_us, curve.values, strict=True)]
        if len(here) > 1:
            points.sort(key=lambda point: point[0])
        curve = found[name] = Curve()
        for number, (time_us, value) in enumerate(points, first):
            curve.add(number, value, time_us)
    return found


def _artifacts(place: Path) -> Iterator[Artifact]:
    """Models and results of evaluations, which callbacks put into folders of their own; none is opened."""
    below = list(files_below(place, _MOST_BELOW, _DEEPEST))
    others = {each.parent for each in below if each.name.endswith(_MONITOR) or each.name == _PROGRESS}
    for path in below:
        if path.name.endswith(_MODELS) and others.isdisjoint({*path.parents} - {place, *place.parents}):
            step = _STEPS_IN_NAME.search(path.name)
            kind = "model" if path.name.endswith(".zip") else "file"
            found = reference(place, path.relative_to(place).as_posix(), kind=kind)
            yield replace(found, step=float(step[1])) if step else found
