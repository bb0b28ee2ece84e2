"""How far the axes of a chart reach: over everything that is shown, or, where asked, without its outliers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from labtop.views.chart_curves import Curve
from labtop.views.chart_scale import Floats, Scale, fit_scale

OUTLIER_SHARE = 0.01  # of the points at either end, when outliers are cut
_SAMPLE = 20_000  # points of a curve that the share is estimated from


def x_scale(curves: Iterable[Curve], log: bool = False) -> Scale:
    """The x axis that holds all curves."""
    low, high = np.inf, -np.inf
    for curve in curves:
        first = int(np.searchsorted(curve.x, 0.0, "right")) if log else 0
        if first < curve.x.size:
            low, high = min(low, float(curve.x[first])), max(high, float(curve.x[-1]))
    return fit_scale(low, high, log)


def y_scale(curves: Sequence[Curve], x: Scale, log: bool, with_logged: bool, robust: bool) -> Scale:
    """The y axis for what is drawn within the x axis `x`.

    `with_logged` makes room for the logged points behind smoothed curves. `robust` leaves out the outermost
    1 % at either end, which the chart must then say.
    """
    shown = [part for curve in curves for part in _parts(curve, x, with_logged)]
    low, high = _ends(shown, log)
    if robust and low < high:
        low, high = _without_outliers(shown, low, high, log)
    return fit_scale(low, high, log)


def _parts(curve: Curve, x: Scale, with_logged: bool) -> list[Floats]:
    """The stretches of values that a curve draws within an x axis."""
    start, stop = curve.within(x)
    if start == stop:  # between two points: the line between them is what is seen
        start, stop = max(start - 1, 0), stop + 1
    values = [curve.drawn, curve.low, curve.high]
    if with_logged and curve.is_smoothed:
        values.append(curve.logged)
    return [each[start:stop] for each in values if each is not None and start < stop]


def _ends(parts: Iterable[Floats], log: bool) -> tuple[float, float]:
    """Lowest and highest finite value, of those above zero for a logarithm; NaN where there is none."""
    low, high = np.inf, -np.inf
    for values in parts:
        if not values.size:
            continue
        least, most = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        if not (np.isfinite(least) and np.isfinite(most)) or (log and least <= 0):
            values = _usable(values, log)
            if not values.size:
                continue
            least, most = float(values.min()), float(values.max())
        low, high = min(low, least), max(high, most)
    return (low, high) if low <= high else (float("nan"), float("nan"))


def _without_outliers(parts: Sequence[Floats], low: float, high: float, log: bool) -> tuple[float, float]:
    sample = _usable(np.concatenate([values[:: values.size // _SAMPLE + 1] for values in parts]), log)
    if sample.size < 10:
        return low, high
    if log:
        sample = np.log10(sample)
    bottom, top = np.quantile(sample, [OUTLIER_SHARE, 1 - OUTLIER_SHARE], method="nearest")
    with np.errstate(over="ignore"):
        room = (top / 2 - bottom / 2) * 0.2
        bottom, top = (np.power(10.0, each) if log else each for each in (bottom - room, top + room))
    return (max(low, float(bottom)), min(high, float(top))) if bottom < top else (low, high)


def _usable(values: Floats, log: bool) -> Floats:
    finite = values[np.isfinite(values)]
    return finite[finite > 0] if log else finite
