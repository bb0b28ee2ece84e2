"""What a chart says in numbers: each curve's value at the cursor or its last, in order, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labtop.views.chart_curves import Curve


@dataclass(frozen=True, slots=True)
class Reading:
    """A logged point of a curve: the nearest to the cursor, or without a cursor the last by step.

    `drawn` is the smoothed value there. `is_beyond` says that the curve had ended, or not begun, at the cursor.
    """

    curve: Curve
    x: float
    step: float
    logged: float
    drawn: float
    is_beyond: bool = False
    index: int = -1


def reading(curve: Curve, x: float | None) -> Reading | None:
    """The reading of a curve at `x`, or its last value; None where it has no point."""
    if not curve.x.size:
        return None
    if x is None:
        at = int(np.nanargmax(curve.steps)) if not np.isnan(curve.steps).all() else curve.x.size - 1
        value = float(curve.logged[at]) if curve.last is None else curve.last
        return Reading(
            curve, float(curve.x[at]), float(curve.steps[at]), value, float(curve.drawn[at]), index=at
        )
    at = nearest(curve, x)
    return Reading(
        curve, float(curve.x[at]), float(curve.steps[at]), float(curve.logged[at]), float(curve.drawn[at]),
        is_beyond=not curve.x[0] <= x <= curve.x[-1], index=at,
    )  # fmt: skip


def nearest(curve: Curve, x: float) -> int:
    """The index of the point nearest to `x`; of several at one x the last."""
    after = int(np.searchsorted(curve.x, x, "right"))
    if after == 0:
        return int(np.searchsorted(curve.x, curve.x[0], "right")) - 1
    if after == curve.x.size:
        return after - 1
    before_is_nearer = x - curve.x[after - 1] <= curve.x[after] - x
    return after - 1 if before_is_nearer else int(np.searchsorted(curve.x, curve.x[after], "right")) - 1


def ranked(curves: Sequence[Curve], x: float | None, goal: str | None) -> list[Reading]:
    """Readings of all curves that have points, best first (highest first where no goal is known), NaN last."""
    found = [each for each in (reading(curve, x) for curve in curves) if each is not None]
    sign = 1 if goal == "min" else -1

    def place(each: Reading) -> tuple[bool, bool, float]:
        return each.is_beyond, math.isnan(each.logged), 0.0 if math.isnan(each.logged) else sign * each.logged

    return sorted(found, key=place)


def delta(of: Reading, baseline: Reading | None) -> float | None:
    """By how much a reading differs from the baseline's; None for the baseline itself and where it says nothing."""
    if baseline is None or of.curve.key == baseline.curve.key or of.is_beyond or baseline.is_beyond:
        return None
    return of.logged - baseline.logged
