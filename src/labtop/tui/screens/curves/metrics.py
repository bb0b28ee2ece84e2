"""Which metrics the Curves screen shows: filtered, a page at a time, in a grid that suits the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

SMALLEST = (36, 8)  # cells of one chart in a grid
BEST_SHAPE = 4.5  # width over height, in cells, that charts read best at


def matching(metrics: Sequence[str], text: str) -> tuple[str, ...]:
    """The metrics that contain one of the words of `text`, or fit it as a pattern (`val/*`); all for no text."""
    words = text.casefold().replace(",", " ").split()
    if not words:
        return tuple(metrics)

    def fits(name: str, word: str) -> bool:
        return word in name or (any(each in word for each in "*?[") and fnmatchcase(name, word))

    return tuple(name for name in metrics if any(fits(name.casefold(), word) for word in words))


def grid_shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Columns and rows for `count` charts: as many as fit, as well shaped as possible."""
    most_columns = max(1, width // SMALLEST[0])
    most_rows = max(1, height // SMALLEST[1])
    best = (1, 1)
    best_price = math.inf
    for columns in range(1, most_columns + 1):
        rows = min(math.ceil(count / columns), most_rows)
        if rows < 1:
            continue
        unseen = max(0, count - columns * rows)
        shape = (width / columns) / (height / rows)
        price = unseen * 10 + abs(math.log(shape / BEST_SHAPE)) * 3 + max(0, columns * rows - count) * 0.5
        if price < best_price:
            best, best_price = (columns, rows), price
    return best


def page_of(current: int, count: int, size: int) -> range:
    """The places of the metrics on the page that holds `current`."""
    start = current // size * size
    return range(start, min(start + size, count))


def part_of(current: int, have_curves: Sequence[bool]) -> tuple[int, int]:
    """Where the metrics begin that share pages with `current`, and how many they are.

    Metrics with a curve to see come first, and share no page with those of single points.
    """
    curves = sum(have_curves)
    return (0, curves) if current < curves else (curves, len(have_curves) - curves)
