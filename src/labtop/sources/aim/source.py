"""Runs of an Aim repository (`.aim`)."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import size_of
from labtop.sources.aim.client import AimProcess, find_python, opened
from labtop.sources.aim.database import NAME, Row, read_rows
from labtop.sources.aim.record import read_run
from labtop.sources.side_files import Problems
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_HASH = re.compile(r"[0-9a-zA-Z_-]{1,64}")
WITHOUT = (
    "metrics and params of Aim need its own package: install aim anywhere and name its Python in the setting "
    "aim_python (LABTOP_AIM_PYTHON); names, times, tags and notes are shown without it"
)


class AimSource:
    """Reads Aim repositories: the database itself, and metrics and params where the `aim` package is found."""

    tracker = "aim"
    reads = "Aim repositories (.aim); metrics need the aim package in any Python"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The hidden repository of a folder, or a folder that is one under another name."""
        if ".aim" in listing.folders and _is_repository(listing.folder / ".aim"):
            yield Place(listing.folder / ".aim", closed=True)
        if NAME in listing.files and (listing.is_named or _is_repository(listing.folder)):
            yield Place(listing.folder, closed=True)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The runs that the database or the store knows."""
        problems = Problems()
        rows = read_rows(place, problems)
        names = sorted({*rows, *_chunks(place)})
        if not names and problems.all():
            raise InputError("; ".join(problems.all()))
        about = find_python() or ""
        for name in names:
            row = hashlib.sha256(repr(rows.get(name)).encode()).hexdigest()[:16]
            files = [*_files(place, "meta", name), *_files(place, "seqs", name)]
            yield RunRef(name, f"{row}|{about}|{stamp(*files)}", sum(size_of(each) for each in files))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs; one process of Aim's package reads them all."""
        shared = Problems()
        rows = read_rows(place, shared, [ref.key for ref in refs])
        with ExitStack() as stack:
            process = _process(place, refs, shared, stack)
            for ref in refs:
                problems = Problems()
                for each in shared.all():
                    problems.add(each)
                files = [*_files(place, "meta", ref.key), *_files(place, "seqs", ref.key)]
                if ref.key in rows or files:
                    row = rows.get(ref.key, Row(ref.key))
                    yield read_run(place, row, process if files else None, files, problems)


def _process(place: Path, refs: Sequence[RunRef], problems: Problems, stack: ExitStack) -> AimProcess | None:
    python = find_python()
    if python is None:
        problems.add(WITHOUT)
        return None
    if not any((place / "meta" / "chunks" / ref.key).is_dir() for ref in refs):
        return None
    try:
        return stack.enter_context(opened(python, place))
    except (OSError, InputError) as error:
        problems.add(str(error))
        return None


def _is_repository(folder: Path) -> bool:
    return (folder / "meta").is_dir() or (folder / NAME).is_file()


def _chunks(place: Path) -> list[str]:
    """The hashes of runs that the store has files of, whether or not it was indexed."""
    try:
        with os.scandir(place / "meta" / "chunks") as entries:
            return [
                each.name
                for each in entries
                if each.is_dir(follow_symlinks=False) and _HASH.fullmatch(each.name)
            ]
    except OSError:
        return []


def _files(place: Path, part: str, name: str) -> list[Path]:
    """The files of a run that hold its data; RocksDB's own logs and locks tell nothing."""
    if not _HASH.fullmatch(name):
        return []
    try:
        with os.scandir(place / part / "chunks" / name) as entries:
            names = sorted(each.name for each in entries if each.name.endswith((".sst", ".log", "CURRENT")))
    except OSError:
        return []
    return [place / part / "chunks" / name / each for each in names]
