"""How values are spread: counts in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from labtop.model.values.arrays import as_array, as_numbers, held, held_bytes
from labtop.model.values.base import RichValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_BINS = 512


class Histogram(RichValue):
    """Counts of values in bins; NaN and infinities are counted beside them.

    Arguments:
        values: numbers of any shape.
        bins: how many, "auto" (as numpy chooses them, at most 512), or the edges.
        counts, edges: a histogram that is already made; one edge more than counts.
        np_histogram, num_bins: what wandb calls (counts, edges) and bins.
    """

    kind: ClassVar[str] = "histogram"

    def __init__(
        self,
        values: Any = None,
        np_histogram: tuple[Any, Any] | None = None,
        num_bins: int | None = None,
        *,
        bins: Any = "auto",
        counts: Any = None,
        edges: Any = None,
    ) -> None:
        if np_histogram is not None:
            counts, edges = np_histogram
        self._values = values
        self._bins = num_bins if num_bins is not None else bins
        self._counts = counts
        self._edges = edges
        self.nan_count = 0
        self.infinite_count = 0

    def snapshot(self) -> Self:
        """A copy of the numbers."""
        copy = type(self)(bins=self._bins)
        copy.nan_count, copy.infinite_count = self.nan_count, self.infinite_count
        if self._counts is not None:
            copy._counts, copy._edges = _checked(self._counts, self._edges)
        elif self._values is None:
            raise ValueError("a histogram needs values, or counts and edges")
        else:
            copy._values = held(self._values)
            if not isinstance(copy._values, list):
                _need_numbers(copy._values)
        return copy

    @property
    def weight(self) -> int:
        """Bytes of the numbers."""
        return held_bytes(self._values)

    def finished(self) -> Self:
        """With its counts."""
        import numpy as np

        if self._counts is not None:
            return self if isinstance(self._counts, np.ndarray) else self.snapshot()
        values = _need_numbers(as_array(self._values)).ravel()
        is_whole = values.dtype.kind in "biu"
        values = values.astype(np.float64)
        finite = values[np.isfinite(values)]
        done = type(self)(bins=self._bins)
        done.nan_count = int(np.isnan(values).sum())
        done.infinite_count = int(values.size - finite.size - done.nan_count)
        done._counts, done._edges = _count(finite, self._bins, is_whole)
        return done

    @property
    def counts(self) -> npt.NDArray[np.float64]:
        """How many values lie in each bin; the last bin includes its upper edge."""
        done = self.finished()
        return done._counts  # type: ignore[no-any-return]

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """The edges of the bins, rising, one more than there are bins."""
        done = self.finished()
        return done._edges  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Histogram({'values' if self._counts is None else f'{len(self._counts)} bins'})"


def _need_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind not in "biuf":
        raise TypeError(f"a histogram is of numbers, not of {values.dtype}")
    return values


def _checked(counts: Any, edges: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    import numpy as np

    if edges is None:
        raise ValueError("a histogram of counts needs their edges")
    counted, bounds = as_numbers(counts), as_numbers(edges)
    if len(bounds) != len(counted) + 1:
        raise ValueError(f"{len(counted)} counts need {len(counted) + 1} edges, not {len(bounds)}")
    if len(counted) > 100 * MOST_BINS:
        raise ValueError(f"a histogram has at most {100 * MOST_BINS} bins, not {len(counted)}")
    if not np.isfinite(bounds).all() or bool((bounds[1:] < bounds[:-1]).any()):
        raise ValueError("the edges of a histogram are finite and rise")
    return counted, bounds


def _count(
    finite: npt.NDArray[np.float64], bins: Any, is_whole: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    import numpy as np

    if isinstance(bins, str):
        bins = auto_bins(finite, is_whole)
    elif isinstance(bins, int):
        bins = max(1, min(bins, MOST_BINS))
    else:
        bins = as_numbers(bins)
    if finite.size == 0:
        edges = np.array([0.0, 1.0]) if isinstance(bins, int) else bins
        return np.zeros(len(edges) - 1), np.asarray(edges, dtype=np.float64)
    low, high = float(finite.min()), float(finite.max())
    if isinstance(bins, int) and not np.isfinite(high - low):  # the span of doubles overflows
        counts, edges = np.histogram(finite / 2, bins)
        return counts.astype(np.float64), np.clip(edges * 2, low, high)
    if isinstance(bins, int) and np.nextafter(low, high) >= high and low != high:
        bins = 1  # there is no number between the two ends
    try:
        counts, edges = np.histogram(finite, bins)
    except ValueError:  # too narrow for so many bins
        counts, edges = np.histogram(finite, 1)
    return counts.astype(np.float64), edges.astype(np.float64)


def auto_bins(finite: npt.NDArray[np.float64], is_whole: bool = False) -> int:
    """How many bins numpy's "auto" would choose, at most `MOST_BINS`.

    The narrower of the widths by Freedman and Diaconis (1981, 2 IQR n^(-1/3)) and Sturges (1926, range / (log2 n + 1));
    numpy itself would allocate as many bins as an outlier asks for.
    """
    import numpy as np

    if finite.size < 2:
        return 1
    span = float(finite.max()) / 2 - float(finite.min()) / 2  # halves: it cannot overflow
    if span == 0:
        return 1
    sturges = 2 * span / (np.log2(finite.size) + 1)
    upper, lower = np.percentile(finite, [75, 25])
    width = min(2 * float(upper / 2 - lower / 2) * 2 * finite.size ** (-1 / 3) or sturges, sturges)
    if is_whole:
        width = max(width, 1.0)
    return int(min(max(np.ceil(2 * (span / width)), 1), MOST_BINS))
