"""The numbers of a W&B run, gathered row by row or many rows at once, and made into curves together."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from labtop.formats.json_text import as_number
from labtop.formats.wandb_records import (
    STATS_VALUES,
    NamedValue,
    history_step,
    named_values,
    path_of,
    stats_time,
    value_of,
)
from labtop.sources.source import NO_TIME, Curve
from labtop.sources.wandb.rows import Rows, curves_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labtop.formats.wandb_columns import Plain

_STEP, _TIME, _RUNTIME, _OTHER = 0, 1, 2, 3
_OWN = {"_step": _STEP, "_timestamp": _TIME, "_runtime": _RUNTIME, "_wandb": _OTHER}
_FIRST_METRIC = 4
_LATEST_S = 9e12  # seconds since 1970 that a column of microseconds can hold
_LATEST_US = 2**62
_SEPARATOR = "/"

Tree = Any
RichRow = dict[str, Tree]
"""The values of a row that are no numbers, by their name."""


class Points:
    """The points of some rows. `take` gives what came since the last time, as curves by metric.

    Attributes:
        rows: histories that were seen, `samples` measurements of the machine; they count on from what was seen earlier.
        last: the last value of each metric but those of the machine.
        fresh: names of the curves that were taken last.
        waiting: about as many points as the next `take` gives.
        last_us: the newest time that was seen, in microseconds, or `NO_TIME`.
        step: of the row that was added last by itself.
        start_us: when the run began, to know the time of rows that say only how long it had run.
    """

    def __init__(self, rows: int = 0, samples: int = 0) -> None:
        self.rows = rows
        self.samples = samples
        self.last: dict[str, float] = {}
        self.fresh: tuple[str, ...] = ()
        self.last_us = NO_TIME
        self.step: float | None = None
        self.start_us: int | None = None
        self._ids: dict[bytes, int] = {}
        self._id_of_name: dict[str, int] = dict(_OWN)
        self._names: list[str] = list(_OWN)
        self._history = Rows()
        self._system = Rows()
        self._times = array("q")  # of the measurements
        self.waiting = 0

    def add_history(self, message: bytes) -> RichRow:
        """Add a row; gives what in it are no numbers. Raises ProtobufError."""
        columns: list[int] = []
        values: list[float] = []
        rich: RichRow = {}
        items = named_values(message)
        for name, text in items:
            column = self._ids.get(name)
            if column is not None:
                try:
                    values.append(float(text))
                    columns.append(column)
                    continue
                except ValueError:
                    pass
            if self._add_value(path_of(name), value_of(text), columns, values, rich):
                self._ids[name] = columns[-1]
        step = _step_in(columns, values)
        self._add_row(columns, values, history_step(message) if step is None else step)
        if rich:
            _complete(rich, items)
        return rich

    def add_histories(self, plain: Plain, first: int, end: int) -> None:
        """Add those of the rows that are numbered from `first` to before `end`."""
        import numpy as np

        rows, items = plain.between(first, end)
        count = rows.stop - rows.start
        if not count:
            return
        columns = np.array([self._id_of(name) for name in plain.names])[plain.codes[items]]
        steps = plain.numbers[rows].astype(np.float64)
        self._history.add_many(columns, plain.values[items], plain.widths[rows], steps)
        self.waiting += len(columns)
        self.rows += count

    def add_row(self, row: dict[str, Tree], step: float | None = None) -> RichRow:
        """Add a row of names and values, as histories were in JSON; gives what in it are no numbers."""
        columns: list[int] = []
        values: list[float] = []
        rich: RichRow = {}
        for name, value in row.items():
            self._add_value((name,), value, columns, values, rich)
        said = _step_in(columns, values)
        self._add_row(columns, values, step if said is None else said)
        return rich

    def add_stats(self, message: bytes) -> None:
        """Add a measurement of the machine. Raises ProtobufError."""
        items = named_values(message, STATS_VALUES)
        values = [(_SEPARATOR.join(path_of(name)), value_of(text)) for name, text in items]
        self.add_sample(values, stats_time(message))

    def add_samples(self, plain: Plain, first: int, end: int) -> None:
        """Add those of the measurements of the machine that are numbered from `first` to before `end`."""
        import numpy as np

        rows, items = plain.between(first, end)
        count = rows.stop - rows.start
        if not count:
            return
        columns = np.array([self._system_id(_SEPARATOR.join(path_of(name))) for name in plain.names])
        steps = np.arange(self.samples, self.samples + count)
        times = plain.numbers[rows]
        times = np.where((times > 0) & (times < _LATEST_US), times, NO_TIME)
        self._system.add_many(
            columns[plain.codes[items]], plain.values[items], plain.widths[rows], steps.astype(np.float64)
        )
        self._times.frombytes(times.astype(np.int64).tobytes())
        self.last_us = max(self.last_us, int(times.max()))
        self.waiting += items.stop - items.start
        self.samples += count

    def add_sample(self, values: Iterable[tuple[str, Tree]], time_us: int | None) -> None:
        """Add a measurement of the machine at a time."""
        time_us = NO_TIME if time_us is None else time_us
        numbers = [(name, number) for name, value in values if (number := as_number(value)) is not None]
        columns = [self._system_id(name) for name, _ in numbers]
        self._system.add(columns, [number for _, number in numbers], self.samples)
        self._times.append(time_us)
        self.waiting += len(numbers)
        self.last_us = max(self.last_us, time_us)
        self.samples += 1

    def take(self) -> dict[str, Curve]:
        """The curves of what was added since the last time."""
        import numpy as np

        curves: dict[str, Curve] = {}
        if len(self._system):
            columns, values, rows, steps = self._system.numbers()
            times = np.frombuffer(self._times, np.int64)
            for column, curve in curves_of(columns, values, steps[rows], times[rows], _FIRST_METRIC):
                curves[self._names[column]] = curve
        if len(self._history):
            curves.update(self._metrics())
        self._history, self._system, self._times = Rows(), Rows(), array("q")
        self.fresh = tuple(curves)
        self.waiting = 0
        return curves

    def _add_value(
        self, path: tuple[str, ...], value: Tree, columns: list[int], values: list[float], rich: RichRow
    ) -> bool:
        """Add a value, or those within it; True when it was a number itself."""
        number = float(value) if isinstance(value, bool) else as_number(value)
        if number is not None:
            columns.append(self._id(_SEPARATOR.join(path)))
            values.append(number)
            return True
        if isinstance(value, dict) and "_type" not in value and len(path) < 20:
            for key, each in value.items():
                self._add_value((*path, str(key)), each, columns, values, rich)
        elif value is not None:
            into = rich
            for part in path[:-1]:
                below = into.setdefault(part, {})
                into = below if isinstance(below, dict) else {}
            into[path[-1] if path else ""] = value
        return False

    def _id(self, name: str) -> int:
        found = self._id_of_name.get(name)
        if found is None:
            if name.startswith("_wandb/"):
                return _OTHER
            found = self._id_of_name[name] = len(self._names)
            self._names.append(name)
        return found

    def _id_of(self, name: bytes) -> int:
        """The column of a name as it is encoded."""
        found = self._ids.get(name)
        if found is None:
            found = self._ids[name] = self._id(_SEPARATOR.join(path_of(name)))
        return found

    def _system_id(self, name: str) -> int:
        return _OTHER if name in _OWN else self._id("system/" + name.removeprefix("system."))

    def _add_row(self, columns: list[int], values: list[float], step: float | None) -> None:
        self.step = step
        self._history.add(columns, values, self.rows if step is None else step)
        self.waiting += len(columns)
        self.rows += 1

    def _metrics(self) -> Iterator[tuple[str, Curve]]:
        """The rows as curves."""
        import numpy as np

        columns, values, rows, steps = self._history.numbers()
        is_step = (columns == _STEP) & ~np.isnan(values)
        steps[rows[is_step]] = values[is_step]
        times = self._row_times(columns, values, rows, len(steps))
        if len(times):
            self.last_us = max(self.last_us, int(times.max()))
        for column, curve in curves_of(columns, values, steps[rows], times[rows], _FIRST_METRIC):
            name = self._names[column]
            self.last[name] = curve.values[-1]
            yield name, curve

    def _row_times(
        self,
        columns: npt.NDArray[np.uint32],
        values: npt.NDArray[np.float64],
        rows: npt.NDArray[np.intp],
        count: int,
    ) -> npt.NDArray[np.int64]:
        """When each row was logged, in microseconds: as it says, else by how long the run had run."""
        import numpy as np

        seconds = np.full(count, np.nan)
        if self.start_us is not None:
            is_runtime = columns == _RUNTIME
            seconds[rows[is_runtime]] = values[is_runtime] + self.start_us / 1e6
        is_time = columns == _TIME
        seconds[rows[is_time]] = values[is_time]
        known = np.abs(seconds) < _LATEST_S
        times = np.full(count, NO_TIME, np.int64)
        times[known] = np.round(seconds[known] * 1e6).astype(np.int64)
        return times


def _step_in(columns: list[int], values: list[float]) -> float | None:
    """The step among the numbers of a row; None where there is none."""
    steps = (value for column, value in zip(columns, values, strict=True) if column == _STEP)
    return next((step for step in steps if step == step), None)


def _complete(rich: RichRow, items: list[NamedValue]) -> None:
    """Add the numbers that belong to rich values, as current SDKs write each part by itself: the rows of a table."""
    for name, text in items:
        *before, key = path_of(name) or ("",)
        into: Tree = rich
        for part in before:
            into = into.get(part) if isinstance(into, dict) else None
        if before and isinstance(into, dict):
            into.setdefault(key, value_of(text))
