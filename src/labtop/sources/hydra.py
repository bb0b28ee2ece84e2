"""Folders that Hydra made for a run: `.hydra/config.yaml`, `hydra.yaml`, `overrides.yaml`, and the job's log.

Hydra knows no metrics: what it tells is a context, joined with what other trackers wrote in or below the same folder.
Layout: https://hydra.cc/docs/tutorials/basic/running_your_app/working_directory/; seen with 0.11 to 1.3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.traceback_text import HEAD, Raised, raised
from labtop.formats.yaml_text import MOST_BYTES as _MOST_YAML
from labtop.formats.yaml_text import parse_yaml
from labtop.model.run import (
    Artifact,
    Command,
    ConfigFile,
    Environment,
    Life,
    RunError,
    RunRecord,
    Source,
    Status,
)
from labtop.sources.references import kind_of, reference
from labtop.sources.side_files import SideFiles, last_write, total_size
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_FILES = ("config.yaml", "hydra.yaml", "overrides.yaml")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[_T ](\d{2}-\d{2}-\d{2})")
_LOGGED = re.compile(rb"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\]")
_LINE_BYTES = 64
_MOST_FOLDERS, _MOST_FILES = 50, 2000
_PART = re.compile(r"  ([A-Za-z_]+):")
_PARTS = frozenset(("mode", "job", "runtime", "sweep"))
_TAIL_BYTES = 65_536
_PLAIN_LAUNCHERS = ("basic", None)


class HydraSource:
    """Reads what Hydra keeps of a run. The place is the folder with the three files; the run's folder is its parent."""

    tracker = "hydra"
    reads = "the .hydra folders of Hydra runs and sweeps: configuration, overrides, job log"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The hidden folder of the files, or, where the program named it, one that holds all three."""
        if ".hydra" in listing.folders and any(
            (listing.folder / ".hydra" / name).is_file() for name in _FILES
        ):
            yield Place(listing.folder / ".hydra", closed=True)
        if set(_FILES) <= set(listing.files):
            yield Place(listing.folder, closed=True)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a place."""
        paths = [place / name for name in _FILES]
        log = _any_log(place.parent)
        yield RunRef(".", stamp(*paths, *([log] if log else []), *_folders(place.parent)), total_size(paths))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            yield _read(place, ref.key)


def _read(place: Path, key: str) -> RunRead:
    files = SideFiles(place)
    config = files.mapping("config.yaml", files.yaml("config.yaml"))
    hydra = _hydra(files)
    listed = files.yaml("overrides.yaml")
    overrides = tuple(map(str, listed)) if isinstance(listed, list) else ()
    job, runtime, sweep = _part(hydra, "job"), _part(hydra, "runtime"), _part(hydra, "sweep")
    folder = place.parent
    log = _log(folder, job)
    error = _last_error(log) if log else None
    is_sweep = _is_sweep(hydra, job)
    record = RunRecord(
        id="",
        name=_name(folder, job, overrides),
        project=_plain(job.get("name")) or (log.stem if log else "") or _project(folder),
        status=Status.FAILED if error else Status.UNKNOWN,
        started_at=_started(folder, log, is_sweep),
        params=config,
        life=Life(
            group=_sweep_name(sweep, folder) if is_sweep else None,
            error=RunError(type=error.type, message=error.message, where=error.where) if error else None,
        ),
        command=Command(
            argv=(_plain(job.get("name")) or "", *overrides) if overrides or job.get("name") else (),
            cwd=_plain(runtime.get("cwd")),
            launcher=_launcher(runtime),
            config_files=(ConfigFile(path=str(place / "config.yaml")),),
        ),
        environment=Environment(
            packages={"hydra-core": str(runtime["version"])} if runtime.get("version") else {},
            packages_partial=True if runtime.get("version") else None,
            variables={name: str(value) for name, value in _part(job, "env_set").items()},
        ),
        artifacts=tuple(_models(folder)),
        source=Source(
            tracker="hydra", uri=str(folder), run_id=_plain(job.get("id")), problems=files.problems.all()
        ),
    )  # fmt: skip
    written = [place / name for name in _FILES] if log is None else [log]
    return RunRead(
        key=key, record=record, folder=folder, is_context=True, last_write=last_write(written), output=log
    )


def _hydra(files: SideFiles) -> Mapping[str, Any]:
    """What is wanted of `hydra.yaml`. Its texts of help and logging, most of it, are passed over unparsed."""
    text = files.text("hydra.yaml", _MOST_YAML)
    if text is None:
        return {}
    try:
        return _part(files.mapping("hydra.yaml", parse_yaml(_wanted(text))), "hydra")
    except InputError as error:
        files.problems.add(f"hydra.yaml: {error}")
        return {}


def _wanted(text: str) -> str:
    """The lines of the parts that are read, as Hydra writes them; a text that is laid out otherwise stays whole."""
    lines = text.split("\n")
    if lines[0].rstrip("\r") != "hydra:":
        return text
    kept, is_kept = [lines[0]], False
    for line in lines[1:]:
        found = _PART.match(line)
        if found:
            is_kept = found[1] in _PARTS
        elif line and not line.startswith("  "):
            return text
        if is_kept:
            kept.append(line)
    return "\n".join(kept) if len(kept) > 1 else text


def _part(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = tree.get(name)
    return part if isinstance(part, dict) else {}


def _plain(value: Any) -> str | None:
    """A text that says what it means: no interpolation, and not Hydra's word for "missing"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text and text != "???" and "${" not in text else None


def _name(folder: Path, job: Mapping[str, Any], overrides: tuple[str, ...]) -> str:
    """What sets the run apart: its overrides as Hydra writes them in folder names, else the job and its number."""
    told = _plain(job.get("override_dirname")) or ",".join(overrides)
    if told:
        return told
    name, number = _plain(job.get("name")), job.get("num")
    if name is None:
        return folder.name
    return f"{name} {number}" if type(number) is int else name


def _project(folder: Path) -> str:
    """The folder that holds Hydra's own ones with times and numbers, where nothing else says whose job it was."""
    above = folder.parent
    while _DATE.fullmatch(above.name) or _TIME.fullmatch(above.name) or above.name in ("outputs", "multirun"):
        above = above.parent
    return above.name


def _is_sweep(hydra: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    mode = hydra.get("mode")
    return mode == "MULTIRUN" if isinstance(mode, str) else type(job.get("num")) is int


def _sweep_name(sweep: Mapping[str, Any], folder: Path) -> str | None:
    """The folder of a sweep: its last name, with the date in front where that is a time.

    Hydra keeps it as it was configured, `multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}`; then it is the folder with a time
    above the job's own, or the one above it.
    """
    told = _plain(sweep.get("dir"))
    parts = PurePath(told.replace("\\", "/")).parts if told else _sweep_above(folder)
    if not parts:
        return None
    return "/".join(parts[-2:]) if len(parts) > 1 and _TIME.fullmatch(parts[-1]) else parts[-1]


def _sweep_above(folder: Path) -> tuple[str, ...]:
    parts = folder.parts[:-1]
    timed = (at for at in range(len(parts) - 1, max(len(parts) - 5, 0), -1) if _TIME.fullmatch(parts[at]))
    return parts[: next(timed, len(parts) - 1) + 1]


def _folders(folder: Path) -> list[Path]:
    """The run's folder and those in it, but those of other jobs; their times tell that a model was saved."""
    try:
        with os.scandir(folder) as entries:
            below = sorted(each.path for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return [folder]
    return [folder, *(Path(each) for each in below[:_MOST_FOLDERS] if not os.path.lexists(f"{each}/.hydra"))]


def _models(folder: Path) -> Iterator[Artifact]:
    """The models that the job saved into its folder or one in it."""
    for each in _folders(folder):
        prefix = "" if each == folder else f"{each.name}/"
        try:
            with os.scandir(each) as entries:
                names = [
                    entry.name
                    for entry in entries
                    if kind_of(entry.name) == "model" and entry.is_file(follow_symlinks=False)
                ]
        except OSError:
            continue
        yield from (reference(folder, prefix + name) for name in sorted(names)[:_MOST_FILES])


def _launcher(runtime: Mapping[str, Any]) -> str | None:
    launcher = _part(runtime, "choices").get("hydra/launcher")
    return str(launcher) if launcher not in _PLAIN_LAUNCHERS else None


def _started(folder: Path, log: Path | None, is_sweep: bool) -> datetime | None:
    """The time in the folder's path, but of a job that the sweep may have come to much later the first in its log."""
    named = _named_time(folder)
    if log is None or (named is not None and not is_sweep):
        return named
    return _first_logged(log) or named


def _first_logged(log: Path) -> datetime | None:
    """The time of the first line of a log, as Hydra configures logging; of the clock on the wall."""
    try:
        with open_regular(log) as file:
            found = _LOGGED.match(file.read(_LINE_BYTES))
        if found is None:
            return None
        return datetime.fromisoformat(found[1].decode()).astimezone(UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _named_time(folder: Path) -> datetime | None:
    """The time in the folder's path, `…/2026-01-02/03-04-05[/number]`, which is of the clock on the wall."""
    parts = folder.parts[-4:]
    whole = [found.groups() for each in parts if (found := _DATE_TIME.fullmatch(each))]
    for date, time in (*whole, *pairwise(parts)):
        if _DATE.fullmatch(date) and _TIME.fullmatch(time):
            try:
                return datetime.strptime(f"{date} {time}", "%Y-%m-%d %H-%M-%S").astimezone(UTC)
            except (ValueError, OverflowError, OSError):
                return None
    return None


def _any_log(folder: Path) -> Path | None:
    try:
        return min(folder.glob("*.log"), default=None)
    except OSError:
        return None


def _log(folder: Path, job: Mapping[str, Any]) -> Path | None:
    """What the job logged: the file of its name, else the first log there is."""
    name = _plain(job.get("name"))
    named = folder / f"{name}.log" if name and "/" not in name and "\0" not in name else None
    found = named if named is not None and named.is_file() else _any_log(folder)
    return found if found is not None and found.is_file() and not found.is_symlink() else None


def _last_error(log: Path) -> Raised | None:
    """The exception that a log ends with. A traceback with anything after it did not end the run."""
    try:
        with open_regular(log) as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").rstrip().splitlines()
    except OSError:
        return None
    found = raised(lines)
    if found is None:
        return None
    last = max(at for at, line in enumerate(lines) if HEAD in line)
    after = next((at for at in range(last + 1, len(lines)) if lines[at].startswith(found.type)), len(lines))
    return found if not any(line.startswith("[") for line in lines[after:]) else None
