"""Writes packs: what was read of many runs in two files, where a folder for each takes ten times as long.

One file has the records, a row a run as `run.parquet` has it and what its folder is made of besides; the other has the
points, run by run. A pack never changes. A run of it that goes on gets a folder, as has one that somebody asks for.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from labtop.model.run import RunRecord, Status
from labtop.sources.landed import MEMBERS, Landed
from labtop.sources.passing import encode
from labtop.sources.point_columns import PointColumns
from labtop.sources.source import Place, RunRead
from labtop.store.files import replace_file
from labtop.store.format import encode_record, records_parquet, sorted_points_parquet

PACKS = ".packs"
"""The folder of a mirror with its packs."""

RECORDS, POINTS = ".records.parquet", ".points.parquet"
"""How the names of the two files of a pack end."""

EXTRA_COLUMNS: Mapping[str, str] = {
    "_folder": "VARCHAR",
    "_start": "BIGINT",
    "_rows": "BIGINT",
    "_files": "JSON",
}
"""Columns of records in a pack besides those of `run.parquet`: the folder that a run has when it is unpacked, where its
points lie in the other file, and what becomes of its files (`FilesOfRun`)."""

_MOST_POINTS_OF_RUN = 50_000
_MOST_POINTS = 500_000
_MOST_RUNS = 500
_SETTLED = frozenset((Status.UNKNOWN, Status.LOST))


@dataclass(frozen=True, slots=True)
class FilesOfRun:
    """Files that belong into a run's folder: `kept` is copied, by where it belongs; `output` is linked."""

    place: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None


def pack_paths(mirror: Path, name: str) -> tuple[Path, Path]:
    """The two files of a pack: records and points."""
    return mirror / PACKS / f"{name}{RECORDS}", mirror / PACKS / f"{name}{POINTS}"


def runs_in(name: str) -> int:
    """How many runs were written to a pack."""
    return int(name.rpartition("-")[2])


def _folders_in(mirror: Path) -> frozenset[str]:
    try:
        return frozenset(f"{MEMBERS}/{name}" for name in os.listdir(mirror / MEMBERS))  # noqa: PTH208 - thousands
    except OSError:
        return frozenset()


class Packing:
    """Gathers runs for packs of `mirror`."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        self._left = _folders_in(mirror)  # by a process that was killed, if they are of runs that are new
        self._begin()

    def _begin(self) -> None:
        self._landed: dict[str, Landed] = {}
        self._rows: list[dict[str, Any]] = []
        self._points = PointColumns()

    def __contains__(self, key: str) -> bool:
        return key in self._landed

    @property
    def keys(self) -> list[str]:
        """The runs that wait to be written."""
        return list(self._landed)

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return len(self._rows) >= _MOST_RUNS or len(self._points) >= _MOST_POINTS

    def takes(self, read: RunRead, record: RunRecord) -> bool:
        """Whether a run belongs into a pack: it is small, and nobody writes to it as it seems."""
        return (
            not read.appended
            and not read.is_context
            and (record.status.is_end or record.status in _SETTLED)
            and sum(map(len, read.curves.values())) <= _MOST_POINTS_OF_RUN
        )

    def add(self, landed: Landed, place: Place, read: RunRead, record: RunRecord) -> None:
        """Add a run. Raises UnicodeEncodeError, OSError."""
        if landed.folder in self._left:
            shutil.rmtree(self._mirror / landed.folder)
        row = encode_record(record)
        start = len(self._points)
        rows = self._points.add(landed.run_id, landed.writer, read.curves)
        kept = {target: str(path) for target, path in read.kept.items()}
        output = None if read.output is None else str(read.output)
        files = encode(FilesOfRun(str(place.path), kept, output)).decode() if kept or output else None
        self._rows.append({**row, "_folder": landed.folder, "_start": start, "_rows": rows, "_files": files})
        self._landed[landed.key] = msgspec.structs.replace(
            landed, points=rows, parts=min(rows, 1), seq=rows, open_rows=rows
        )

    def write(self) -> list[Landed]:
        """Write what was gathered and begin anew; the runs that are in the pack. Raises OSError."""
        landed, rows, points = list(self._landed.values()), self._rows, self._points
        self._begin()
        if not landed:
            return []
        name = f"{secrets.token_hex(8)}-{len(rows)}"
        records_path, points_path = pack_paths(self._mirror, name)
        records_path.parent.mkdir(exist_ok=True)
        replace_file(points_path, sorted_points_parquet(points.table()), sync=False)
        replace_file(records_path, records_parquet(rows, EXTRA_COLUMNS), sync=False)
        return [msgspec.structs.replace(each, pack=name) for each in landed]
