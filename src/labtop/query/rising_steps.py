"""The points of one writer whose steps only rise, in half the time: no step is there twice, so no point is.

Their numbers, which tell doubles apart, need neither be read nor be sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labtop.errors import QueryError
from labtop.query.engine import Engine, InterruptedQueryError
from labtop.query.ranks import Part
from labtop.store.reader import Point


def rising_part(engine: Engine, parts: Sequence[Path], name: str, logged: Sequence[Point]) -> Part | None:
    """The points of a metric in the sealed parts and the log of one writer.

    None when a step is there twice or a part cannot be read: for one who looks closer.
    """
    part = Part(
        np.array([each.step for each in logged], dtype=np.float64),
        np.array([each.time_us for each in logged], dtype=np.int64),
        np.array([each.value for each in logged], dtype=np.float64),
    )
    if parts:
        sealed = _sealed(engine, parts, name)
        if sealed is None:
            return None
        part = _joined(sealed, part) if logged else sealed
    if _rises(part.steps):
        return part
    # parts come in any order, each sorted in itself: a stable sort only has to merge them
    order = np.argsort(part.steps, kind="stable")
    steps = part.steps[order]
    return Part(steps, part.times_us[order], part.values[order]) if _rises(steps) else None


def _joined(first: Part, second: Part) -> Part:
    return Part(
        np.concatenate((first.steps, second.steps)),
        np.concatenate((first.times_us, second.times_us)),
        np.concatenate((first.values, second.values)),
    )


def _sealed(engine: Engine, parts: Sequence[Path], name: str) -> Part | None:
    try:
        found = engine.arrays(
            "SELECT step, time, value FROM read_parquet(?) WHERE name = ?",
            [[str(each) for each in parts], name],
        )
    except InterruptedQueryError:
        raise
    except QueryError:
        return None
    steps, times, values = found["step"], found["time"], found["value"]
    if isinstance(times, np.ma.MaskedArray):
        times = times.filled(np.datetime64("NaT"))  # not known: of another tracker's logs
    if any(isinstance(each, np.ma.MaskedArray) for each in (steps, values)):
        return None  # a null, which nothing of ours writes
    if (steps.dtype, times.dtype, values.dtype) != (np.float64, np.dtype("datetime64[us]"), np.float64):
        return None
    return Part(steps, times.view(np.int64), values)


def _rises(steps: npt.NDArray[np.float64]) -> bool:
    return bool((steps[1:] > steps[:-1]).all())
