"""Curves that are no metric over steps: ROC, precision and recall, calibration, a learning-rate range test, …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from labtop.model.values.arrays import as_array, as_numbers, held, held_bytes
from labtop.model.values.base import RichValue
from labtop.model.values.scoring import pr_line, roc_line, sides
from labtop.model.values.thinning import thin

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MOST_POINTS = 1000
"""Of one line; of many lines together twenty times as many, and fifty of each at least."""
MOST_LINES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class CurveLine:
    """One line: arrays of one length. `area` is under it (ROC: AUC; precision and recall: average precision).

    `threshold` is the score at each point, where there is one; `of_points` how many there were before thinning.
    """

    name: str
    x: Floats
    y: Floats
    threshold: Floats | None = None
    area: float | None = None
    of_points: int = 0
    note: str = ""


class Curve(RichValue):
    """One or more lines over an x of their own. `Curve.roc` and `Curve.pr` compute them from scores.

    Arguments:
        x, y: numbers; `y` may be a mapping of names to numbers, for several lines over one x.
        x_name, y_name: what the axes show.
    """

    kind: ClassVar[str] = "curve"

    def __init__(self, x: Any = None, y: Any = None, x_name: str = "x", y_name: str = "y") -> None:
        self.form = "curve"
        self.x_name = str(x_name)
        self.y_name = str(y_name)
        self.skipped = 0  # rows without a score
        self._given: tuple[Any, ...] = (x, y)
        self._lines: tuple[CurveLine, ...] | None = None

    @classmethod
    def roc(
        cls, y_true: Any, y_score: Any, labels: Sequence[Any] | None = None, positive: Any = None
    ) -> Curve:
        """True positive rate over false positive rate; `area` is the AUC.

        Arguments:
            y_true: the actual classes; for several labels a row, an array of 0 and 1 with a column a label.
            y_score: how likely the positive class is, higher for more; of several classes a column for each.
            labels: names of the classes, in the order of the columns.
            positive: which of two classes is the positive one; by default the greater.
        """
        return cls._scored("roc", y_true, y_score, labels, positive)

    @classmethod
    def pr(
        cls, y_true: Any, y_score: Any, labels: Sequence[Any] | None = None, positive: Any = None
    ) -> Curve:
        """Precision over recall; `area` is the average precision. Arguments as of `roc`."""
        return cls._scored("pr", y_true, y_score, labels, positive)

    @classmethod
    def _scored(cls, form: str, *given: Any) -> Curve:
        names = ("false positive rate", "true positive rate") if form == "roc" else ("recall", "precision")
        curve = cls(x_name=names[0], y_name=names[1])
        curve.form, curve._given = form, given
        return curve

    @classmethod
    def of_lines(
        cls, form: str, lines: Sequence[CurveLine], x_name: str, y_name: str, skipped: int = 0
    ) -> Curve:
        """A curve whose lines are computed."""
        curve = cls(x_name=x_name, y_name=y_name)
        curve.form, curve._lines, curve.skipped = form, tuple(lines), skipped
        return curve

    def snapshot(self) -> Self:
        """A copy of the numbers."""
        copy = type(self)(x_name=self.x_name, y_name=self.y_name)
        copy.form, copy.skipped, copy._lines = self.form, self.skipped, self._lines
        if self._lines is not None:
            return copy
        if self.form == "curve":
            x, y = self._given
            if y is None:
                raise ValueError("a curve needs x and y")
            ys = {str(name): each for name, each in y.items()} if isinstance(y, Mapping) else {"": y}
            copy._given = (held(x), {name: held(each) for name, each in ys.items()})
            lengths = {_length(copy._given[0]), *map(_length, copy._given[1].values())}
            if len(lengths) > 1:
                raise ValueError(f"x and y of a curve are of one length, not {sorted(lengths)}")
        else:
            true, score, labels, positive = self._given
            copy._given = (
                held(true),
                held(score),
                None if labels is None else list(labels),
                positive,
            )
        return copy

    @property
    def weight(self) -> int:
        """Bytes of the numbers."""
        flat = (each.values() if isinstance(each, dict) else (each,) for each in self._given)
        return sum(held_bytes(each) for group in flat for each in group)

    def finished(self) -> Self:
        """With its lines computed and thinned."""
        if self._lines is not None:
            return self
        ready = self.snapshot()
        if ready.form == "curve":
            x, ys = ready._given
            x = as_numbers(x)
            lines = [CurveLine(name, x, as_numbers(y), of_points=len(x)) for name, y in ys.items()]
        else:
            compute = roc_line if ready.form == "roc" else pr_line
            true, score, labels, positive = ready._given
            scored = sides(as_array(true), as_array(score), labels, positive)
            ready.skipped = scored.skipped
            lines = [
                CurveLine(name, *compute(is_positive, score), of_points=0, note="")
                for name, is_positive, score in scored.classes
            ]
        if len(lines) > MOST_LINES:
            raise ValueError(f"a curve has at most {MOST_LINES} lines, not {len(lines)}")
        most = max(50, min(MOST_POINTS, 20 * MOST_POINTS // max(len(lines), 1)))
        ready._lines = tuple(_thinned(line, most) for line in lines)
        return ready

    @property
    def lines(self) -> tuple[CurveLine, ...]:
        """The lines, thinned to what can be seen."""
        return self.finished()._lines or ()

    @property
    def area(self) -> float | None:
        """The area under it: AUC or average precision, of several lines their mean; None where it is not defined."""
        areas = [line.area for line in self.lines if line.area is not None]
        return sum(areas) / len(areas) if areas else None

    def __repr__(self) -> str:
        return f"Curve({self.form}, {self.y_name} over {self.x_name})"


def _length(held: Any) -> int:
    return len(held) if isinstance(held, list) else int(held.size)


def _thinned(line: CurveLine, most: int) -> CurveLine:
    import numpy as np

    count = len(line.x)
    rises = bool((np.diff(line.x) >= 0).all() or (np.diff(line.x) <= 0).all())
    if rises and np.isfinite(line.x).all() and np.isfinite(line.y).all():
        kept = thin(line.x, line.y, most)
    else:  # a line that turns back, or with gaps, has no hull: every n-th point
        kept = np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(np.int64))
    threshold = None if line.threshold is None else line.threshold[kept]
    return replace(line, x=line.x[kept], y=line.y[kept], threshold=threshold, of_points=count)
