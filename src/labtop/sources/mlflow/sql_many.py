"""The points of many runs at once, from the pages of the database, where its rows lie close together."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.sqlite_file import side_files
from labtop.formats.sqlite_pages import Cells, UnusualError, read_cells
from labtop.sources.mlflow.points import in_order
from labtop.sources.source import Curve

_COLUMNS = frozenset(("key", "value", "timestamp", "run_uuid", "step", "is_nan"))
_MOST_ROWS = 400_000
_MOST_PAGES = 40_000
_WORTH_ROWS = 2_000
_WASTE = 3
_LARGEST = 1.7976931348623157e308
_EXACT = 2**53
_MOST_TIME = 2**62 // 1000


def points_of_many(
    connection: sqlite3.Connection, path: Path, ranges: Mapping[str, tuple[int, int]]
) -> dict[str, dict[str, Curve]]:
    """Curves of the runs whose rows, by the numbers of their first and last, lie close together in the table.

    What is not in the result is left to SQLite: runs that lie apart, that changed since, or whose points are unusual.
    """
    known = {run: each for run, each in ranges.items() if 0 < each[0] <= each[1] < 2**62}
    if not known or not hasattr(os, "pread"):  # as on Windows
        return {}
    first, last = min(each[0] for each in known.values()), max(each[1] for each in known.values())
    rows = sum(end - start + 1 for start, end in known.values())
    if not _WORTH_ROWS <= last - first + 1 <= min(_MOST_ROWS, rows * _WASTE):
        return {}
    try:
        if any(each.exists() and each.stat().st_size for each in side_files(path)):
            return {}
        there = list(connection.execute("SELECT name FROM pragma_table_info('metrics') ORDER BY cid"))
        names = [name for (name,) in there]
        found = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'metrics' AND sql NOT LIKE '%WITHOUT%'"
        ).fetchone()
        if found is None or set(names) != _COLUMNS:
            return {}
        cells = read_cells(path, found[0], len(names), first, last, _MOST_PAGES)
        return _curves(cells, names, known)
    except (UnusualError, OSError, InputError, sqlite3.Error, IndexError):
        return {}


def _curves(
    cells: Cells, names: list[str], known: Mapping[str, tuple[int, int]]
) -> dict[str, dict[str, Curve]]:
    """Curves by run and metric of rows that are sorted by their number."""
    import numpy as np

    runs, keys = cells.texts(names.index("run_uuid")), cells.texts(names.index("key"))
    values, steps = cells.numbers(names.index("value")), cells.integers(names.index("step"))
    times = cells.integers(names.index("timestamp"))
    values[cells.integers(names.index("is_nan")) != 0] = math.nan
    values[values == _LARGEST] = math.inf
    values[values == -_LARGEST] = -math.inf
    if len(times) and (np.abs(times).max() > _MOST_TIME or np.abs(steps).max() >= _EXACT):
        raise UnusualError("left to who tells of it")
    codes = runs.codes * len(keys.distinct) + keys.codes
    order = np.argsort(codes, kind="stable")
    codes, rowids = codes[order], cells.rowids[order]
    in_steps, in_times, in_values = steps[order].astype(np.float64), times[order] * 1000, values[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], len(codes))
    rising = np.diff(in_steps, append=np.inf) > 0
    rising[ends - 1] = True
    rises = np.logical_and.reduceat(rising, starts) if len(starts) else rising
    found: dict[str, dict[str, Curve]] = {}
    seen: dict[str, tuple[int, int]] = {}
    for start, end, is_rising in zip(starts.tolist(), ends.tolist(), rises.tolist(), strict=True):
        run, key = divmod(int(codes[start]), len(keys.distinct))
        name = runs.distinct[run].decode("utf-8", "replace")
        if name not in known:
            continue
        curve = Curve()
        curve.steps.frombytes(in_steps[start:end].tobytes())
        curve.times_us.frombytes(in_times[start:end].tobytes())
        curve.values.frombytes(in_values[start:end].tobytes())
        metric = keys.distinct[key].decode("utf-8", "replace")
        found.setdefault(name, {})[metric] = curve if is_rising else in_order(curve)
        low, high = seen.get(name, (2**63, 0))
        seen[name] = min(low, int(rowids[start])), max(high, int(rowids[end - 1]))
    return {name: dict(sorted(curves.items())) for name, curves in found.items() if seen[name] == known[name]}
