"""Fewer points of a line that look the same: the upper hull stays, then the corners that stand out most."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def thin(x: Floats, y: Floats, most: int) -> npt.NDArray[np.int64]:
    """The places of at most `most` points of a line along which x never turns; both ends are among them.

    First come the corners of the upper convex hull, the farthest out first: they are what a ROC curve can be judged
    by. Then the line is refined where it strays most from what is kept (Douglas and Peucker 1973), until nothing
    strays or the room is used up.
    """
    import numpy as np

    if len(x) <= max(most, 2):
        return np.arange(len(x))
    kept = {0, len(x) - 1}
    _refine(x, y, kept, most, above_only=True)
    _refine(x, y, kept, most, above_only=False)
    return np.array(sorted(kept), dtype=np.int64)


def _refine(x: Floats, y: Floats, kept: set[int], most: int, above_only: bool) -> None:
    """Add the point farthest from each chord between neighbours in `kept`, the farthest of all first."""
    import numpy as np

    sense = 1.0 if x[-1] >= x[0] else -1.0  # above is left of the way to the right
    waiting: list[tuple[float, int, int, int]] = []

    def consider(low: int, high: int) -> None:
        if high - low < 2:
            return
        dx, dy = x[high] - x[low], y[high] - y[low]
        inner = slice(low + 1, high)
        off = sense * (dx * (y[inner] - y[low]) - dy * (x[inner] - x[low]))
        if not above_only:
            off = np.abs(off) + (0.0 if dx or dy else np.hypot(x[inner] - x[low], y[inner] - y[low]))
        best = int(np.argmax(off))
        if off[best] > 1e-12:
            heapq.heappush(waiting, (-float(off[best]), low, high, low + 1 + best))

    places = sorted(kept)
    for low, high in itertools.pairwise(places):
        consider(low, high)
    while waiting and len(kept) < most:
        _, low, high, best = heapq.heappop(waiting)
        kept.add(best)
        consider(low, best)
        consider(best, high)
