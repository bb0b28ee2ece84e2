"""Rows of numbers in a few columns of many, held compactly, and made into curves at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from labtop.sources.source import Curve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Columns = npt.NDArray[np.uint32]
    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.intp]


class Rows:
    """Rows as they were logged: of each its numbers and the columns in which they stand, and a step."""

    def __init__(self) -> None:
        self._columns = array("I")
        self._values = array("d")
        self._widths = array("I")
        self._steps = array("d")

    def __len__(self) -> int:
        return len(self._widths)

    def add(self, columns: Sequence[int], values: Sequence[float], step: float) -> None:
        """Add a row."""
        self._columns.extend(columns)
        self._values.extend(values)
        self._widths.append(len(columns))
        self._steps.append(step)

    def add_many(self, columns: Places, values: Floats, widths: Places, steps: Floats) -> None:
        """Add rows: the numbers of all, one row behind the other, and of each row how many they are, and its step."""
        import numpy as np

        self._columns.frombytes(columns.astype(np.uint32).tobytes())
        self._values.frombytes(np.ascontiguousarray(values).tobytes())
        self._widths.frombytes(widths.astype(np.uint32).tobytes())
        self._steps.frombytes(steps.astype(np.float64).tobytes())

    def numbers(self) -> tuple[Columns, Floats, Places, Floats]:
        """The column, the value and the row of each number, and the step of each row."""
        import numpy as np

        rows = np.repeat(np.arange(len(self._widths)), np.frombuffer(self._widths, np.uint32))
        columns = np.frombuffer(self._columns, np.uint32)
        return (
            columns,
            np.frombuffer(self._values, np.float64),
            rows,
            np.frombuffer(self._steps, np.float64).copy(),
        )


def curves_of(
    columns: Columns, values: Floats, steps: Floats, times_us: npt.NDArray[np.int64], first: int
) -> Iterator[tuple[int, Curve]]:
    """Numbers as a curve for each column from `first` on; a column, a step and a time belongs to each."""
    import numpy as np

    narrow = columns.astype(np.uint16) if not len(columns) or columns.max() < 2**16 else columns
    order = np.argsort(narrow, kind="stable")  # by radix, where it is narrow
    order = order[columns[order] >= first]
    columns, values, steps, times_us = columns[order], values[order], steps[order], times_us[order]
    begin = 0
    for end in [*(np.flatnonzero(np.diff(columns)) + 1).tolist(), len(columns)]:
        if end > begin:
            part = slice(begin, end)
            curve = Curve(_array("d", steps[part]), _array("q", times_us[part]), _array("d", values[part]))
            yield int(columns[begin]), curve
        begin = end


def _array(kind: str, values: npt.NDArray[Any]) -> array[Any]:
    made = array(kind)
    made.frombytes(values.tobytes())
    return made
