"""Finds the folders of Hydra whose runs labtop recorded itself, in a store below the same root.

labtop keeps what Hydra composed in the run's `config/`. A folder with the same three files is that run, and says
nothing that the run doesn't; unless the run was not given the whole configuration as its params.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.yaml_text import MOST_BYTES, parse_yaml
from labtop.model.run import RunRecord
from labtop.sources.known_place import KnownPlace
from labtop.store.layout import RECORD, project_folders
from labtop.store.reader import read_record

_SOURCE = "hydra"
_NAMES = ("config.yaml", "hydra.yaml", "overrides.yaml")
_KEPT = "config/hydra-"
_YOUNG_S = 600.0  # for so long a run may still get its configuration


class _Own(NamedTuple):
    """What a run of labtop's own kept of Hydra: the files' digests in order, None where secrets were taken out.

    Such a file is told by its `path`, of which there is one for each file.
    """

    size: int
    digests: tuple[str | None, ...]
    paths: tuple[PurePath, ...]

    def is_of(self, place: Path, digests: tuple[str | None, ...]) -> bool:
        """Whether a folder of Hydra, whose files have these digests, is that of the run."""
        return all(
            _is_tail(told, place / name) if mine is None else mine == theirs
            for name, told, mine, theirs in zip(_NAMES, self.paths, self.digests, digests, strict=True)
        )


def _is_tail(tail: PurePath, path: Path) -> bool:
    """Whether a path ends with another one, which says more than a folder of Hydra's and a file's name."""
    return len(tail.parts) > 2 and path.parts[-len(tail.parts) :] == tail.parts


class RecordedTwice:
    """Knows which folders of Hydra are runs of labtop's own stores; looks again only at what may be others by now."""

    def __init__(self) -> None:
        self.folders: frozenset[str] = frozenset()  # of the mirror, with what was read of these
        self._projects: dict[Path, int] = {}
        self._own: dict[Path, tuple[object, _Own | None]] = {}

    def look(self, places: Iterable[KnownPlace], stores: Sequence[Path]) -> bool:
        """Look again; whether they are others than before."""
        of_hydra = [known for known in places if known.found.source == _SOURCE] if stores else []
        if of_hydra:
            self._look_at_stores(stores)
        own = [each for _, each in self._own.values() if each is not None]
        twice = frozenset(self._found(of_hydra, own)) if own else frozenset()
        before, self.folders = self.folders, twice
        return before != twice

    def _found(self, places: Iterable[KnownPlace], own: Sequence[_Own]) -> Iterator[str]:
        whole = {each.digests for each in own if None not in each.digests}
        changed = [each for each in own if None in each.digests]
        sizes = {each.size for each in own}
        for known in places:
            path = known.found.place.path
            if not changed and _size(path / _NAMES[0]) not in sizes:
                continue
            digests = tuple(_digest(_read(path / name)) for name in _NAMES)
            if None not in digests and (
                digests in whole or any(each.is_of(path, digests) for each in changed)
            ):
                yield from (landed.folder for landed in known.runs.values())

    def _look_at_stores(self, stores: Sequence[Path]) -> None:
        projects = {project: _changed_at(project) for store in stores for project in _projects_of(store)}
        for folder in [each for each in self._own if each.parent not in projects]:
            del self._own[folder]
        for project, changed_at in projects.items():
            if self._projects.get(project) != changed_at:
                there = set(_folders_in(project))
                for folder in [each for each in self._own if each.parent == project and each not in there]:
                    del self._own[folder]
                for folder in there - self._own.keys():
                    self._own[folder] = None, None
        self._projects = projects
        now = time.time()
        for folder, (seen, own) in self._own.items():
            if own is None and seen != _OLD:
                self._own[folder] = _look_at_run(folder, seen, now)


_OLD = "old"  # a run that will not get Hydra's files any more


def _look_at_run(folder: Path, seen: object, now: float) -> tuple[object, _Own | None]:
    """What a run kept of Hydra, with what was seen of its record; all there will be is seen of an old one."""
    try:
        (folder / f"{_KEPT}hydra.yaml").stat()
    except OSError:
        try:
            is_old = now - folder.stat().st_mtime > _YOUNG_S
        except OSError:
            is_old = False
        return (_OLD if is_old else None), None
    stamp = _changed_at(folder / RECORD)
    if stamp == seen:
        return seen, None
    try:
        return stamp, _own(folder, read_record(folder))
    except (OSError, InputError):
        return stamp, None


def _own(folder: Path, record: RunRecord) -> _Own | None:
    """What a run kept, if that is all and its params hold the configuration."""
    files = {each.kept: each for each in record.command.config_files}
    kept = [file for name in _NAMES if (file := files.get(f"{_KEPT}{name}")) is not None]
    contents = [_read(folder / f"{_KEPT}{name}") for name in _NAMES]
    config = _config(contents[0])
    if len(kept) < len(_NAMES) or None in contents or config is None:
        return None
    if not config.keys() <= record.params.keys():
        return None
    digests = (
        None if file.reason else _digest(content) for file, content in zip(kept, contents, strict=True)
    )
    return _Own(len(contents[0] or b""), tuple(digests), tuple(PurePath(file.path) for file in kept))


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _config(content: bytes | None) -> dict[Any, Any] | None:
    try:
        found = parse_yaml((content or b"").decode())
    except (UnicodeError, InputError):
        return None
    return found if isinstance(found, dict) else None


def _read(path: Path) -> bytes | None:
    try:
        with open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= MOST_BYTES else None


def _projects_of(store: Path) -> list[Path]:
    try:
        return project_folders(store)
    except OSError:
        return []


def _folders_in(project: Path) -> Iterator[Path]:
    try:
        with os.scandir(project) as entries:
            yield from (Path(each.path) for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return


def _stat(path: Path, of: Callable[[os.stat_result], int]) -> int:
    try:
        return of(path.stat())
    except OSError:
        return -1


def _changed_at(path: Path) -> int:
    return _stat(path, lambda found: found.st_mtime_ns)


def _size(path: Path) -> int:
    return _stat(path, lambda found: found.st_size)
