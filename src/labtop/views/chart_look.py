"""How curves are looked at, as a value: axes, smoothing, seeds, and the steps that keys take through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from labtop.views.chart_curves import Behind, Smoothing, XAxis
from labtop.views.chart_scale import Scale
from labtop.views.chart_ticks import AxisKind

EMA_AMOUNTS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
WINDOW_AMOUNTS = (1.0, 5.0, 11.0, 25.0, 51.0, 101.0, 251.0, 501.0, 1001.0)
AXES: tuple[AxisKind, ...] = ("step", "relative", "clock")
BANDS: tuple[Behind, ...] = ("std", "range", "nothing")
RANKS = ("0", "mean", "min", "max", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesView:
    """How curves are looked at: everything but which runs and metrics."""

    axis: XAxis = field(default_factory=XAxis)
    smoothing: Smoothing = field(default_factory=Smoothing)
    log_x: bool = False
    log_y: bool = False
    robust: bool = False
    averaged: bool = False  # runs that are the same but for the seed become one curve
    band: Behind = "std"  # behind a mean
    with_logged: bool = True  # logged points behind a smoothed curve
    ranks: str = "0"  # whose points, where several processes logged a metric; see query/ranks.py
    x: Scale | None = None  # the stretch that is shown; None: all

    def next_axis(self) -> XAxis:
        """Step, time since the start, clock time, and round again."""
        at = len(AXES) - 1 if self.axis.metric else AXES.index(self.axis.kind)
        return XAxis(AXES[(at + 1) % len(AXES)])

    def smoothed(self, by: int) -> CurvesView:
        """One step smoother (1) or less smooth (-1)."""
        ladder = _ladder(self.smoothing)
        amount = ladder[max(0, min(_rung(self.smoothing) + by, len(ladder) - 1))]
        return replace(self, smoothing=replace(self.smoothing, amount=amount))

    def smoothed_otherwise(self) -> CurvesView:
        """By the other method, about as much."""
        other = Smoothing("ema" if self.smoothing.method == "window" else "window")
        ladder = _ladder(other)
        return replace(
            self, smoothing=replace(other, amount=ladder[min(_rung(self.smoothing), len(ladder) - 1)])
        )

    def next_band(self) -> CurvesView:
        """Mean ± std, min–max, no band, and round again."""
        return replace(self, band=BANDS[(BANDS.index(self.band) + 1) % len(BANDS)])

    def next_ranks(self) -> CurvesView:
        """Rank 0, the mean, the lowest and the highest over the ranks, every rank, and round again."""
        at = RANKS.index(self.ranks) if self.ranks in RANKS else -1
        return replace(self, ranks=RANKS[(at + 1) % len(RANKS)])

    def words(self) -> list[str]:
        """What is not as usual, in a word or two each."""
        said = [str(self.smoothing)] if self.smoothing.is_on else []
        if self.averaged:
            said.append(
                {"std": "mean ± std", "range": "mean, min-max"}.get(self.band, "mean") + " over seeds"
            )
        said += ["log y"] if self.log_y else []
        said += ["outliers cut"] if self.robust else []
        said += ["zoomed"] if self.x is not None else []
        return said


def _ladder(smoothing: Smoothing) -> Sequence[float]:
    return EMA_AMOUNTS if smoothing.method == "ema" else WINDOW_AMOUNTS


def _rung(smoothing: Smoothing) -> int:
    return max(0, sum(each <= smoothing.amount for each in _ladder(smoothing)) - 1)
