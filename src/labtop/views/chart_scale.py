"""A chart's axis as a value: from data to a fraction of the axis and back, linear or logarithmic.

All arithmetic is done on halves, so that an axis from -1e308 to 1e308 does not overflow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST = float(np.finfo(np.float64).max)
TINIEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high` (low < high, both finite; both positive when `log`)."""

    low: float
    high: float
    log: bool = False

    def fractions(self, values: Any) -> Floats:
        """Where values lie on the axis: 0 at `low`, 1 at `high`, beyond outside of it.

        On a logarithmic axis zero lies at -inf and what is negative too; NaN stays NaN.
        """
        given = np.asarray(values, dtype=np.float64)
        with np.errstate(all="ignore"):
            if self.log:
                bottom, top = math.log10(self.low), math.log10(self.high)
                logs = np.log10(np.where(given < 0, 0.0, given))
                return np.asarray((logs - bottom) / (top - bottom), dtype=np.float64)
            return np.asarray((given / 2 - self.low / 2) / (self.high / 2 - self.low / 2), dtype=np.float64)

    def fraction(self, value: float) -> float:
        """Where one value lies."""
        return float(self.fractions(value))

    def values(self, fractions: Any) -> Floats:
        """The data at fractions of the axis; the inverse of `fractions`."""
        at = np.asarray(fractions, dtype=np.float64)
        if self.log:
            bottom, top = math.log10(self.low), math.log10(self.high)
            powers = np.clip(bottom + (top - bottom) * at, -308.0, 308.0)
            return np.asarray(np.clip(np.power(10.0, powers), TINIEST, LARGEST))
        with np.errstate(over="ignore"):
            return np.asarray(np.clip(self.low * (1 - at) + self.high * at, -LARGEST, LARGEST))

    def value(self, fraction: float) -> float:
        """The data at one fraction of the axis."""
        return float(self.values(fraction))


def fit_scale(low: float, high: float, log: bool = False) -> Scale:
    """An axis around data from `low` to `high`; a single value gets room on both sides.

    Data that has nothing to show (NaN, or nothing positive for a logarithm) gives an axis from 0 (or 0.1) to 1.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or (log and high <= 0):
        return Scale(0.1, 1.0, True) if log else Scale(0.0, 1.0)
    if log:
        low, high = max(low, TINIEST), max(high, TINIEST)
        if math.log10(high) - math.log10(low) < 1e-9:
            return Scale(max(low / 2, TINIEST), min(high, LARGEST / 2) * 2, True)
        return Scale(low, high, True)
    smallest_span = max(abs(low), abs(high)) * 1e-12
    if high / 2 - low / 2 > smallest_span and high / 2 - low / 2 > TINIEST:
        return Scale(low, high)
    room = max(abs(low) * 0.05, 1e-300) if low else 1.0
    return Scale(max(low - room, -LARGEST), min(high + room, LARGEST))


def zoomed(scale: Scale, centre: float, factor: float, limits: Scale) -> Scale:
    """`scale` made `factor` times as wide around the value `centre`, kept within `limits`.

    The centre stays at the fraction of the axis where it was, so that the eye finds it again.
    """
    low, high = (float(each) for each in limits.fractions([scale.low, scale.high]))
    at = min(max(limits.fraction(centre), low), high)
    width = min((high - low) * factor, 1.0)
    if width < 1e-9:
        return scale
    start = at - width * ((at - low) / (high - low))
    start = min(max(start, 0.0), 1.0 - width)
    ends = limits.values([start, start + width])
    return Scale(float(ends[0]), float(ends[1]), scale.log) if ends[0] < ends[1] else scale
