"""Where the runs are that a path means: a store of labtop, or whatever trackers wrote at or below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labtop.errors import NoStoreError
from labtop.settings import Settings

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.sources.finding import Looking, Survey

PathLike = str | os.PathLike[str]

_DEEPEST = 4  # levels of folders below the current one in which runs are looked for


class RunsFound(NamedTuple):
    """Where runs are: a store, or with `seen` a folder or file with logs of several kinds."""

    path: Path
    seen: Survey | None = None

    def open(self, settings: Settings) -> Catalog:
        """The catalog of the runs, with nothing read yet."""
        from labtop.query.catalog import Catalog

        return Catalog(self.path, settings, seen=self.seen)


def find_store(path: PathLike | None, settings: Settings | None = None) -> Path:
    """The folder of the store that `path` means: itself, one that it lies in, or the only one below it.

    Without a path: the setting `store`, then `./runs`, then the store around or below the current folder.

    Raises:
        NoStoreError: nothing is there, or several stores are and none is named.
    """
    from labtop.sources.finding import survey

    place, is_named = _meant(path, settings)
    if (around := _store_around(place)) is not None:
        return around
    below = survey(place, names=(), deepest=_DEEPEST).stores if place.is_dir() else ()
    if len(below) == 1:
        return below[0]
    if below:
        listed = ", ".join(map(str, below[:5])) + (", …" if len(below) > 5 else "")
        raise NoStoreError(f"several stores below {place}: {listed}", "name one of them")
    if not is_named:
        raise NoStoreError(
            f"no store in {Path.cwd()}", "record a run first, or say where the runs are: labtop PATH"
        )
    raise NoStoreError(f"no runs in {place}", "record a run there, or name another folder")


def find_runs(
    path: PathLike | None, settings: Settings | None = None, on_progress: Looking | None = None
) -> RunsFound:
    """Where the runs are that `path` means: a store as by `find_store`, or whatever trackers wrote at or below it.

    `on_progress` is told the number of folders that were looked at.

    Raises:
        NoStoreError: nothing is there.
    """
    from labtop.sources.finding import survey

    place, is_named = _meant(path, settings)
    if (around := _store_around(place)) is not None:
        return RunsFound(around)
    real = place.resolve()  # places are told apart by their paths, from whatever folder they are opened
    seen = survey(real, deepest=None if is_named else _DEEPEST, on_progress=on_progress)
    if not seen.found and len(seen.stores) == 1:
        return RunsFound(place / seen.stores[0].relative_to(real))
    if seen.is_empty:
        raise _nothing(place if is_named else Path.cwd(), seen)
    return RunsFound(place, seen)


def _meant(path: PathLike | None, settings: Settings | None) -> tuple[Path, bool]:
    """The place that a path, or none, means; and whether somebody named it."""
    from labtop.store.layout import is_store

    named = path if path is not None else (settings or Settings.load()).store
    if named is not None:
        return Path(named).expanduser(), True
    runs = Path("runs")
    return (runs if runs.is_dir() and is_store(runs) else Path()), False


def _store_around(place: Path) -> Path | None:
    """The store that a place is or lies in; None when it is in none. Raises NoStoreError when it cannot be read."""
    from labtop.store.layout import MARKER, is_store

    try:
        if not place.exists():
            raise NoStoreError(f"{place} does not exist", "name a store, or a folder with runs below it")
        if place.is_dir() and is_store(place):
            return place
        return next((above for above in place.resolve().parents if (above / MARKER).is_file()), None)
    except OSError as error:
        raise NoStoreError(
            f"{place} cannot be read: {error.strerror or error}", "name another folder"
        ) from error


def _nothing(where: Path, seen: Survey) -> NoStoreError:
    """Why nothing can be opened: no log, no access, or nothing there."""
    if where.is_file() and not seen.problems:
        return NoStoreError(
            f"{where} is no log or table of runs that labtop can read",
            "docs/sources.md lists what it reads; of tables the setting 'tables' can say what columns are for",
        )
    if seen.problems:
        path, reason = seen.problems[0]
        return NoStoreError(f"no runs in {where}", f"{path}: {reason}")
    return NoStoreError(
        f"no runs in {where}",
        "record a run first, or say where the runs are: labtop PATH (a store, or logs of another tracker)",
    )
