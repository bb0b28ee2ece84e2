"""Puts the scalars of event files into curves, without what a restart made void."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labtop.formats.event_columns import Columns
from labtop.formats.tfrecord import Piece
from labtop.sources.source import NO_TIME, Curve
from labtop.sources.tensorboard.state import Start

if TYPE_CHECKING:
    import numpy.typing as npt

_LATEST_S = 9e12  # seconds that microseconds of 64 bits can say


@dataclass(slots=True)
class Held:
    """Points of a piece of a file that are not given away yet, and where in the file the event of each lies."""

    file: int
    columns: Columns
    offsets: npt.NDArray[np.int64]


def hold(file: int, piece: Piece, columns: Columns) -> Held:
    """Points without the bytes that they were read from."""
    starts = np.array(piece.starts, dtype=np.int64)
    return Held(file, columns, starts[columns.records] + piece.base)


def without_void(held: Held, starts: Sequence[Start]) -> None:
    """Take out the points that a later start makes void.

    As TensorBoard does (`_CheckForRestartAndMaybePurge`): a start at step s voids all steps from s on before it.
    """
    columns, offsets = held.columns, held.offsets
    if not starts or not len(columns.values):
        return
    kept = np.ones(len(columns.values), dtype=bool)
    for start in starts:
        if start.file >= held.file:
            is_before = offsets < start.offset if start.file == held.file else True
            kept &= ~(is_before & (columns.steps >= start.step))
    if not kept.all():
        for name in ("records", "tag_of", "steps", "times_s", "values"):
            setattr(columns, name, getattr(columns, name)[kept])


def add_points(curves: dict[str, Curve], columns: Columns, name_of: Callable[[str], str]) -> None:
    """Add the points of a piece to the curves, each in the order of the file."""
    if not len(columns.values):
        return
    order = np.argsort(columns.tag_of, kind="stable")
    tags = columns.tag_of[order]
    bounds = np.flatnonzero(np.diff(tags)) + 1
    steps = columns.steps[order].astype(np.float64)
    times = _microseconds(columns.times_s[order])
    values = columns.values[order]
    for begin, end in zip([0, *bounds.tolist()], [*bounds.tolist(), len(order)], strict=True):
        curve = curves.setdefault(name_of(columns.tags[int(tags[begin])]), Curve())
        curve.steps.frombytes(steps[begin:end].tobytes())
        curve.times_us.frombytes(times[begin:end].tobytes())
        curve.values.frombytes(values[begin:end].tobytes())


def _microseconds(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    known = np.isfinite(seconds) & (np.abs(seconds) < _LATEST_S) & (seconds != 0)
    return np.where(known, np.rint(np.where(known, seconds, 0) * 1e6), NO_TIME).astype(np.int64)
