"""Makes the folder of a run out of its pack: as if it had been written there at once."""

from __future__ import annotations

import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from labtop.errors import InputError
from labtop.sources.landed import MEMBERS, Landed
from labtop.sources.packing import FilesOfRun, pack_paths
from labtop.sources.passing import decode
from labtop.sources.side_copies import keep, link_output
from labtop.store.files import replace_file
from labtop.store.format import RECORD_COLUMNS, point_schema, row_parquet, sorted_points_parquet
from labtop.store.layout import METRICS, RECORD
from labtop.store.part import SUFFIX, part_stem
from labtop.store.reader import check_parquet, open_parquet

if TYPE_CHECKING:
    import pyarrow


def is_unpacked(mirror: Path, landed: Landed) -> bool:
    """Whether a run has its folder."""
    return not landed.pack or (mirror / landed.folder / RECORD).exists()


def is_whole(mirror: Path, pack: str) -> bool:
    """Whether both files of a pack are there, to their ends."""
    return all(check_parquet(path) is None for path in pack_paths(mirror, pack))


def unpack(mirror: Path, wanted: Iterable[Landed]) -> None:
    """Make the folders of runs that lie in packs and have none yet. Any number of processes may do so at once.

    Raises:
        OSError: a pack is gone, or a folder cannot be written.
        InputError: a pack is damaged.
    """
    by_pack: dict[str, list[Landed]] = defaultdict(list)
    for each in wanted:
        if not is_unpacked(mirror, each):
            by_pack[each.pack].append(each)
    for pack, some in by_pack.items():
        records, points = (_read(path) for path in pack_paths(mirror, pack))
        places = {folder: at for at, folder in enumerate(records.column("_folder").to_pylist())}
        for each in some:
            if each.folder not in places:
                raise InputError(f"{pack_paths(mirror, pack)[0]}: a run is missing")
            _unpack(mirror, each, records.slice(places[each.folder], 1), points)


def remove(folder: Path) -> None:
    """Take away a folder of a run that people see, or the link that it is."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def link(mirror: Path, folder: Path, landed: Landed) -> None:
    """Make `folder` a link to the folder of a run, or a copy on a system without links."""
    target = f"../{landed.folder}"
    try:
        os.symlink(target, folder, target_is_directory=True)  # noqa: PTH211 - thousands; Path costs more than the call
    except FileExistsError:
        if not (folder.is_symlink() and os.readlink(folder) == target):  # noqa: PTH115 - as it was written
            remove(folder)
            link(mirror, folder, landed)
    except OSError:  # a system without links
        unpack(mirror, [landed])
        shutil.copytree(mirror / landed.folder, folder)


def _read(path: Path) -> pyarrow.Table:
    if (reason := check_parquet(path)) is not None:
        raise InputError(f"{path}: {reason}")
    import pyarrow

    try:
        with path.open("rb") as file:
            return open_parquet(file).read(use_threads=False)
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged: {error}") from error


def _unpack(mirror: Path, landed: Landed, record: pyarrow.Table, points: pyarrow.Table) -> None:
    """Make a folder beside the others and give it its name; another process may have been first."""
    draft = mirror / MEMBERS / f".{Path(landed.folder).name}-{secrets.token_hex(4)}.tmp"
    draft.mkdir(parents=True)
    try:
        (said,) = record.select(["_start", "_rows", "_files"]).to_pylist()
        if said["_rows"]:
            (draft / METRICS).mkdir()
            part = points.slice(said["_start"], said["_rows"]).cast(point_schema())
            path = draft / METRICS / f"{part_stem(landed.writer, 1)}{SUFFIX}"
            replace_file(path, sorted_points_parquet(part), sync=False)
        _bring_files(draft, said["_files"])
        replace_file(draft / RECORD, row_parquet(record.select(list(RECORD_COLUMNS))), sync=False)
        try:
            draft.rename(mirror / landed.folder)
        except OSError:
            if not is_unpacked(mirror, landed):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _bring_files(folder: Path, said: Any) -> None:
    if not said:
        return
    try:
        files = decode(said.encode(), FilesOfRun)
    except msgspec.MsgspecError:
        return
    for target, path in files.kept.items():
        keep(folder, target, Path(path))
    link_output(folder, Path(files.place), Path(files.output) if files.output else None)
