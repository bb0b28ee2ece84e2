"""Where W&B keeps runs: `wandb/` with a folder a run, a folder of one run alone, or `.wandb` files that were copied.

A run that was resumed has several folders with one id; they are its segments, in the order of their dates. The name of
one that was resumed in the second in which it began ends in `-1`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from labtop.errors import InputError
from labtop.formats import wandb_records as w
from labtop.formats import wandb_shapes as shapes
from labtop.formats.files import open_regular
from labtop.formats.leveldb_log import Damage, read_log
from labtop.formats.protobuf import ProtobufError
from labtop.sources.source import Listing, Place, stamp

RUN_FOLDER = re.compile(r"(?:offline-|dry)?run-(?P<date>\d{8}_\d{6})-(?P<id>.+)")
SUFFIX = ".wandb"
_HOMES = ("wandb", ".wandb")
_OURS = re.compile(r"sweep-.+|latest-run|artifacts|settings|logs")

CONFIG, SUMMARY, METADATA = "config.yaml", "wandb-summary.json", "wandb-metadata.json"
REQUIREMENTS, OUTPUT, PATCH, CONDA = "requirements.txt", "output.log", "diff.patch", "conda-environment.yaml"
HISTORY, EVENTS = "wandb-history.jsonl", "wandb-events.jsonl"
"""Names of what lies beside a `.wandb` file; the last two were written instead of one until 0.9."""

_SIDE_FILES = (CONFIG, SUMMARY, METADATA, REQUIREMENTS, PATCH, CONDA, HISTORY, EVENTS)
_TELLING = frozenset((SUMMARY, METADATA, HISTORY))
_PEEKED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """What one process left of a run: a `.wandb` file, or the folder with what lies beside it, or both."""

    run_id: str
    date: str = ""
    tape: Path | None = None
    folder: Path | None = None
    files: Path | None = None
    number: int = 0
    """Of several that began in the same second."""

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        named = self.tape or self.folder
        return named.name if named else self.run_id

    def version(self) -> str:
        """Another text whenever something else would be read."""
        beside = [self.files / name for name in _SIDE_FILES] if self.files else []
        return stamp(*([self.tape] if self.tape else []), *beside)

    def side_file(self, name: str) -> Path | None:
        """The path of a file beside the records, if there is one."""
        path = None if self.files is None else self.files / name
        return path if path is not None and path.is_file() else None


def places_in(listing: Listing) -> Iterator[Place]:
    """The places with runs of W&B in a folder."""
    folder = listing.folder
    if listing.is_named:
        if listing.files and listing.files[0].endswith(SUFFIX):
            yield Place(folder / listing.files[0])
        return
    runs = [name for name in listing.folders if RUN_FOLDER.fullmatch(name)]
    has_tape = any(name.endswith(SUFFIX) for name in listing.files)
    if ".wandb" in listing.folders and _has_runs(folder / ".wandb"):
        yield Place(folder / ".wandb", closed=True)
    if runs:
        is_home = folder.name in _HOMES or all(
            RUN_FOLDER.fullmatch(name) or _OURS.fullmatch(name) for name in listing.folders
        )
        if is_home:
            yield Place(folder, closed=True)
            return
        yield from (Place(folder / name, closed=True) for name in runs)
    is_run = RUN_FOLDER.fullmatch(folder.name) is not None
    if has_tape:
        yield Place(folder, closed=is_run or "files" in listing.folders)
    elif not _TELLING.isdisjoint(listing.files) or (is_run and {"files", "logs"} & set(listing.folders)):
        yield Place(folder, closed=is_run or folder.name == "files")


def _has_runs(folder: Path) -> bool:
    try:
        return any(RUN_FOLDER.fullmatch(each.name) for each in folder.iterdir())
    except OSError:
        return False


def runs_of(place: Path, wanted: Iterable[str] | None = None) -> dict[str, list[Segment]]:
    """The runs of a place by key, each with its segments. Raises OSError.

    Arguments:
        wanted: keys; by default all.
    """
    if not place.is_dir():
        return {place.name: [_of_tape(place)]}
    segments = list(_segments(place))
    if not segments:
        segments = [_of_folder(place, place.name)]
    groups: dict[str, list[Segment]] = {}
    for each in sorted(segments, key=lambda each: (each.date, each.number, each.name)):
        groups.setdefault(each.run_id, []).append(each)
    runs: dict[str, list[Segment]] = {}
    for run_id, group in groups.items():
        for several in _same_runs(group) if len(group) > 1 else [group]:
            runs[run_id if run_id not in runs else f"{run_id} ({several[0].name})"] = several
    return runs if wanted is None else {key: runs[key] for key in wanted if key in runs}


def _segments(place: Path) -> Iterator[Segment]:
    """The segments that lie in a folder."""
    is_run = False
    tapes = []
    with os.scandir(place) as entries:
        for each in entries:
            if each.is_dir(follow_symlinks=False):
                if RUN_FOLDER.fullmatch(each.name):
                    yield _of_folder(place / each.name, each.name)
                is_run = is_run or each.name == "files"
            elif each.name.endswith(SUFFIX) and each.is_file(follow_symlinks=False):
                tapes.append(place / each.name)
    if len(tapes) == 1 and (is_run or RUN_FOLDER.fullmatch(place.resolve().name)):
        yield _of_folder(place, place.resolve().name)
    else:
        yield from map(_of_tape, tapes)


def _of_tape(path: Path) -> Segment:
    """A `.wandb` file by itself, or with the folder of its run around it."""
    if (path.parent / "files").is_dir() and RUN_FOLDER.fullmatch(path.parent.resolve().name):
        return _of_folder(path.parent, path.parent.resolve().name)
    return Segment(_id_of(path), tape=path)


def _of_folder(folder: Path, name: str) -> Segment:
    said = RUN_FOLDER.fullmatch(name)
    run_id = said["id"] if said else ""
    tape: Path | None = folder / f"run-{run_id}{SUFFIX}"
    if tape is not None and not tape.is_file():
        try:
            tapes = sorted(each.name for each in folder.iterdir() if each.name.endswith(SUFFIX))
        except OSError:
            tapes = []
        tape = folder / tapes[0] if tapes else None
        tape = tape if tape is not None and tape.is_file() else None
    files = folder / "files"
    number = 0
    again = re.fullmatch(r"(?P<id>.+)-(?P<number>\d{1,6})", run_id)
    if tape is not None and again is not None and again["id"] == _id_of(tape):
        run_id, number = again["id"], int(again["number"])
    return Segment(
        run_id or (_id_of(tape) if tape else name),
        said["date"] if said else "",
        tape,
        folder,
        files if files.is_dir() else folder,
        number,
    )


def _id_of(tape: Path) -> str:
    return tape.name.removesuffix(SUFFIX).removeprefix("run-")


def _same_runs(group: list[Segment]) -> list[list[Segment]]:
    """Segments with one id by the run that they are of: an id that a person chose may be used in two projects.

    Of a file and a copy of it only the longer one counts.
    """
    runs: dict[tuple[str, str], list[Segment]] = {}
    seen: list[tuple[bytes, list[Segment], Segment]] = []
    first: tuple[str, str] | None = None
    for each in group:
        content, project = _peek(each)
        copied = next((known for known in seen if content and _is_copy(content, known[0])), None)
        if copied is not None:
            _, several, other = copied
            if _size(each) > _size(other):
                several[several.index(other)] = each
                seen[seen.index(copied)] = content, several, each
            continue
        first = first or project
        several = runs.setdefault(project or first or ("", ""), [])
        several.append(each)
        seen.append((content, several, each))
    return list(runs.values())


def _is_copy(one: bytes, other: bytes) -> bool:
    return bool(other) and (one.startswith(other) or other.startswith(one))


def _peek(segment: Segment) -> tuple[bytes, tuple[str, str] | None]:
    """How a segment begins, and the entity and project that it says; nothing where it cannot be read."""
    if segment.tape is None:
        return b"", None
    try:
        with open_regular(segment.tape) as file:
            content = file.read(_PEEKED_BYTES)
        for entry in read_log(BytesIO(content), len(content)):
            kind, message = (0, b"") if isinstance(entry, Damage) else w.record_of(entry[2])
            if kind == shapes.RUN:
                said = w.decode(message, shapes.SHAPES[shapes.RUN])
                return content, (said.get("entity", ""), said.get("project", ""))
    except (OSError, InputError, ProtobufError):
        return b"", None
    return content, None


def _size(segment: Segment) -> int:
    try:
        return segment.tape.stat().st_size if segment.tape else 0
    except OSError:
        return 0
