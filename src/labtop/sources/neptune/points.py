"""The points in a piece of a Neptune table, by attribute."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from labtop.formats.parquet import Batch
from labtop.sources.source import NO_TIME, Curve

SERIES = "float_series"
POINT_COLUMNS = ("attribute_path", "attribute_type", "step", "timestamp", "float_value")


def add_points(batch: Batch, curves: dict[str, Curve], name_of: Callable[[str], str]) -> int:
    """Add the points of the number series in a batch to `curves`; returns how many there were.

    A value that is null is NaN: the exporter's frames do not tell them apart. A point without a step gets its number.
    """
    import numpy
    import pyarrow
    from pyarrow import compute

    rows = batch.filter(compute.equal(batch.column("attribute_type").cast(pyarrow.string()), SERIES))
    if not rows.num_rows:
        return 0
    paths = rows.column("attribute_path")
    if not pyarrow.types.is_dictionary(paths.type):
        paths = paths.dictionary_encode()
    codes = paths.indices.to_numpy(zero_copy_only=False)
    steps = _numbers(_column(rows, "step"), rows.num_rows)
    values = _numbers(_column(rows, "float_value"), rows.num_rows)
    times = _times(_column(rows, "timestamp"), rows.num_rows)
    order = numpy.argsort(codes, kind="stable")
    edges = [0, *(numpy.flatnonzero(numpy.diff(codes[order])) + 1).tolist(), len(order)]
    for start, end in pairwise(edges):
        chosen = order[start:end]
        path = paths.dictionary[int(codes[chosen[0]])].as_py()
        curve = curves.setdefault(name_of(path), Curve())
        wanted = steps[chosen]
        if numpy.isnan(wanted).any():
            wanted = numpy.where(
                numpy.isnan(wanted), numpy.arange(len(curve), len(curve) + len(chosen)), wanted
            )
        _extend(curve.steps, wanted)
        _extend(curve.times_us, times[chosen])
        _extend(curve.values, values[chosen])
    return len(values)


def _extend(column: array[float] | array[int], numbers: Any) -> None:
    column.frombytes(numbers.tobytes())


def _column(rows: Batch, name: str) -> Any | None:
    return rows.column(name) if name in rows.schema.names else None


def _numbers(column: Any | None, count: int) -> Any:
    """Doubles of a column of any number type (steps are decimals), NaN for null."""
    import numpy
    import pyarrow

    if column is None:
        return numpy.full(count, numpy.nan)
    return column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False).astype("f8")


def _times(column: Any | None, count: int) -> Any:
    """Microseconds since 1970 of a column of times, NO_TIME for null."""
    import numpy
    import pyarrow

    if column is None or not pyarrow.types.is_timestamp(column.type):
        return numpy.full(count, NO_TIME, dtype="i8")
    micro = column.cast(pyarrow.timestamp("us", tz=column.type.tz), safe=False).cast(pyarrow.int64())
    return micro.fill_null(NO_TIME).to_numpy(zero_copy_only=False).astype("i8")
