"""Smoothed values of a curve: an exponential moving average, or the mean of a window."""

from __future__ import annotations

import numpy as np

from labtop.errors import InputError
from labtop.query.ranks import Floats


def smooth_ema(values: Floats, alpha: float) -> Floats:
    """Exponential moving average with weight `alpha` for the newest value, without the bias of its start.

    A NaN takes no part and stays where it is. As in Adam (Kingma and Ba 2014): the running average of zeros and
    values is divided by 1 - (1 - alpha)^n.
    """
    if not 0 < alpha <= 1:
        raise InputError(f"alpha is {alpha}", "it lies above 0 and is at most 1")
    kept = np.isfinite(values)
    known = np.asarray(values[kept], dtype=np.float64)
    smooth = np.array(values, dtype=np.float64)
    smooth[kept] = _debiased(known, 1 - alpha)
    return smooth


def _debiased(values: Floats, decay: float) -> Floats:
    """sum(decay^(n-i) v_i) / sum(decay^(n-i)), in blocks short enough that no power runs out of range."""
    if decay <= 0 or len(values) == 0:
        return values.copy()
    block = max(1, min(len(values), int(-600 / np.log(decay)) if decay < 1 else len(values)))
    weighted, weights = 0.0, 0.0
    smooth = np.empty_like(values)
    for start in range(0, len(values), block):
        part = values[start : start + block]
        powers = decay ** np.arange(1, len(part) + 1)
        sums = powers * (weighted + np.cumsum(part / powers))
        totals = powers * (weights + np.cumsum(1 / powers))
        smooth[start : start + block] = sums / totals
        weighted, weights = sums[-1], totals[-1]
    return smooth


def smooth_window(values: Floats, n: int) -> Floats:
    """Mean of the `n` values around each, fewer at the ends. A NaN takes no part and stays where it is."""
    if n < 1:
        raise InputError(f"a window of {n} values", "it has at least one")
    kept = np.isfinite(values)
    known = np.where(kept, values, 0.0)
    sums = np.concatenate(([0.0], np.cumsum(known, dtype=np.float64)))
    counts = np.concatenate(([0], np.cumsum(kept)))
    places = np.arange(len(values))
    low = np.maximum(places - (n - 1) // 2, 0)
    high = np.minimum(places + n // 2 + 1, len(values))
    smooth = np.array(values, dtype=np.float64)
    smooth[kept] = ((sums[high] - sums[low]) / np.maximum(counts[high] - counts[low], 1))[kept]
    return smooth
