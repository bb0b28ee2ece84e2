"""The folder of one run in an MLflow file store: its files, their stamps, and what they say but points."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from labtop.errors import InputError
from labtop.formats.files import decode_text, read_whole
from labtop.formats.flat_yaml import read_mapping
from labtop.sources.mlflow.layout import META, RUN_PARTS

_DEEPEST = 16
_MOST_TEXT = 16 * 2**20
_NOT_LOGGED = frozenset(
    (".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep", ".gitignore", ".ipynb_checkpoints")
)
"""What file managers and Git leave anywhere; never the key of a metric, a param or a tag."""


class Logged(NamedTuple):
    """A file that stands for a metric, a param or a tag."""

    key: str
    path: str


def logged_files(folder: str, depth: int = 0) -> Iterator[os.DirEntry[str]]:
    """The files below a folder. Links are not followed."""
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except OSError:
        return
    for entry in entries:
        if entry.name in _NOT_LOGGED or entry.name.startswith(("._", ".nfs")):
            continue
        try:
            if entry.is_file(follow_symlinks=False):
                yield entry
            elif depth < _DEEPEST and entry.is_dir(follow_symlinks=False):
                yield from logged_files(entry.path, depth + 1)
        except OSError:
            continue


def files_of(run: str, part: str) -> list[Logged]:
    """The keys and files of a part of a run. A key with slashes lies in folders."""
    root = f"{run}{os.sep}{part}"
    cut = len(root) + 1
    found = [Logged(entry.path[cut:], entry.path) for entry in logged_files(root)]
    if os.sep != "/":
        found = [Logged(each.key.replace(os.sep, "/"), each.path) for each in found]
    found.sort()
    return found


class Stamp(NamedTuple):
    """A text that tells one state of a run's files from the next, the bytes in them, and the newest change."""

    text: str
    size: int
    newest: float


def stamp_of(run: str) -> Stamp:
    """The state of a run by `stat` of its files; of its artifacts only the folder itself."""
    hashed = blake2b(digest_size=12)
    size, newest = 0, 0.0
    marks: list[str] = []
    cut = len(run)
    for part in (META, *RUN_PARTS):
        path = f"{run}{os.sep}{part}"
        try:
            status = os.lstat(path)
        except OSError:
            marks.append(f"{part}:-")
            continue
        newest = max(newest, status.st_mtime)
        marks.append(f"{part}:{status.st_mtime_ns}:{status.st_size}")
        if part in (META, "artifacts"):
            continue
        for entry in logged_files(path):
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            marks.append(f"{entry.path[cut:]}:{status.st_mtime_ns}:{status.st_size}")
            size += status.st_size
            newest = max(newest, status.st_mtime)
    hashed.update("\n".join(sorted(marks)).encode("utf-8", "surrogateescape"))
    return Stamp(hashed.hexdigest(), size, newest)


def texts_of(run: str, part: str, problems: list[str]) -> dict[str, str]:
    """The text of each file of a part, by key."""
    found: dict[str, str] = {}
    for key, path in files_of(run, part):
        try:
            content = read_whole(path, _MOST_TEXT)
        except FileNotFoundError:
            continue  # taken away since it was listed
        except (OSError, InputError) as error:
            problems.append(f"{part}/{key}: {getattr(error, 'strerror', None) or error}")
            continue
        try:
            found[key] = content.decode()
            if "\0" not in found[key] and not found[key].startswith("\ufeff"):
                continue
        except UnicodeDecodeError:
            pass
        found[key], problem = decode_text(content)
        problem = problem or ("holds NUL bytes" if "\0" in found[key] else "")
        if problem:
            problems.append(f"{part}/{key} {problem}")
    return found


def meta_of(folder: Path, problems: list[str]) -> dict[str, object]:
    """What the `meta.yaml` of a folder says; nothing, with a line in `problems`, where it is not to be read."""
    return read_mapping(folder / META, problems)
