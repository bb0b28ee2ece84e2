"""From logged points to curves ready to draw: which x, how much smoothing, one run or the mean of several.

A curve always keeps the values that were logged beside those that are drawn, and counts what cannot be drawn, so
that the reading at the cursor is the truth and nothing is left out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from labtop.query.ranks import NO_TIME
from labtop.views.chart_scale import Floats, Scale
from labtop.views.chart_ticks import AxisKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labtop.query.series import Series

POINTS_AT_ONCE = 100_000  # of a mean, so that ten runs of a million points need no table of ten million
Behind = Literal["raw", "std", "range", "nothing"]
"""What is drawn behind a line: logged points behind a smoothed curve; mean ± std or min–max behind a mean."""


@dataclass(frozen=True, slots=True)
class XAxis:
    """What x is: "step", "relative" (seconds since the start), "clock" (seconds since the epoch) or a metric."""

    kind: AxisKind = "step"
    metric: str | None = None

    @property
    def title(self) -> str:
        """The axis in a word."""
        return self.metric or {"step": "step", "relative": "time since start", "clock": "time"}.get(
            self.kind, "x"
        )


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How a curve is smoothed: "ema" with the weight of the past (0 to 1), or "window" of so many points."""

    method: Literal["ema", "window"] = "ema"
    amount: float = 0.0

    @property
    def is_on(self) -> bool:
        """Whether it changes anything."""
        return self.amount > (1 if self.method == "window" else 0)

    def apply(self, values: Floats) -> Floats:
        """Smoothed values; NaN and infinities stay where they were and do not spread."""
        from labtop.query.smoothing import smooth_ema, smooth_window

        if not self.is_on or values.size == 0:
            return values
        if self.method == "ema":
            smoothed: Floats = smooth_ema(values, 1.0 - self.amount)
        else:
            smoothed = smooth_window(values, int(self.amount))
        return smoothed

    def __str__(self) -> str:
        if not self.is_on:
            return ""
        return f"EMA {self.amount:g}" if self.method == "ema" else f"window {self.amount:g}"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line: `x` sorted and without NaN; `drawn` what is drawn at it, `logged` what was logged, at `steps`.

    `low` and `high` are the band of a mean, `counts` the runs behind each of its points.
    """

    key: str  # the run's id, or what names the group
    label: str
    glyph: str
    colour: str
    x: Floats
    drawn: Floats
    logged: Floats
    steps: Floats
    low: Floats | None = None
    high: Floats | None = None
    counts: Floats | None = None
    runs: int = 1
    nan_count: int = 0
    infinity_count: int = 0
    without_x: int = 0  # points that have no x: the metric on the x axis was not logged at their step
    is_interpolated: bool = False  # the runs of a mean were logged at different steps
    last: float | None = None  # the value logged last, whatever the x axis

    @property
    def is_smoothed(self) -> bool:
        """Whether what is drawn differs from what was logged."""
        return self.drawn is not self.logged

    def within(self, axis: Scale) -> tuple[int, int]:
        """Where the points on an x axis start and stop."""
        return int(np.searchsorted(self.x, axis.low, "left")), int(
            np.searchsorted(self.x, axis.high, "right")
        )


@dataclass(frozen=True, slots=True)
class Face:
    """How a curve is told from others: its name, shape and colour."""

    key: str
    label: str
    glyph: str
    colour: str


def curve_of_run(
    face: Face,
    series: Series,
    axis: XAxis,
    smoothing: Smoothing = Smoothing(),
    started_us: int | None = None,
    x_series: Series | None = None,
) -> Curve:
    """The curve of one run's metric. `x_series` is the metric on the x axis where `axis` names one."""
    steps = np.asarray(series.steps, dtype=np.float64)
    logged = np.asarray(series.values, dtype=np.float64)
    curve = Curve(
        face.key, face.label, face.glyph, face.colour, steps, smoothing.apply(logged), logged, steps,
        nan_count=int(np.count_nonzero(np.isnan(logged))), infinity_count=int(np.count_nonzero(np.isinf(logged))),
        last=float(logged[-1]) if logged.size else None,
    )  # fmt: skip
    return _sorted(replace(curve, x=_x_of(series, steps, axis, started_us, x_series)))


def curve_of_group(
    face: Face,
    members: Sequence[Curve],
    smoothing: Smoothing = Smoothing(),
    behind: Behind = "std",
) -> Curve:
    """The mean of several runs' unsmoothed curves at each x, with mean ± std or min–max as its band.

    Runs that were logged at the same x are averaged there. Where most x that could be shared are not, each run is
    interpolated onto the x of all, within its own range.
    """
    filled = [each for each in members if each.x.size]
    if not filled:
        nothing: Floats = np.empty(0)
        return Curve(
            face.key, face.label, face.glyph, face.colour, nothing, nothing, nothing, nothing, runs=0
        )
    x = np.unique(np.concatenate([each.x for each in filled]))
    is_interpolated = _is_shared_too_little(filled, x)
    parts = [
        _mean_of(filled, x[at : at + POINTS_AT_ONCE], is_interpolated, behind)
        for at in range(0, x.size, POINTS_AT_ONCE)
    ]
    mean, low, high, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    has_band = behind in ("std", "range")
    ends = [each.last for each in filled if each.last is not None and np.isfinite(each.last)]
    return Curve(
        face.key, face.label, face.glyph, face.colour, x, smoothing.apply(mean), mean, _steps_at(filled, x),
        low=smoothing.apply(low) if has_band else None, high=smoothing.apply(high) if has_band else None,
        counts=counts, runs=len(filled), nan_count=sum(each.nan_count for each in filled),
        infinity_count=sum(each.infinity_count for each in filled),
        without_x=sum(each.without_x for each in filled), is_interpolated=is_interpolated,
        last=sum(each / len(ends) for each in ends) if ends else None,
    )  # fmt: skip


def _mean_of(
    curves: Sequence[Curve], x: Floats, is_interpolated: bool, behind: Behind
) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, lower and upper end of the band, and the number of runs, at each x."""
    table = np.stack([_onto(each, x, is_interpolated) for each in curves])
    known = np.isfinite(table)
    counts = known.sum(axis=0).astype(np.float64)
    with np.errstate(all="ignore"):
        mean = np.where(counts > 0, np.sum(np.where(known, table / counts, 0.0), axis=0), _limits(table))
        if behind == "range":
            low = np.where(counts > 1, np.min(np.where(known, table, np.inf), axis=0), np.nan)
            high = np.where(counts > 1, np.max(np.where(known, table, -np.inf), axis=0), np.nan)
        else:
            spread = np.sum(np.where(known, (table - mean) ** 2 / (counts - 1), 0.0), axis=0)
            std = np.where(counts > 1, np.sqrt(spread), np.nan)
            low, high = mean - std, mean + std
    return mean, low, high, counts


def _limits(table: Floats) -> Floats:
    """By x, for where no run has a finite value: the infinity that one has, else NaN."""
    return np.where(
        (table == np.inf).any(axis=0), np.inf, np.where((table == -np.inf).any(axis=0), -np.inf, np.nan)
    )


def _is_shared_too_little(curves: Sequence[Curve], x: Floats) -> bool:
    """Whether, of the x that lie within several curves, most are in one of them only."""
    there, within = np.zeros(x.size, dtype=np.intp), np.zeros(x.size, dtype=np.intp)
    for each in curves:
        there[np.searchsorted(x, each.x)] += 1
        within[np.searchsorted(x, each.x[0]) : np.searchsorted(x, each.x[-1], "right")] += 1
    several = within > 1
    return bool(several.any()) and float(np.mean(there[several] > 1)) < 0.5


def _x_of(series: Series, steps: Floats, axis: XAxis, started_us: int | None, other: Series | None) -> Floats:
    """The x of each point; NaN where there is none."""
    if axis.metric is not None:
        if other is None or not len(other.steps):
            return np.full(steps.size, np.nan)
        theirs = np.asarray(other.steps, dtype=np.float64)
        place = np.minimum(np.searchsorted(theirs, steps), theirs.size - 1)
        return np.where(theirs[place] == steps, np.asarray(other.values, dtype=np.float64)[place], np.nan)
    if axis.kind == "step":
        return steps
    logged_us = np.asarray(series.times_us, dtype=np.int64)
    times = np.where(logged_us == NO_TIME, np.nan, logged_us / 1e6)
    if axis.kind == "relative":
        origin = started_us / 1e6 if started_us is not None else float(times[0]) if times.size else 0.0
        return np.asarray(times - origin)
    return times


def _sorted(curve: Curve) -> Curve:
    """The curve in the order of x, without the points that have none."""
    x = curve.x
    usable = np.isfinite(x)
    lost = int(x.size - np.count_nonzero(usable))
    if not lost and (x.size < 2 or bool(np.all(x[1:] >= x[:-1]))):
        return curve
    order = np.flatnonzero(usable)
    order = order[np.argsort(x[order], kind="stable")]
    logged = curve.logged[order]
    drawn = curve.drawn[order] if curve.is_smoothed else logged
    return replace(curve, x=x[order], drawn=drawn, logged=logged, steps=curve.steps[order], without_x=lost)


def _onto(curve: Curve, x: Floats, interpolate: bool) -> Floats:
    """A curve's values at other x; NaN where it has none."""
    if interpolate:
        finite = np.isfinite(curve.logged)
        if not finite.any():
            return np.full(x.size, np.nan)
        return np.interp(x, curve.x[finite], curve.logged[finite], left=np.nan, right=np.nan)
    values = np.full(x.size, np.nan)
    start, stop = np.searchsorted(curve.x, x[0], "left"), np.searchsorted(curve.x, x[-1], "right")
    values[np.searchsorted(x, curve.x[start:stop])] = curve.logged[start:stop]
    return values


def _steps_at(curves: Sequence[Curve], x: Floats) -> Floats:
    """The step at each x, from the first run that has it."""
    steps = np.full(x.size, np.nan)
    for each in reversed(curves):
        steps[np.searchsorted(x, each.x)] = each.steps
    return steps
