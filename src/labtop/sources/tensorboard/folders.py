"""Which folders with event files are a run, and which only belong to the run of a folder above.

A folder is a run, as TensorBoard shows it. Two kinds of folders are none to people: the lines of `add_scalars`
(`loss_train/`, `loss_val/`: PyTorch makes a folder for each), and the folder called by the time (`1700000000.25/`) in
which PyTorch's `add_hparams` puts the params of the run above it. Where one folder has several of the latter, each is a
trial of its own and stays a run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.tensorboard import Scalar, is_event_file, values_of
from labtop.formats.tfrecord import read_pieces
from labtop.sources.folder_names import phase_of
from labtop.sources.side_files import total_size

TRACKER = "tensorboard"
_TIME_NAME = re.compile(r"\d{9,10}(\.\d+)?")
_MOST_ABOVE = 2**20  # bytes
_MOST_FOLDERS = 2000  # that are looked into below a run
_DEEPEST = 6
_HEAD = 2**16  # bytes of a file that tell whether it holds one line


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of a run: its own, or one below it.

    Attributes:
        line: what its points are called behind the metric's name, in a folder that holds one line of several.
        is_hparams: the folder of `add_hparams`.
    """

    folder: Path
    files: tuple[Path, ...]
    line: str = ""
    is_hparams: bool = False


def parts_of(folder: Path) -> list[Part]:
    """All parts of the run of a folder, its own first."""
    files, folders = _entries(folder)
    parts = [Part(folder, tuple(folder / name for name in files))]
    timed = _timed(folder, folders)
    if len(timed) == 1:
        parts.append(Part(timed[0], _event_files(timed[0]), is_hparams=True))
    parts += [Part(each, _event_files(each), line=line) for each, line in _lines_below(folder, folders)]
    return parts


def above(folder: Path) -> list[Part]:
    """The run above the folder of a phase, if it is small: Keras puts params there that `train/` has too."""
    files = _event_files(folder.parent) if phase_of(folder) else ()
    return [Part(folder.parent, files)] if files and total_size(files) <= _MOST_ABOVE else []


def has_phases(folder: Path) -> bool:
    """Whether folders of phases with event files lie in a folder: Keras logs there, and params above them."""
    return any(phase_of(folder / name) and _has_events(folder / name) for name in _entries(folder)[1])


def is_part(folder: Path) -> bool:
    """Whether a folder with event files belongs to the run of a folder above."""
    parent = folder.parent
    if _TIME_NAME.fullmatch(folder.name) and _has_events(parent):
        return len(_timed(parent, _entries(parent)[1])) == 1
    files = _event_files(folder)
    if not files or not any(_has_events(above) for above in list(folder.parents)[:_DEEPEST]):
        return False
    return _line_in(folder, files) is not None


def _timed(folder: Path, folders: list[str]) -> list[Path]:
    named = [folder / name for name in folders if _TIME_NAME.fullmatch(name)]
    return [each for each in named if _has_events(each)]


def _lines_below(run: Path, folders: list[str]) -> Iterator[tuple[Path, str]]:
    """The folders below a run that hold one line of it each."""
    left = _MOST_FOLDERS
    waiting = [(run / name, 1) for name in reversed(folders)]
    while waiting and left > 0:
        folder, depth = waiting.pop()
        left -= 1
        files = _event_files(folder)
        if not files:
            if depth < _DEEPEST:
                waiting += [(folder / name, depth + 1) for name in reversed(_entries(folder)[1])]
            continue
        found = _line_in(folder, files)
        if found is not None and found[0] == run:
            yield folder, found[1]


def _line_in(folder: Path, files: tuple[Path, ...]) -> tuple[Path, str] | None:
    """The run that a folder is a line of, and what the line is called.

    PyTorch writes the metric `a/b` of the line `x` to `a_b_x/`, tensorboardX to `a/b/x/`; both call it `a/b` in there.
    """
    tag = _only_tag(files[0])
    if not tag:
        return None
    lead = tag.replace("/", "_") + "_"
    if folder.name.startswith(lead) and len(folder.name) > len(lead) and _has_events(folder.parent):
        return folder.parent, folder.name[len(lead) :]
    parts = tuple(part for part in tag.split("/") if part)
    above = folder.parent
    for part in reversed(parts):
        if above.name != part:
            return None
        above = above.parent
    return (above, folder.name) if _has_events(above) else None


def _only_tag(path: Path) -> str | None:
    """The one tag that all scalars at the beginning of an event file have."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _read_only_tag(path, min(found.st_size, _HEAD), found.st_ino)


@lru_cache(maxsize=20_000)
def _read_only_tag(path: Path, size: int, _inode: int) -> str | None:
    tags = set()
    try:
        with open_regular(path) as file:
            for piece in read_pieces(file, size, most=size):
                for index in range(len(piece.starts)):
                    for each in values_of(piece, index):
                        if isinstance(each, Scalar):
                            tags.add(each.tag)
                            if len(tags) > 1:
                                return None
    except (OSError, InputError):
        return None
    return tags.pop() if tags else None


def _event_files(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in _entries(folder)[0])


def _has_events(folder: Path) -> bool:
    return bool(_entries(folder)[0])


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """The event files and the folders in a folder, sorted; no links, nothing hidden."""
    try:
        return _scan(str(folder), folder.stat().st_mtime_ns)
    except OSError:
        return [], []


@lru_cache(maxsize=512)
def _scan(folder: str, _mtime_ns: int) -> tuple[list[str], list[str]]:
    files, folders = [], []
    with os.scandir(folder) as entries:
        for each in entries:
            if is_event_file(each.name):
                if each.is_file(follow_symlinks=False):
                    files.append(each.name)
            elif not each.name.startswith(".") and each.is_dir(follow_symlinks=False):
                folders.append(each.name)
    return sorted(files), sorted(folders)
