"""The points of curves on their way into Parquet: by run, metric and step, numbered in logged order."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labtop.sources.source import NO_TIME, Curve
from labtop.store.format import POINT_COLUMNS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow


class PointColumns:
    """Points of one run, or of many one after another: 24 bytes each until they become a table."""

    def __init__(self) -> None:
        self._steps, self._times, self._values = array("d"), array("q"), array("d")
        self._starts: list[int] = []  # of curves
        self._names: list[str] = []  # their metrics
        self._runs: list[tuple[str, str]] = []  # run and writer
        self._run_starts: list[int] = []
        self._first_seqs: list[int] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, run_id: str, writer: str, curves: Mapping[str, Curve], first_seq: int = 0) -> int:
        """Add a run's points, numbered from `first_seq` on; how many there are. Raises UnicodeEncodeError."""
        start = len(self)
        names = sorted((name for name, curve in curves.items() if len(curve)), key=str.encode)
        self._runs.append((run_id, writer))
        self._run_starts.append(start)
        self._first_seqs.append(first_seq)
        for name in names:
            curve = curves[name]
            self._names.append(name)
            self._starts.append(len(self._steps))
            self._steps.extend(curve.steps)
            self._times.extend(curve.times_us)
            self._values.extend(curve.values)
        return len(self) - start

    def table(self) -> pyarrow.Table:
        """The points as a table that Parquet is written from; texts are dictionaries, so each is there once."""
        import numpy as np
        import pyarrow

        rows = len(self)
        per_curve, per_run = np.diff([*self._starts, rows]), np.diff([*self._run_starts, rows])
        seqs = np.arange(rows) + np.repeat(np.asarray(self._first_seqs, np.int64) - self._run_starts, per_run)
        columns: dict[str, npt.NDArray[Any]] = {
            "step": np.asarray(self._steps, np.float64),
            "time": np.asarray(self._times, np.int64),
            "value": np.asarray(self._values, np.float64),
            "seq": seqs,
        }
        if (order := self._order(columns["step"], per_curve)) is not None:
            columns = {name: each[order] for name, each in columns.items()}
        unknown = columns["time"] == NO_TIME
        arrays = {
            "run_id": _texts([run for run, _ in self._runs], per_run),
            "name": _texts(self._names, per_curve),
            "step": pyarrow.array(columns["step"]),
            "time": pyarrow.array(
                columns["time"].view("datetime64[us]"), mask=unknown if unknown.any() else None
            ),
            "value": pyarrow.array(columns["value"], from_pandas=False),
            "writer": _texts([writer for _, writer in self._runs], per_run),
            "seq": pyarrow.array(columns["seq"]),
        }
        return pyarrow.Table.from_arrays([arrays[name] for name in POINT_COLUMNS], names=list(POINT_COLUMNS))

    def _order(
        self, steps: npt.NDArray[np.float64], per_curve: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64] | None:
        """The order by curve and step; None where that is how the points lie already."""
        import numpy as np

        falls = steps[1:] < steps[:-1]
        falls[np.asarray(self._starts[1:], np.int64) - 1] = False  # from one curve to the next they may
        if not falls.any():
            return None
        curves = np.repeat(np.arange(len(per_curve)), per_curve)
        return np.lexsort((np.arange(len(steps)), steps, curves))


def _texts(values: Sequence[str], counts: npt.NDArray[np.int64]) -> Any:
    """Each text as often as it counts."""
    import numpy as np
    import pyarrow

    places: dict[str, int] = {}
    codes = np.asarray([places.setdefault(each, len(places)) for each in values], np.int32)
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(np.repeat(codes, counts)), pyarrow.array(list(places), pyarrow.string())
    )
