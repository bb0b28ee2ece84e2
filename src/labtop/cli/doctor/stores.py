"""The store: whether it can be written and read, what it lies on, and the runs that wait to get there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from labtop.cli.doctor.line import Line, looked_at
from labtop.errors import LabtopError
from labtop.settings import Settings, spool_folder
from labtop.store.layout import is_store, read_store_info, run_folders
from labtop.store.reader import check_parquet
from labtop.store.syncing import waiting_runs
from labtop.views.numbers import size

SECTION = "store"
_LOOKED_AT = 2000  # records whose ends are looked at; fsck reads them all
_LITTLE = 1_000_000_000
_OVER_THE_NET = (
    "nfs",
    "cifs",
    "smb",
    "fuse.sshfs",
    "lustre",
    "beegfs",
    "gpfs",
    "ceph",
    "9p",
    "afs",
    "glusterfs",
    "fuse.s3",
)


def store_lines(store: Path, settings: Settings) -> Iterable[Line]:
    """The lines of the section; `store` is where runs are, or would be."""
    return looked_at(
        SECTION,
        (
            ("store", lambda: _store(store)),
            ("file system", lambda: _file_system(store)),
            ("spool", lambda: _spool(spool_folder(settings))),
        ),
    )


def _line(what: str, found: str, advice: str = "", ill: bool = False) -> Line:
    return Line(SECTION, what, "ill" if ill else "note" if advice else "well", found, advice)


def _store(store: Path) -> Iterator[Line]:
    existing = _existing(store)
    if not store.is_dir() or not is_store(store):
        can = os.access(existing, os.W_OK | os.X_OK)
        found = (
            f"{store} is none yet; the first run makes it" if can else f"{store} is none, and cannot be made"
        )
        yield _line(
            "place", found, "" if can else "name another with --store, or in $LABTOP_STORE", ill=not can
        )
        return
    yield _line("place", str(store))
    try:
        yield _line("format", str(read_store_info(store).format))
    except LabtopError as error:
        yield _line("format", error.message, error.hint or "labtop fsck", ill=True)
    if os.access(store, os.W_OK | os.X_OK):
        yield _line("writable", "yes")
    else:
        yield _line("writable", "no", "new runs go to the spool; 'labtop sync' brings them here", ill=True)
    yield from _runs(store)


def _runs(store: Path) -> Iterator[Line]:
    folders = list(run_folders(store))
    newest = sorted(folders, key=lambda folder: folder.name)[:_LOOKED_AT]
    damaged = [
        folder
        for folder in newest
        if (folder / "run.parquet").exists() and check_parquet(folder / "run.parquet")
    ]
    yield _line("runs", str(len(folders)))
    if damaged:
        names = ", ".join(folder.name for folder in damaged[:3])
        yield _line("damaged", f"{len(damaged)} records: {names}", f"labtop fsck {store}", ill=True)
    else:
        looked = f" (of {len(newest)} looked at)" if len(newest) < len(folders) else ""
        yield _line("damaged", f"no record{looked}; labtop fsck reads every file")


def _file_system(store: Path) -> Iterator[Line]:
    existing = _existing(store)
    free = shutil.disk_usage(existing).free
    few = free < _LITTLE
    advice = "runs go on in memory when it is full, and lose points in the end: make room" if few else ""
    yield _line("free space", size(free), advice, ill=few)
    kind = file_system(existing)
    if kind is None:
        yield _line("file system", "unknown")
    elif kind.startswith(_OVER_THE_NET):
        advice = 'over the net: readers see points later; where it is slow, mode = "offline" and labtop sync'
        yield _line("file system", kind, advice)
    else:
        yield _line("file system", kind)


def file_system(path: Path) -> str | None:
    """The kind of the file system that a path lies on, as the system names it."""
    import psutil

    place = path.resolve()
    mounts = [
        (len(Path(each.mountpoint).parts), each.fstype)
        for each in psutil.disk_partitions(all=True)
        if place == Path(each.mountpoint) or Path(each.mountpoint) in place.parents
    ]
    return max(mounts, default=(0, None))[1] or None


def _spool(spool: Path) -> Iterator[Line]:
    waiting = waiting_runs(spool) if spool.is_dir() else []
    if waiting:
        runs = "1 run waits" if len(waiting) == 1 else f"{len(waiting)} runs wait"
        yield _line("spool", f"{runs} in {spool}", "labtop sync")
    else:
        yield _line("spool", f"nothing waits in {spool}")


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(each for each in (path, *path.parents) if each.exists())
