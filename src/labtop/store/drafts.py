"""Names of drafts: files that were being written, and that nobody reads when they are left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DRAFT = re.compile(r"\.(?:.+\.)?\d+(?:-[0-9a-f]+)?\.tmp", re.DOTALL)  # of files.replace_file and its like
SYNC_SUFFIX = ".sync"
"""Ends the name of a hidden folder in which a run arrives from a spool."""


def is_draft(name: str) -> bool:
    """Whether a file of this name is a draft of labtop's, or what a network file system keeps of a removed file."""
    return name.startswith(".nfs") or _DRAFT.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class RunFile:
    """A regular file of a run, or something else (`is_odd`: a link, a pipe, what cannot be looked at)."""

    relative: str
    path: Path
    size: int
    mtime_ns: int
    is_odd: bool = False


def run_files(folder: Path) -> Iterator[RunFile]:
    """Everything below a run's folder but drafts, by name; no link is followed.

    What vanishes meanwhile is passed over.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    waiting = [("", folder)]
    while waiting:
        prefix, place = waiting.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            if place == folder:
                raise
            continue
        for entry in entries:
            if is_draft(entry.name):
                continue
            try:
                found = entry.lstat()
            except OSError:
                continue
            relative = f"{prefix}{entry.name}"
            if entry.is_dir() and not entry.is_symlink():
                waiting.append((f"{relative}/", entry))
            else:
                is_odd = entry.is_symlink() or not entry.is_file()
                yield RunFile(relative, entry, found.st_size, found.st_mtime_ns, is_odd)


def drafts_below(folder: Path, deep: bool = True) -> list[Path]:
    """Drafts in a folder, and with `deep` in those below it."""
    found: list[Path] = []
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            continue
        for entry in entries:
            if is_draft(entry.name) and not entry.name.startswith(".nfs"):
                found.append(entry)
            elif deep and entry.is_dir() and not entry.is_symlink():
                waiting.append(entry)
    return found
