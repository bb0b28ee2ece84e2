"""A metric's sparkline as twelve characters: 0-7 low to high, n for NaN, space for none.

Each cell stands for a stretch of the record's up to 64 numbers and shows the one of its two extremes that lies
farther from the run's mean. Low and high are those of the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from labtop.model.run import MetricSummary

CELLS = 12
_LEVELS = 8
_DIGITS = "01234567"
_QUICK_DIGITS = _DIGITS + _DIGITS[-1]  # the highest number is at the upper end of the highest level
_LARGE = 1e300


def spark_text(summary: MetricSummary) -> str | None:
    """The sparkline of a metric; None when nothing was logged."""
    numbers = summary.spark
    if not numbers:
        return None
    if len(numbers) > CELLS and summary.mean is not None and (cells := _quickly(numbers, summary)):
        return cells
    low = (
        _end(summary.min, numbers, min) / 2
    )  # halves, so that no difference of two numbers is too large for one
    high = _end(summary.max, numbers, max) / 2
    if len(numbers) <= CELLS:
        return "".join([_level(each, low, high) for each in numbers]).ljust(CELLS)
    return "".join(_cells(numbers, summary.mean or 0.0, low, high))


def _quickly(numbers: Sequence[float], summary: MetricSummary) -> str | None:
    """The sparkline where all is as usual, in a third of the time; None where NaN or infinity are in the way."""
    low, high, twice = summary.min, summary.max, 2 * (summary.mean or 0.0)
    if low is None or high is None or not 0 < high - low < _LARGE:
        return None
    scale = _LEVELS / (high - low)
    try:
        if len(numbers) <= 2 * CELLS:
            levels = []
            for first, last in _ends(len(numbers)):
                one, other = numbers[first], numbers[last]
                if (one < other) is (one + other >= twice):
                    one = other
                levels.append(int((one - low) * scale))
        else:
            some = [numbers[stretch] for stretch in _stretches(len(numbers))]
            levels = [
                int(((top if top + bottom >= twice else bottom) - low) * scale)
                # NaN, if it comes first in a stretch, stays both its maximum and its minimum, and is no integer
                for top, bottom in zip(map(max, some), map(min, some), strict=True)
            ]
    except (ValueError, OverflowError):
        return None
    if min(levels) < 0 or max(levels) > _LEVELS:  # a foreign summary: numbers beyond its minimum or maximum
        return None
    return "".join(map(_QUICK_DIGITS.__getitem__, levels))


@lru_cache(64)
def _stretches(count: int) -> tuple[slice, ...]:
    return tuple(slice(cell * count // CELLS, (cell + 1) * count // CELLS) for cell in range(CELLS))


@lru_cache(64)
def _ends(count: int) -> tuple[tuple[int, int], ...]:
    """The first and the last place of stretches of one or two."""
    return tuple((each.start, each.stop - 1) for each in _stretches(count))


def _cells(numbers: Sequence[float], mean: float, low: float, high: float) -> Iterator[str]:
    """The cells of any numbers; `low` and `high` are halves."""
    for stretch in _stretches(len(numbers)):
        some = [each for each in numbers[stretch] if each == each]
        shown = math.nan
        if some:
            top, bottom = max(some), min(some)
            middle = top / 2 + bottom / 2  # NaN where one is the highest there is and the other the lowest
            shown = top if middle != middle or middle >= mean else bottom
        yield _level(shown, low, high)


def _level(number: float, low: float, high: float) -> str:
    if number != number:
        return "n"
    if math.isinf(number):
        return "7" if number > 0 else "0"
    if low == high:
        return "3"
    level = _LEVELS * ((number / 2 - low) / (high - low))  # infinite where a foreign summary makes no sense
    return _DIGITS[int(max(0.0, min(7.0, level)))]


def _end(known: float | None, numbers: Sequence[float], extreme: Callable[[list[float]], float]) -> float:
    """The lowest or highest number of a run; that of its sparkline's finite ones where that is none."""
    if known is not None and math.isfinite(known):
        return known
    finite = [each for each in numbers if math.isfinite(each)]
    return extreme(finite) if finite else 0.0
