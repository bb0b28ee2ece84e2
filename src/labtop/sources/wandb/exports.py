"""Histories that W&B's server exported: the artifact `run-<id>-history` as it is downloaded, Parquet files in a folder.

A column a metric, beside `_step`, `_runtime` and `_timestamp`. Parquet of another name is a table like any other
(`sources.tables`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.model.run import RunRecord, Source, Status
from labtop.sources.source import NO_TIME, Curve, RunRead, RunRef, stamp
from labtop.sources.wandb.record import TRACKER, identity_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow

EXPORT = re.compile(r"run-(?P<id>[^/]+)-history(?:[:_-]v\d+)?")
"""How the folder of such an artifact is called; on Windows the colon becomes a hyphen."""

_ROWS_AT_ONCE = 50_000
_OWN = ("_step", "_runtime", "_timestamp")
_LATEST_S = 9e12


def export_ref(folder: Path) -> RunRef | None:
    """The run of a folder with an export; None where there is none."""
    said = EXPORT.fullmatch(folder.name)
    files = _files(folder) if said else []
    if said is None or not files:
        return None
    return RunRef(said["id"], stamp(*files), sum(each.stat().st_size for each in files))


def read_export(folder: Path, ref: RunRef) -> Iterator[RunRead]:
    """The history of the run, in pieces; what cannot be read is told."""
    import pyarrow

    problems: list[str] = []
    is_first = True
    for path in _files(folder):
        try:
            for batch in _batches(path):
                curves = dict(_curves(batch))
                yield _piece(folder, ref, curves, tuple(problems), appended=not is_first)
                is_first = False
        except (OSError, pyarrow.ArrowException) as error:
            problems.append(f"{path.name}: {error}")
    if is_first or problems:
        yield _piece(folder, ref, {}, tuple(problems), appended=not is_first)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.suffix == ".parquet" and each.is_file())
    except OSError:
        return []


def _batches(path: Path) -> Iterator[pyarrow.Table]:
    import pyarrow
    from pyarrow import parquet

    with path.open("rb") as file:
        for batch in parquet.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
            table = pyarrow.Table.from_batches([batch])
            while any(pyarrow.types.is_struct(each.type) for each in table.schema):
                nested = [each.name for each in table.schema if pyarrow.types.is_struct(each.type)]
                table = table.flatten().rename_columns(
                    [_named(name, nested) for name in table.flatten().column_names]
                )
            yield table


def _named(name: str, nested: list[str]) -> str:
    """The name of a part of a nested value: `a/b` where Arrow says `a.b`."""
    above = next((each for each in nested if name.startswith(f"{each}.")), None)
    return name if above is None else f"{above}/{name[len(above) + 1 :]}"


def _curves(table: pyarrow.Table) -> Iterator[tuple[str, Curve]]:
    import numpy as np

    columns = {name: table.column(name) for name in dict.fromkeys(table.column_names)}
    rows = np.arange(len(table), dtype=np.float64)
    steps = _numbers(columns.get("_step"))
    seconds = _numbers(columns.get("_timestamp"))
    step = rows if steps is None else np.where(steps[1], steps[0], rows)
    times = np.full(len(table), NO_TIME, np.int64)
    if seconds is not None:
        known = seconds[1] & (np.abs(seconds[0]) < _LATEST_S)
        times[known] = np.round(seconds[0][known] * 1e6).astype(np.int64)
    for name, column in columns.items():
        numbers = None if name in _OWN else _numbers(column)
        if numbers is None or not numbers[1].any():
            continue
        values, is_there = numbers
        curve = Curve()
        curve.steps.frombytes(step[is_there].tobytes())
        curve.times_us.frombytes(times[is_there].tobytes())
        curve.values.frombytes(values[is_there].tobytes())
        yield name, curve


def _numbers(
    column: pyarrow.ChunkedArray | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]] | None:
    """A column as numbers, and where it has any; None when it is of another kind."""
    import numpy as np
    import pyarrow

    if column is None:
        return None
    kind = column.type
    if pyarrow.types.is_boolean(kind):
        column = column.cast(pyarrow.int8())
    elif not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
        return None
    is_there = np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
    values = column.cast(pyarrow.float64(), safe=False).fill_null(0.0).to_numpy()
    return np.asarray(values, dtype=np.float64), is_there


def _piece(
    folder: Path, ref: RunRef, curves: Mapping[str, Curve], problems: tuple[str, ...], *, appended: bool
) -> RunRead:
    record = RunRecord(
        id="",
        name="",
        project="",
        status=Status.UNKNOWN,
        source=Source(tracker=TRACKER, uri=str(folder), run_id=ref.key, problems=problems),
    )
    return RunRead(
        key=ref.key,
        record=record,
        identity=identity_of("", "", ref.key),
        curves=curves,
        appended=appended,
        folder=folder,
    )
