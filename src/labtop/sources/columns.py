"""Points from tables with a row a step: whole columns at a time, several runs in one table. Knows no tracker."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from labtop.formats.date_text import ISO, micro_of
from labtop.formats.parquet import Batch
from labtop.formats.rows import number_of
from labtop.sources.source import NO_TIME, Curve

Curves = dict[str, Curve]
_UNITS = ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0), (float("inf"), 0.001))


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns say what. Without `run` all rows are of one run; without `step` a row has its number.

    `values` None are all columns of numbers that say nothing else. `split` says which data the numbers of a row are of:
    its words stand before the names of metrics (`val/loss`). `time_form`: how times in text are written.
    """

    run: str | None = None
    step: str | None = None
    time: str | None = None
    values: tuple[str, ...] | None = ()
    split: str | None = None
    time_form: str = ISO


@dataclass
class Split:
    """Points of some runs of a table (all runs where `wanted` is None), by run and metric."""

    roles: Roles
    wanted: frozenset[str] | None = None
    runs: dict[str, Curves] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    points: int = 0

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch, each number under the name of its column; nested ones join with `/`."""
        import numpy

        taken = (self.roles.run, self.roles.step, self.roles.time, self.roles.split)
        chosen_names = [name for name in batch.schema.names if name not in taken]
        if self.roles.values is not None:
            chosen_names = list(self.roles.values)
        columns = [(name, numbers) for wanted in chosen_names for name, numbers in _leaves(batch, wanted)]
        steps = None if self.roles.step is None else number_column(batch, self.roles.step)
        times = None if self.roles.time is None else time_column(batch, self.roles.time, self.roles.time_form)
        for run, chosen in chosen_rows(batch, self.roles.run, self.wanted):
            before = self.rows.get(run, 0)
            self.rows[run] = before + len(chosen)
            counted = numpy.arange(before, before + len(chosen), dtype="f8")
            run_steps = counted if steps is None else steps[0][chosen]
            if steps is not None and not steps[1][chosen].all():
                run_steps = numpy.where(steps[1][chosen], run_steps, counted)
            run_times = None if times is None else times[chosen]
            curves = self.runs.setdefault(run, {})
            for mark, part in _parts(batch, self.roles.split, chosen):
                part_times = None if run_times is None else run_times[part]
                for name, (values, known) in columns:
                    at = chosen[part]
                    self.points += _add(
                        curves, mark + name, run_steps[part], part_times, values[at], known[at]
                    )

    def take(self) -> dict[str, Curves]:
        """What was gathered; begins anew with the rows that follow."""
        taken, self.runs, self.points = self.runs, {}, 0
        return taken


@dataclass
class PointSplit:
    """Points of a table with a row a point, of some runs or all, by run and metric."""

    roles: Roles
    metric: str
    value: str
    wanted: frozenset[str] | None = None
    runs: dict[str, Curves] = field(default_factory=dict)
    points: int = 0

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch; one without a step has its number in its curve."""
        numbers = number_column(batch, self.value)
        if numbers is None or self.metric not in batch.schema.names:
            return
        steps = None if self.roles.step is None else number_column(batch, self.roles.step)
        times = None if self.roles.time is None else time_column(batch, self.roles.time, self.roles.time_form)
        metrics = _codes(batch.column(self.metric))
        for run, rows in chosen_rows(batch, self.roles.run, self.wanted):
            curves = self.runs.setdefault(run, {})
            for mark, part in _parts(batch, self.roles.split, rows):
                self._add_metrics(curves, mark, metrics, rows[part], numbers, steps, times)

    def _add_metrics(
        self, curves: Curves, mark: str, metrics: Any, rows: Any, numbers: Any, steps: Any, times: Any
    ) -> None:
        import numpy

        values, known = numbers
        for metric, within in _groups(metrics, rows):
            chosen = within[known[within]]
            name = f"{mark}{metric}"
            at = numpy.arange(len(curves.get(name, ())), len(curves.get(name, ())) + len(chosen), dtype="f8")
            if steps is not None:
                at = numpy.where(steps[1][chosen], steps[0][chosen], at)
            told = None if times is None else times[chosen]
            self.points += _add(curves, name, at, told, values[chosen], numpy.ones(len(chosen), dtype=bool))

    def take(self) -> dict[str, Curves]:
        """What was gathered; begins anew with the rows that follow."""
        taken, self.runs, self.points = self.runs, {}, 0
        return taken


def _parts(batch: Batch, split: str | None, rows: Any) -> Iterator[tuple[str, Any]]:
    """What stands before the names of metrics, and which of `rows` are of it."""
    import numpy

    if split is None or split not in batch.schema.names:
        yield "", numpy.arange(len(rows))
        return
    for word, part in _groups(_codes(batch.column(split).take(rows))):
        yield f"{word}/" if word else "", part


def _codes(column: Any) -> Any:
    """A column as codes of its texts."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        return column
    return column.cast(pyarrow.string()).fill_null("").dictionary_encode()


def _groups(texts: Any, rows: Any | None = None) -> Iterator[tuple[str, Any]]:
    """The texts of a column of codes, and the numbers of the rows of each (of `rows`), in their order."""
    import numpy

    codes = texts.indices.to_numpy(zero_copy_only=False)
    order = numpy.arange(len(codes)) if rows is None else rows
    order = order[numpy.argsort(codes[order], kind="stable")]
    edges = [0, *(numpy.flatnonzero(numpy.diff(codes[order])) + 1).tolist(), len(order)]
    for start, end in pairwise(edges):
        if end > start:
            yield texts.dictionary[int(codes[order[start]])].as_py(), order[start:end]


def _add(curves: Curves, name: str, steps: Any, times: Any | None, values: Any, known: Any) -> int:
    import numpy

    count = int(numpy.count_nonzero(known))
    if not count:
        return 0
    if count < len(known):
        steps, values = steps[known], values[known]
        times = None if times is None else times[known]
    curve = curves.get(name)
    if curve is None:
        curve = curves[name] = Curve()
    if times is None:
        times = numpy.full(count, NO_TIME, dtype="i8")
    _extend(curve.steps, steps, "f8")
    _extend(curve.times_us, times, "i8")
    _extend(curve.values, values, "f8")
    return count


def _extend(column: array[float] | array[int], numbers: Any, kind: str) -> None:
    column.frombytes(numbers.astype(kind, copy=False).tobytes())


def chosen_rows(batch: Batch, column: str | None, wanted: frozenset[str] | None) -> Iterator[tuple[str, Any]]:
    """The runs in a batch, and the numbers of the rows of each, in their order. A row whose run is null is of `""`."""
    import numpy

    if column is None:
        yield "", numpy.arange(batch.num_rows)
        return
    for run, rows in _groups(_codes(batch.column(column))):
        if wanted is None or run in wanted:
            yield run, rows


def _leaves(batch: Batch, name: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The number columns that a column holds: itself, or the fields of its mapping."""
    if name in batch.schema.names:
        yield from _leaves_of(name, batch.column(name))


def _leaves_of(name: str, column: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    import pyarrow

    kind = column.type
    if pyarrow.types.is_struct(kind):
        if kind.get_field_index("_type") < 0:
            for inner, part in zip(kind, column.flatten(), strict=True):
                yield from _leaves_of(f"{name}/{inner.name}", part)
    elif is_number(kind):
        yield name, _numbers(column)


def is_number(kind: Any) -> bool:
    """Whether a column of this type holds numbers, or truth values."""
    from pyarrow import types

    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind)
    )


def number_column(batch: Batch, name: str) -> tuple[Any, Any] | None:
    """The doubles of a column, and where it is not null; None where it holds no numbers."""
    if name not in batch.schema.names or not is_number(batch.column(name).type):
        return None
    return _numbers(batch.column(name))


def _numbers(column: Any) -> tuple[Any, Any]:
    import numpy
    import pyarrow

    known = numpy.ones(len(column), dtype=bool)
    if column.null_count:
        known = column.is_valid().to_numpy(zero_copy_only=False)
    if pyarrow.types.is_boolean(column.type):
        column = column.cast(pyarrow.int8())
    if pyarrow.types.is_float16(column.type):
        column = column.cast(pyarrow.float32())
    return column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False), known


def time_column(batch: Batch, name: str, form: str = ISO) -> Any | None:
    """Microseconds since 1970 of a column of times: real ones, ISO texts, or numbers whose size tells their unit."""
    import numpy
    import pyarrow

    if name not in batch.schema.names:
        return None
    column = batch.column(name)
    kind = column.type
    if is_number(kind):
        values, known = _numbers(column)
        micro = numpy.full(len(values), NO_TIME, dtype="i8")
        fit = known & numpy.isfinite(values) & (numpy.abs(values) < 9e18)
        below = 0.0
        for until, factor in _UNITS:
            unit = fit & (numpy.abs(values) >= below) & (numpy.abs(values) < until)
            micro[unit] = (values[unit] * factor).astype("i8")
            below = until
        return micro
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return _times_of_texts(column, form)
    if not pyarrow.types.is_timestamp(kind) and not pyarrow.types.is_date(kind):
        return None
    column = column.cast(pyarrow.timestamp("us"), safe=False)
    return column.cast(pyarrow.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False)


def _times_of_texts(column: Any, form: str) -> Any:
    import numpy

    found = numpy.full(len(column), NO_TIME, dtype="i8")
    told: dict[str, int] = {}
    for index, text in enumerate(column.to_pylist()):
        if text is not None:
            if text not in told:
                at = micro_of_text(text, form)
                told[text] = _micro_of_number(number_of(text)) if at == NO_TIME else at
            found[index] = told[text]
    return found


def _micro_of_number(number: float | None) -> int:
    """Microseconds since 1970 of a number whose size tells its unit."""
    if number is None or not 0 <= number < 9e18:
        return NO_TIME
    return int(number * next(factor for until, factor in _UNITS if number < until))


def micro_of_text(text: str, form: str = ISO) -> int:
    """Microseconds since 1970 of a time as text, UTC where it names no zone; NO_TIME for anything else."""
    at = micro_of(text, form)
    return NO_TIME if at is None else at


def shares(rows: Mapping[str, int], most: int) -> Iterator[Sequence[str]]:
    """Runs in groups that are worth one pass over a table: together of at most `most` rows, but one at least."""
    group: list[str] = []
    held = 0
    for run, count in rows.items():
        if group and held + count > most:
            yield group
            group, held = [], 0
        group.append(run)
        held += count
    if group:
        yield group
