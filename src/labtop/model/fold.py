"""Folds a metric's points into its summary, one at a time, in constant memory.

The recorder folds as it logs; a reader folds what a killed process had not folded yet. Both start from the
summary that is there, so no point is read twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from labtop.model.run import MetricSummary

SPARK_LENGTH = 64
_WORTH_IT = 4  # points; for fewer the plain way is quicker


class SparkFold:
    """Up to 64 numbers; each pair is the lowest and highest value of a stretch, in the order they came.

    When the row is full, neighbouring stretches are joined: the extremes of both remain, so a spike stays.
    NaN counts only where a stretch has nothing else.
    """

    __slots__ = ("_open", "_stretch", "numbers")

    def __init__(self, numbers: Iterable[float] = (), count: int = 0) -> None:
        self.numbers = list(numbers)
        self._stretch = 2  # points a pair stands for
        while math.ceil(count / self._stretch) * 2 > SPARK_LENGTH:
            self._stretch *= 2
        self._open = count % self._stretch  # points in the last, unfinished pair

    def add(self, value: float) -> None:
        """Add the next value."""
        numbers = self.numbers
        if self._stretch == 2 and len(numbers) < SPARK_LENGTH:
            numbers.append(value)
            self._open = (self._open + 1) % 2
            return
        if self._open == 0:
            if len(numbers) >= SPARK_LENGTH:
                self._join()
            self.numbers += (value, value)
            self._open = 1
            return
        first, second = numbers[-2], numbers[-1]
        if not (first <= value <= second or second <= value <= first):  # else it changes nothing, as most do
            numbers[-2:] = _extremes((first, second, value))
        self._open = (self._open + 1) % self._stretch

    def add_all(self, values: Sequence[float]) -> None:
        """Add values in their order, none of them NaN: the same as one by one, in a fraction of the time."""
        at, numbers = 0, self.numbers
        if self._stretch == 2 and len(numbers) < SPARK_LENGTH:
            at = min(SPARK_LENGTH - len(numbers), len(values))
            numbers += values[:at]
            self._open = len(numbers) % 2
        while at < len(values):
            if self._open == 0:
                self.add(values[at])
                at += 1
                continue
            some = values[at : at + self._stretch - self._open]
            low, high = (self.numbers[-2], self.numbers[-1])
            if not (min(low, high) <= min(some) and max(some) <= max(low, high)):  # NaN compares false
                self.numbers[-2:] = _extremes((low, high, *some))
            self._open = (self._open + len(some)) % self._stretch
            at += len(some)

    def _join(self) -> None:
        joined: list[float] = []
        for at in range(0, len(self.numbers), 4):
            joined += _extremes(self.numbers[at : at + 4])
        self.numbers = joined
        self._stretch *= 2


def _extremes(values: Iterable[float]) -> tuple[float, float]:
    """The lowest and the highest of some values, in the order they came; NaN only where there is nothing else."""
    known = [value for value in values if value == value]
    if not known:
        return math.nan, math.nan
    low, high = min(known), max(known)
    return (low, high) if known.index(low) <= known.index(high) else (high, low)


class SummaryFold:
    """A summary that grows point by point; `summary()` gives it as a value."""

    __slots__ = (
        "_known", "_mean", "count", "first", "goal", "last", "last_step", "max", "max_step", "min", "min_step",
        "nan_count", "rank", "spark",
    )  # fmt: skip

    def __init__(self, start: MetricSummary | None = None) -> None:
        start = start or MetricSummary()
        self.goal, self.rank = start.goal, start.rank
        self.count, self.nan_count = start.count, start.nan_count
        self.first, self.last, self.last_step = start.first, start.last, start.last_step
        self.min, self.min_step, self.max, self.max_step = (
            start.min,
            start.min_step,
            start.max,
            start.max_step,
        )
        self._mean = start.mean or 0.0
        self._known = start.count - start.nan_count
        self.spark = SparkFold(start.spark, start.count)

    def add(self, step: float, value: float) -> None:
        """Add the next point in logged order."""
        if self.count == 0:
            self.first = value
        self.count += 1
        self.last, self.last_step = value, step
        self.spark.add(value)
        if value != value:
            self.nan_count += 1
            return
        self._known += 1
        mean = self._mean
        if -1e300 < value < 1e300 and -1e300 < mean < 1e300:  # the usual case
            self._mean = mean + (value - mean) / self._known
        elif math.isinf(value) or math.isinf(mean):
            self._mean = value + mean
        else:  # a running mean cannot overflow where a sum would
            self._mean = mean * ((self._known - 1) / self._known) + value / self._known
        if self.min is None or value < self.min:
            self.min, self.min_step = value, step
        if self.max is None or value > self.max:
            self.max, self.max_step = value, step

    def add_all(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """Add points in logged order: what `add` does to each, but that the mean may differ in its last digits."""
        total = sum(values)
        if len(values) < _WORTH_IT or not -1e300 < total < 1e300 or not -1e300 < self._mean < 1e300:
            for step, value in zip(steps, values, strict=True):
                self.add(step, value)
            return
        if self.count == 0:
            self.first = values[0]
        self.count += len(values)
        self.last, self.last_step = values[-1], steps[-1]
        self.spark.add_all(values)
        self._known += len(values)
        self._mean += (total - len(values) * self._mean) / self._known
        low, high = min(values), max(values)
        if self.min is None or low < self.min:
            self.min, self.min_step = low, steps[values.index(low)]
        if self.max is None or high > self.max:
            self.max, self.max_step = high, steps[values.index(high)]

    def summary(self) -> MetricSummary:
        """The summary of all points so far."""
        return MetricSummary(
            goal=self.goal,
            count=self.count,
            nan_count=self.nan_count,
            first=self.first,
            last=self.last,
            last_step=self.last_step,
            min=self.min,
            min_step=self.min_step,
            max=self.max,
            max_step=self.max_step,
            mean=self._mean if self._known else None,
            spark=tuple(self.spark.numbers),
            rank=self.rank,
        )
