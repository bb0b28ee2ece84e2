"""What a chart is, and what comes out when it is drawn: values only.

Every piece of text of a picture carries an `Ink` that names what it is; the widget decides which colour that has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labtop.views.chart_curves import Curve, XAxis
from labtop.views.chart_raster import ASCII, BRAILLE, NOBODY, DotSet
from labtop.views.chart_scale import Scale

Role: TypeAlias = Literal["blank", "label", "line", "back", "marker", "lost", "cursor"]


class Ink(NamedTuple):
    """What a piece of a chart is, and of which curve (its place in `Chart.curves`)."""

    role: Role
    curve: int = NOBODY


class Piece(NamedTuple):
    """Text of one ink."""

    text: str
    ink: Ink


STEPS = XAxis()
BLANK = Ink("blank")
LABEL = Ink("label")


class Symbols(NamedTuple):
    """Signs around and in a plot; none that marks a run, none of a width that depends on the terminal's language."""

    y_tick: str
    x_tick: str
    above: str
    below: str
    nan: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Pen:
    """What a chart is drawn with. `is_plain` is without colours: markers are then strewn along the lines."""

    dots: DotSet = BRAILLE
    is_ascii: bool = False
    is_plain: bool = False

    @property
    def symbols(self) -> Symbols:
        """The signs that this pen can write."""
        return Symbols(*("-|^_x|" if self.is_ascii else "╶╵⇡⇣✗╎"))


BRAILLE_PEN = Pen()
ASCII_PEN = Pen(ASCII, is_ascii=True)


@dataclass(frozen=True, slots=True)
class Chart:
    """What is shown of one metric. `curves` lie over one another in their order, the one in focus on top.

    Charts of the same curves looked at in the same way are equal, so that nothing is drawn twice.
    """

    title: str
    curves: tuple[Curve, ...]
    axis: XAxis = STEPS
    goal: str | None = None
    log_x: bool = False
    log_y: bool = False
    robust: bool = False
    with_logged: bool = True  # logged points behind smoothed curves
    x: Scale | None = None  # the stretch of x that is shown; None: all
    focus: str | None = None  # key of a curve
    baseline: str | None = None
    left_out: int = 0  # lines that are not drawn, for there are too many
    without: int = 0  # runs that are looked at and did not log the metric

    @property
    def points(self) -> int:
        """How many points have to be gone through to draw it."""
        return sum(curve.x.size for curve in self.curves)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A drawn chart: lines of pieces, where in it the plot lies, and what it leaves out."""

    width: int
    height: int
    lines: tuple[tuple[Piece, ...], ...]
    left: int
    top: int
    plot_width: int
    plot_height: int
    x: Scale
    y: Scale
    dots: DotSet
    filled: NDArray[np.bool_]  # cells of the plot with something in them
    cut_above: int = 0  # points beyond the y axis
    cut_below: int = 0
    not_positive: int = 0  # points that a logarithmic axis cannot show

    def cell_of(self, x: float, y: float) -> tuple[int, int] | None:
        """Line and cell of a point within the picture; None where it is not on the plot."""
        at_x, at_y = self.x.fraction(x), self.y.fraction(y)
        if not (-1e-9 <= at_x <= 1 + 1e-9 and -1e-9 <= at_y <= 1 + 1e-9):
            return None
        columns, rows = self.plot_width * self.dots.across, self.plot_height * self.dots.down
        column, row = int(at_x * (columns - 1) + 0.5), int((1 - at_y) * (rows - 1) + 0.5)
        return self.top + row // self.dots.down, self.left + column // self.dots.across

    def cell_x(self, cell: int) -> tuple[float, float]:
        """The stretch of x that lies in a cell of the plot (0 is the first)."""
        columns = max(self.plot_width * self.dots.across - 1, 1)
        ends = np.array([cell * self.dots.across - 0.5, (cell + 1) * self.dots.across - 0.5]) / columns
        low, high = self.x.values(np.clip(ends, 0.0, 1.0))
        return float(low), float(high)

    def cell_at(self, x: float) -> int:
        """The cell of the plot in which an x lies, not clipped to the plot."""
        columns = self.plot_width * self.dots.across
        at = min(max(self.x.fraction(x), -10.0), 10.0) * (columns - 1)
        return int(np.floor(at + 0.5)) // self.dots.across
