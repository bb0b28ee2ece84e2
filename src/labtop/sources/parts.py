"""Writes the points of a run into the sealed parts of its folder; what is small joins the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labtop.sources.point_columns import PointColumns
from labtop.sources.source import Curve
from labtop.store.files import replace_file
from labtop.store.format import point_schema, sorted_points_parquet
from labtop.store.layout import METRICS
from labtop.store.part import SUFFIX, part_stem
from labtop.store.reader import open_parquet

_POINTS_A_PART = 1_000_000
_STILL_OPEN = 50_000  # a part with fewer points takes up what is appended


class Parts:
    """The parts of one writer.

    There are `number` of them so far, with `seq` points together and `open_rows` in the last.
    """

    def __init__(self, folder: Path, run_id: str, writer: str) -> None:
        self._folder = folder / METRICS
        self._run_id = run_id
        self._writer = writer
        self.number = 0
        self.seq = 0
        self.open_rows = 0

    def write(self, curves: Mapping[str, Curve]) -> None:
        """Write curves. Raises OSError, UnicodeEncodeError."""
        columns = PointColumns()
        rows = columns.add(self._run_id, self._writer, curves, self.seq)
        if not rows:
            return
        self.seq += rows
        self._folder.mkdir(exist_ok=True)
        table = columns.table()
        last: Path | None = self._path(self.number)
        if last is not None and self.number and rows + self.open_rows < _STILL_OPEN and last.exists():
            import pyarrow

            with last.open("rb") as file:
                before = open_parquet(file).read(use_threads=False).cast(point_schema())
            table = pyarrow.concat_tables([before, table.cast(point_schema())]).sort_by(
                [("name", "ascending"), ("step", "ascending"), ("seq", "ascending")]
            )
        else:
            last = None
            self.open_rows = 0
        for at in range(0, len(table), _POINTS_A_PART):
            self.number += 1
            part = table.slice(at, _POINTS_A_PART)
            replace_file(self._path(self.number), sorted_points_parquet(part), sync=False)
        self.open_rows += rows
        if last is not None:
            last.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{part_stem(self._writer, number)}{SUFFIX}"
