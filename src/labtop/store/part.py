"""The points of one write-ahead log that are not sealed yet, and how they become an immutable Parquet file."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtop.errors import InputError
from labtop.store.files import Files, replace_file
from labtop.store.format import point_schema, sorted_points_parquet
from labtop.store.wal import PointFrame

if TYPE_CHECKING:
    import pyarrow

SUFFIX = ".parquet"


def part_stem(writer: str, number: int) -> str:
    """The name that a log and the part it is sealed into share."""
    return f"{writer}-{number:05d}"


def writer_of(path: Path) -> str:
    """The writer that a log or part belongs to, by its name."""
    return path.stem.rpartition("-")[0]


class OpenPart:
    """Points in columns: 8 bytes each and 28 a frame, however long they wait.

    Frames that log the same names share their list of names, a shape.
    """

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._shapes: dict[tuple[str, ...], int] = {}
        self._shape_names = array("i")  # the names of all shapes, one shape after the other
        self._shape_starts = array("q", (0,))
        self._shape = array("i")
        self._step = array("d")
        self._time_us = array("q")
        self._seq = array("q")
        self._value = array("d")

    def __len__(self) -> int:
        return len(self._value)

    def add(self, names: tuple[str, ...], frames: Sequence[PointFrame]) -> None:
        """Add the points of calls of `log()` that all have these names, in this order."""
        shape = self._shapes.get(names)
        if shape is None:
            shape = self._new_shape(names)
        seqs, times, steps, values = zip(*frames, strict=True)
        self._shape.extend(repeat(shape, len(frames)))
        self._step.extend(steps)
        self._time_us.extend(times)
        self._seq.extend(seqs)
        for each in values:
            self._value.extend(each.values())

    def _new_shape(self, names: tuple[str, ...]) -> int:
        known = self._names
        self._shape_names.extend(known.setdefault(name, len(known)) for name in names)
        self._shape_starts.append(len(self._shape_names))
        shape = self._shapes[names] = len(self._shapes)
        return shape

    def frames(self) -> Iterator[PointFrame]:
        """The points as frames again, for a log that takes the place of a broken one."""
        shapes = list(self._shapes)
        start = 0
        for at, shape in enumerate(self._shape):
            names = shapes[shape]
            values = dict(zip(names, self._value[start : start + len(names)], strict=True))
            start += len(names)
            if values:
                yield PointFrame(self._seq[at], self._time_us[at], self._step[at], values)

    def table(self, run_id: str, writer: str) -> pyarrow.Table:
        """The points as an Arrow table, sorted by name, step and number.

        numpy sorts them: pyarrow's own way imports pyarrow.compute, half of the time that a short run takes to end.
        """
        import numpy as np
        import pyarrow

        names = list(self._names)
        by_name = sorted(range(len(names)), key=lambda at: names[at].encode())
        rank = np.empty(len(names), np.int64)
        rank[by_name] = np.arange(len(names))
        shape, starts = np.asarray(self._shape), np.asarray(self._shape_starts)
        counts = np.diff(starts)[shape]  # of the points of each frame
        frame = np.repeat(np.arange(len(shape)), counts)
        place = np.arange(len(frame)) - np.repeat(
            np.cumsum(counts) - counts, counts
        )  # of a point in its frame
        name = np.asarray(self._shape_names)[starts[shape[frame]] + place]
        step, seq = np.asarray(self._step)[frame], np.asarray(self._seq)[frame] + place
        order = np.lexsort((seq, step, rank[name]))

        def column(numbers: Any, arrow_type: pyarrow.DataType) -> pyarrow.Array:
            sorted_ones = np.asarray(numbers)[order]
            return pyarrow.Array.from_buffers(
                arrow_type, len(sorted_ones), [None, pyarrow.py_buffer(sorted_ones)]
            )

        def repeated(text: str, count: int) -> pyarrow.Array:
            return pyarrow.repeat(pyarrow.scalar(text, pyarrow.string()), count)

        times = np.bincount(name, minlength=len(names)).tolist()
        runs_of_names = [repeated(names[at], times[at]) for at in by_name]
        return pyarrow.Table.from_arrays(
            [
                repeated(run_id, len(self)),
                pyarrow.concat_arrays(runs_of_names or [repeated("", 0)]),
                column(step, pyarrow.float64()),
                column(np.asarray(self._time_us)[frame], pyarrow.timestamp("us")),
                column(self._value, pyarrow.float64()),
                repeated(writer, len(self)),
                column(seq, pyarrow.int64()),
            ],
            schema=point_schema(),
        )


def seal(part: OpenPart, path: Path, run_id: str, writer: str, files: Files, mode: int, sync: bool) -> None:
    """Write a part as Parquet: a draft, looked at again, renamed, its folder flushed. On failure nothing changes.

    Raises:
        OSError: the system would not.
        InputError: what was read back is not what was written.
    """
    write_part(part_content(part, run_id, writer), len(part), path, files, mode, sync)


def part_content(part: OpenPart, run_id: str, writer: str) -> bytes:
    """The bytes of a part as Parquet. The memory that takes, 40 MB for 50,000 points, is given back."""
    import pyarrow

    try:
        return sorted_points_parquet(part.table(run_id, writer))
    finally:
        pyarrow.default_memory_pool().release_unused()


def write_part(content: bytes, expected: int, path: Path, files: Files, mode: int, sync: bool) -> None:
    """Write the bytes of a part of `expected` points; raises as `seal` does."""
    replace_file(
        path, content, files=files, mode=mode, sync=sync, check=lambda draft: _expect_rows(draft, expected)
    )
    if sync:
        files.sync_folder(path.parent)


def _expect_rows(path: Path, expected: int) -> None:
    import pyarrow
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_metadata(path).num_rows
    except pyarrow.ArrowException as error:
        raise InputError(f"{path} was not written well: {error}") from error
    if found != expected:
        raise InputError(f"{path} was not written well: {found} rows instead of {expected}")
