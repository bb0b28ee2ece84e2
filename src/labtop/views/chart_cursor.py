"""Where a cursor on a chart goes: from point to point, but never less than a cell, so that each key is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from labtop.views.chart import Chart, Picture
from labtop.views.chart_curves import Curve


def next_x(curves: Sequence[Curve], after: float, direction: int, low: float, high: float) -> float | None:
    """The nearest x with a point strictly beyond `after` in a direction (1 or -1), from low to high; or None."""
    found = []
    for curve in curves:
        if direction > 0:
            place = int(np.searchsorted(curve.x, max(after, math.nextafter(low, -math.inf)), "right"))
        else:
            place = int(np.searchsorted(curve.x, min(after, math.nextafter(high, math.inf)), "left")) - 1
        if 0 <= place < curve.x.size and low <= curve.x[place] <= high:
            found.append(float(curve.x[place]))
    return (min(found) if direction > 0 else max(found)) if found else None


def end_x(chart: Chart, picture: Picture, direction: int) -> float | None:
    """The first (-1) or last (1) x with a point that is in sight."""
    low, high = picture.x.low, picture.x.high
    start = math.nextafter(high, math.inf) if direction > 0 else math.nextafter(low, -math.inf)
    return next_x(chart.curves, start, -direction, low, high)


def moved_x(chart: Chart, picture: Picture, x: float | None, direction: int, cells: int = 1) -> float | None:
    """The x of the next point at least so many cells away; None where there is none in sight.

    Without a cursor yet, the end that the key comes from: the last point for left, the first for right.
    """
    if x is None:
        return end_x(chart, picture, -direction)
    cell = picture.cell_at(x) + direction * cells
    end = end_x(chart, picture, direction)
    if not 0 <= cell < picture.plot_width:
        return end if end is not None and (end - x) * direction > 0 else None
    low, high = picture.cell_x(cell)
    start = (
        max(x, math.nextafter(low, -math.inf)) if direction > 0 else min(x, math.nextafter(high, math.inf))
    )
    found = next_x(chart.curves, start, direction, picture.x.low, picture.x.high)
    return end if found is None and cells > 1 else found
