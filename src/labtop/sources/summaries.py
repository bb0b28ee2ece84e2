"""Summaries of whole curves at once: what `model.fold` gives point by point, ten to a hundred times as fast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labtop.model.fold import SPARK_LENGTH, SummaryFold
from labtop.model.run import MetricSummary
from labtop.sources.source import Curve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_LARGE = 1e300  # sums of larger numbers run out of range


def summarised(curve: Curve, start: MetricSummary | None = None) -> MetricSummary:
    """The summary of a curve that goes on from what `start` summarises; of `start` alone where it has no points."""
    if not len(curve):
        return start or MetricSummary()
    if start is None or not start.count:
        whole = _many(curve, start) if len(curve) > SPARK_LENGTH else _few(curve, start)
        if whole is not None:
            return whole
    fold = SummaryFold(start)
    for step, value in zip(curve.steps, curve.values, strict=True):
        fold.add(step, value)
    return fold.summary()


def _few(curve: Curve, start: MetricSummary | None) -> MetricSummary | None:
    """The summary of a short curve of ordinary numbers."""
    values = curve.values.tolist()
    low, high = min(values), max(values)
    try:
        total = math.fsum(values)
    except (ValueError, OverflowError):
        return None
    if total != total or not -_LARGE < low <= high < _LARGE:
        return None
    return MetricSummary(
        goal=start.goal if start else None,
        count=len(values),
        first=values[0],
        last=values[-1],
        last_step=curve.steps[-1],
        min=low,
        min_step=curve.steps[values.index(low)],
        max=high,
        max_step=curve.steps[values.index(high)],
        mean=total / len(values),
        spark=tuple(values),
        rank=start.rank if start else None,
    )


def _many(curve: Curve, start: MetricSummary | None) -> MetricSummary | None:
    """The summary of a long curve; None where its numbers are not all ordinary."""
    import numpy as np

    values = np.frombuffer(curve.values, dtype=np.float64)
    known = values[~np.isnan(values)]
    if not len(known) or not (np.abs(known) < _LARGE).all():
        return None
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    return MetricSummary(
        goal=start.goal if start else None,
        count=len(values),
        nan_count=len(values) - len(known),
        first=float(values[0]),
        last=float(values[-1]),
        last_step=curve.steps[-1],
        min=float(values[low]),
        min_step=curve.steps[low],
        max=float(values[high]),
        max_step=curve.steps[high],
        mean=float(known.mean()),
        spark=_spark(values),
        rank=start.rank if start else None,
    )


def _spark(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """The lowest and highest of each stretch in the order they came, in stretches as `SparkFold` makes them."""
    import numpy as np

    stretch = 2
    while math.ceil(len(values) / stretch) * 2 > SPARK_LENGTH:
        stretch *= 2
    padded = np.full(math.ceil(len(values) / stretch) * stretch, np.nan)
    padded[: len(values)] = values
    stretches = padded.reshape(-1, stretch)
    is_nan = np.isnan(stretches)
    low = np.where(is_nan, np.inf, stretches).argmin(axis=1)
    high = np.where(is_nan, -np.inf, stretches).argmax(axis=1)
    rows = np.arange(len(stretches))
    pairs = np.column_stack((stretches[rows, np.minimum(low, high)], stretches[rows, np.maximum(low, high)]))
    return tuple(pairs.ravel().tolist())
