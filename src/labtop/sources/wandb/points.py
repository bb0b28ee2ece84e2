"""The numbers of a W&B run, gathered row by row and made into curves at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from labtop.formats.json_text import as_number
from labtop.formats.wandb_records import (
    STATS_VALUES,
    NamedValue,
    history_step,
    named_values,
    path_of,
    plain_columns,
    stats_time,
    value_of,
)
from labtop.sources.source import NO_TIME, Curve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_STEP, _TIME, _RUNTIME, _OTHER = 0, 1, 2, 3
_OWN = {"_step": _STEP, "_timestamp": _TIME, "_runtime": _RUNTIME, "_wandb": _OTHER}
_FIRST_METRIC = 4
_STEP_FIELD = 0x12  # the tag of what follows the items of a history
_LATEST_S = 9e12  # seconds since 1970 that a column of microseconds can hold
_SEPARATOR = "/"

_numbers = msgspec.json.Decoder(list[float]).decode

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
        step: of the row that was added last, unless it held nothing but numbers.
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
        self._columns = array("I")
        self._values = array("d")
        self._widths = array("I")
        self._steps = array("d")
        self._system: dict[str, Curve] = {}
        self.waiting = 0

    def add_history(self, message: bytes) -> RichRow:
        """Add a row; gives what in it are no numbers. Raises ProtobufError."""
        plain = plain_columns(message, _STEP_FIELD)
        if plain is not None:
            try:
                columns = list(map(self._ids.__getitem__, plain[0]))
                values = _floats([chunk[1 : chunk[0] + 1] for chunk in plain[1]])
            except (KeyError, ValueError):
                pass
            else:
                self._add_row(columns, values, None if _STEP in columns else history_step(message))
                return {}
        return self._add_exactly(named_values(message), message)

    def add_row(self, row: dict[str, Tree], step: float | None = None) -> RichRow:
        """Add a row of names and values, as histories were in JSON; gives what in it are no numbers."""
        columns: list[int] = []
        values: list[float] = []
        rich: RichRow = {}
        for name, value in row.items():
            self._add_value((name,), value, columns, values, rich)
        self._add_mixed(columns, values, step)
        return rich

    def add_stats(self, message: bytes) -> None:
        """Add a measurement of the machine. Raises ProtobufError."""
        values = {
            _SEPARATOR.join(path_of(name)): value_of(text)
            for name, text in named_values(message, STATS_VALUES)
        }
        self.add_sample(values, stats_time(message))

    def add_sample(self, values: dict[str, Tree], time_us: int | None) -> None:
        """Add a measurement of the machine at a time."""
        time_us = NO_TIME if time_us is None else time_us
        for name, value in values.items():
            number = as_number(value)
            if number is None or name in _OWN:
                continue
            curve = self._system.setdefault("system/" + name.removeprefix("system."), Curve())
            curve.add(self.samples, number, time_us)
            self.waiting += 1
        self.last_us = max(self.last_us, time_us)
        self.samples += 1

    def take(self) -> dict[str, Curve]:
        """The curves of what was added since the last time."""
        curves, self._system = self._system, {}
        if self._values:
            curves.update(self._gathered())
        self._columns, self._values = array("I"), array("d")
        self._widths, self._steps = array("I"), array("d")
        self.fresh = tuple(curves)
        self.waiting = 0
        return curves

    def _add_exactly(self, items: list[NamedValue], message: bytes) -> RichRow:
        columns: list[int] = []
        values: list[float] = []
        rich: RichRow = {}
        for name, text in items:
            column = self._ids.get(name)
            if column is not None:
                try:
                    values.append(float(text))
                    columns.append(column)
                    continue
                except ValueError:
                    pass
            path = path_of(name)
            if self._add_value(path, value_of(text), columns, values, rich):
                self._ids[name] = columns[-1]
        self._add_mixed(columns, values, None if _STEP in columns else history_step(message))
        if rich:
            _complete(rich, items)
        return rich

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

    def _add_mixed(self, columns: list[int], values: list[float], step: float | None) -> None:
        self.step = values[columns.index(_STEP)] if _STEP in columns else step
        self._add_row(columns, values, step)

    def _add_row(self, columns: list[int], values: list[float], step: float | None) -> None:
        self._columns.extend(columns)
        self._values.extend(values)
        self._widths.append(len(columns))
        self._steps.append(self.rows if step is None else step)
        self.waiting += len(columns)
        self.rows += 1

    def _gathered(self) -> Iterator[tuple[str, Curve]]:
        """The rows as curves: sorted by metric in one go."""
        import numpy as np

        columns = np.frombuffer(self._columns, np.uint32)
        values = np.frombuffer(self._values, np.float64)
        rows = np.repeat(np.arange(len(self._widths)), np.frombuffer(self._widths, np.uint32))
        steps = np.frombuffer(self._steps, np.float64).copy()
        is_step = (columns == _STEP) & ~np.isnan(values)
        steps[rows[is_step]] = values[is_step]
        times = self._times(columns, values, rows, len(steps))
        if len(times):
            self.last_us = max(self.last_us, int(times.max()))
        narrow = columns.astype(np.uint16) if len(self._names) < 2**16 else columns
        order = np.argsort(narrow, kind="stable")
        order = order[columns[order] >= _FIRST_METRIC]
        columns, rows, values = columns[order], rows[order], values[order]
        steps, times = steps[rows], times[rows]
        begin = 0
        for end in [*(np.flatnonzero(np.diff(columns)) + 1).tolist(), len(columns)]:
            if end == begin:
                continue
            name = self._names[columns[begin]]
            part = slice(begin, end)
            self.last[name] = float(values[end - 1])
            yield name, Curve(_array("d", steps[part]), _array("q", times[part]), _array("d", values[part]))
            begin = end

    def _times(
        self,
        columns: npt.NDArray[np.uint32],
        values: npt.NDArray[np.float64],
        rows: npt.NDArray[np.int64],
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


def _complete(rich: RichRow, items: list[NamedValue]) -> None:
    """Add the numbers that belong to rich values, as current SDKs write each part by itself: the rows of a table."""
    for name, text in items:
        *before, key = path_of(name) or ("",)
        into: Tree = rich
        for part in before:
            into = into.get(part) if isinstance(into, dict) else None
        if before and isinstance(into, dict):
            into.setdefault(key, value_of(text))


def _floats(texts: list[bytes]) -> list[float]:
    """Numbers of JSON texts. Raises ValueError where one is something else."""
    try:
        numbers = _numbers(b"[" + b",".join(texts) + b"]")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return list(map(float, texts))
    if len(numbers) != len(texts):
        raise ValueError("a text of several numbers")
    return numbers


def _array(kind: str, values: npt.NDArray[Any]) -> array[Any]:
    made = array(kind)
    made.frombytes(values.tobytes())
    return made
