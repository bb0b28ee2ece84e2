"""Finds the logs of all trackers, and labtop's own stores, in a folder and everything below it.

Names are looked at, links are not followed, and what is beyond a limit is said.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from labtop.errors import LabtopError
from labtop.sources import load_source, source_names
from labtop.sources.asking import Asking, is_last_resort
from labtop.sources.source import Listing, Place, Source
from labtop.sources.unclaimed import unread
from labtop.store.layout import MARKER

MOST_FOLDERS = 200_000
LONGEST_S = 120.0
_PASSED_OVER = frozenset(("node_modules", "site-packages", "__pycache__", "venv", "proc", "sys", "dev"))


@dataclass(frozen=True, slots=True)
class Found:
    """Logs of a tracker: the name of the source that reads them, and where they lie."""

    source: str
    place: Place


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies below a path. `problems` are folders that could not be listed, and what was left out."""

    found: tuple[Found, ...] = ()
    stores: tuple[Path, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    folders: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there are neither logs nor stores."""
        return not self.found and not self.stores


Looking = Callable[[int], None]
"""Told how many folders were looked at, once a folder."""


def survey(
    root: Path,
    names: Iterable[str] | None = None,
    deepest: int | None = None,
    on_progress: Looking | None = None,
) -> Survey:
    """Look at `root`, a folder or a file, and at all folders below it.

    Arguments:
        names: of the sources to ask; by default all.
        deepest: levels of folders to go down; by default all.
    """
    search = _Search(Asking(source_names() if names is None else names))
    if root.is_dir():
        search.walk(root, deepest, on_progress)
    else:
        search.look(Listing(root.parent, (root.name,), (), is_named=True))
    return search.survey()


class _Search:
    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._found: list[Found] = []
        self._stores: list[Path] = []
        self._problems: list[tuple[str, str]] = []
        self._folders = 0

    def survey(self) -> Survey:
        return Survey(tuple(self._found), tuple(self._stores), tuple(self._problems), self._folders)

    def walk(self, root: Path, deepest: int | None, on_progress: Looking | None = None) -> None:
        """Breadth first, so that what is near is found where a limit ends the search."""
        until = time.monotonic() + LONGEST_S
        waiting: deque[tuple[Path, int]] = deque([(root, 0)])
        closed: set[Path] = set()
        while waiting:
            folder, depth = waiting.popleft()
            if folder in closed:
                continue
            if self._folders >= MOST_FOLDERS or time.monotonic() > until:
                self._problems.append(
                    (str(root), f"only {self._folders:,} folders were looked at; the rest was not")
                )
                return
            self._folders += 1
            if on_progress is not None:
                on_progress(self._folders)
            try:
                listing = replace(list_folder(folder), is_root=not depth)
            except OSError as error:
                self._problems.append((str(folder), f"cannot be listed: {error.strerror or error}"))
                continue
            if MARKER in listing.files:
                self._stores.append(folder)
                continue
            if listing.files or listing.folders:  # of trees of folders many are empty
                closed |= self.look(listing)
            if folder not in closed and (deepest is None or depth < deepest):
                waiting.extend(
                    (folder / name, depth + 1)
                    for name in listing.folders
                    if not name.startswith(".") and name not in _PASSED_OVER
                )

    def look(self, listing: Listing) -> set[Path]:
        """Ask the sources about a folder; gives the places that are closed to the others."""
        closed: set[Path] = set()
        claimed: set[Path] = set()
        for name, source in self._asking.about(listing):
            if is_last_resort(source) and listing.folder in closed:
                continue
            try:
                seen = _without(listing, claimed) if is_last_resort(source) else listing
                places = list(source.detect(seen))
            except (OSError, LabtopError) as error:
                self._problems.append((str(listing.folder), f"{name}: {error}"))
                continue
            except Exception as error:  # one source's mistake hides nothing of the others
                self._problems.append((str(listing.folder), f"{name}: {type(error).__name__}: {error}"))
                continue
            self._found += (Found(name, place) for place in places)
            claimed |= _files_of(source, places, listing)
            closed |= {place.path for place in places if place.closed}
        if listing.folder not in closed:
            said = unread(listing, claimed)
            self._problems += [(str(path), reason) for path, reason in said]
        return closed


def explained(found: Found) -> str:
    """What a source took a place for, where it had to guess (`explain` of a source, which few have); else empty."""
    explain = getattr(load_source(found.source), "explain", None)
    try:
        return str(explain(found.place.path)) if explain is not None else ""
    except (OSError, LabtopError) as error:
        return str(error)


def _without(listing: Listing, claimed: set[Path]) -> Listing:
    """A listing without the files that are places of other sources."""
    left = tuple(name for name in listing.files if listing.folder / name not in claimed)
    return Listing(listing.folder, left, listing.folders, listing.is_named)


def _files_of(source: Source, places: Iterable[Place], listing: Listing) -> set[Path]:
    """The files in a folder that are places of a source, or in one of its places called as `Source.owns` says."""
    taken: set[Path] = set()
    for place in places:
        if place.path == listing.folder:
            owns: tuple[str, ...] = getattr(source, "owns", ())
            taken |= {
                place.path / name for name in listing.files if any(fnmatch(name, each) for each in owns)
            }
        elif place.path.name in listing.files:
            taken.add(place.path)
    return taken


def list_folder(folder: Path) -> Listing:
    """The regular files and real folders in a folder, sorted. Raises OSError."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for each in entries:
            try:
                if each.is_dir(follow_symlinks=False):
                    folders.append(each.name)
                elif each.is_file(follow_symlinks=False):
                    files.append(each.name)
            except OSError:
                continue
    return Listing(folder, tuple(sorted(files)), tuple(sorted(folders)))
