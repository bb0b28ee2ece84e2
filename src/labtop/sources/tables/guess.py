"""Guesses what the columns of a table are for, from their names and first rows, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labtop.formats.table_file import TableFile, cell_number
from labtop.sources.columns import micro_of_text
from labtop.sources.source import NO_TIME
from labtop.sources.tables.words import (
    DATA,
    METRICS,
    NAMES,
    STEPS,
    TIMES,
    VALUES,
    WEAK_NAMES,
    is_result,
    plain,
)

_LONG_AGO_S = 3.0e8  # a number of seconds since 1970 in this century is larger


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a table is, and what its columns are for.

    Attributes:
        shape: "runs" (a row a run), "steps" (a row a step, numbers side by side), "points" (a row a point: the name of
            a metric and its value); empty when it is no table of runs.
        run: the column that names runs; None: all rows are of one run, or a row has only its number.
        metrics: number columns with results. In "steps" all number columns are.
        params: all other columns.
        is_sure: said by names that mean nothing else, so that a file that nobody named is read as well.
        reason: why, for people.
    """

    shape: str = ""
    run: str | None = None
    step: str | None = None
    time: str | None = None
    metric: str | None = None
    value: str | None = None
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    is_sure: bool = False
    reason: str = ""

    def text(self) -> str:
        """The guess in one line, to be shown and to be mended."""
        if not self.shape:
            return f"no table of runs: {self.reason}"
        told = [
            f"{each}={value}"
            for each in ("run", "step", "time", "metric", "value")
            if (value := getattr(self, each))
        ]
        if self.shape == "runs":
            told += [f"results: {_few(self.metrics)}", f"parameters: {_few(self.params)}"]
        else:
            told += [f"metrics: {_few(self.metrics)}"] if self.metrics else []
        return f"{_SHAPES[self.shape]} ({', '.join(told)}); {self.reason}"


_SHAPES = {"runs": "a row a run", "steps": "a row a step", "points": "a row a point"}


def _few(names: Sequence[str]) -> str:
    return (
        ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"
    )


def guess(table: TableFile) -> Guess:
    """What a table is."""
    known = _Known(table)
    return _points(known) or _steps(known) or _runs(known)


class _Known:
    """What is known of the columns of a table."""

    def __init__(self, table: TableFile) -> None:
        self.table = table
        self.by_plain: dict[str, str] = {}
        for name in table.names:
            self.by_plain.setdefault(plain(name), name)
        self.numbers = tuple(name for name in table.names if _is_number(table.sample, name))
        self.time = next((name for name in self.named(TIMES) if _is_time(table.sample, name)), None)

    def named(self, words: Sequence[str]) -> list[str]:
        """The columns that bear one of some names, in the order of the names."""
        return [self.by_plain[word] for word in words if word in self.by_plain]

    def cells(self, name: str) -> list[Any]:
        """The cells of a column in the sample that are not empty."""
        return [row[name] for row in self.table.sample if row.get(name) not in (None, "")]

    def run_column(self, weak: bool = True) -> str | None:
        """The column that tells runs apart: by its name, and of text or whole numbers."""
        wanted = self.named((*NAMES, *(WEAK_NAMES if weak else ())))
        return next(
            (name for name in wanted if self.cells(name) and not _has_fractions(self.cells(name))), None
        )

    def is_of_data(self) -> bool:
        """Whether there are columns of data sets."""
        return bool(DATA.intersection(self.by_plain))


def _points(known: _Known) -> Guess | None:
    metric = next((name for name in known.named(METRICS) if name not in known.numbers), None)
    value = next((name for name in known.named(VALUES) if name in known.numbers), None)
    step = next((name for name in known.named(STEPS) if name in known.numbers), None)
    if metric is None or value is None or (step is None and known.time is None):
        return None
    return Guess(
        shape="points", run=known.run_column(), step=step, time=known.time, metric=metric, value=value,
        is_sure=step is not None, reason=f"{metric} and {value} beside {step or known.time}",
    )  # fmt: skip


def _steps(known: _Known) -> Guess | None:
    step = next((name for name in known.named(STEPS) if name in known.numbers), None)
    if step is None:
        return None
    run = known.run_column()
    cells = [(row.get(run) if run else None, row.get(step)) for row in known.table.sample]
    if run is not None and len({each for each, _ in cells}) == len(cells) > 1:
        return None  # each row is a run of its own; the step is one of its facts
    if not _rises(cells):
        return None
    others = {step, known.time, run}
    metrics = tuple(name for name in known.numbers if name not in others)
    if not metrics:
        return None
    params = tuple(name for name in known.table.names if name not in others and name not in metrics)
    is_sure = any(map(is_result, metrics)) and not known.is_of_data() and plain(step) != "steps"
    return Guess(
        shape="steps", run=run, step=step, time=known.time, metrics=metrics, params=params, is_sure=is_sure,
        reason=f"{step} rises" + (f" within each {run}" if run else ""),
    )  # fmt: skip


def _rises(cells: Sequence[tuple[Any, Any]]) -> bool:
    """Whether steps go on within each run, but for some restarts."""
    last: dict[Any, float] = {}
    up = down = 0
    for run, cell in cells:
        number = _number(cell)
        if number is None:
            continue
        if run in last:
            up, down = (up + 1, down) if number >= last[run] else (up, down + 1)
        last[run] = number
    return bool(last) and down * 10 <= up + down


def _runs(known: _Known) -> Guess:
    run = known.run_column()
    others = [name for name in known.table.names if name != run]
    metrics = tuple(name for name in others if name in known.numbers and is_result(name))
    params = tuple(name for name in others if name not in metrics)
    if run is None and (not metrics or known.is_of_data() or not known.table.is_all):
        return Guess(reason="no column names a run, and none rises as steps do")
    strict = known.run_column(weak=False)
    names = known.cells(strict) if strict else []
    is_apart = len(set(map(str, names))) * 4 >= len(names)
    is_sure = strict is not None and bool(metrics) and is_apart and not known.is_of_data()
    return Guess(
        shape="runs", run=run, time=known.time, metrics=metrics, params=params, is_sure=is_sure,
        reason=f"{run} names the runs" if run else "each row has results",
    )  # fmt: skip


def _is_number(sample: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column holds numbers, as far as it is seen, but for a cell here or there; an empty one may."""
    cells = [row[name] for row in sample if row.get(name) not in (None, "")]
    odd = sum(1 for cell in cells if _number(cell) is None)
    return odd * 3 <= len(cells) and odd <= max(1, len(cells) // 10)


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool | int | float):
        return float(cell)
    if isinstance(cell, str):
        return cell_number(cell)
    return float(cell) if type(cell).__name__ == "Decimal" else None


def _has_fractions(cells: Sequence[Any]) -> bool:
    numbers = [_number(cell) for cell in cells]
    return any(number is not None and not number.is_integer() for number in numbers)


def _is_time(sample: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column holds times, not durations."""
    from datetime import date

    cells = [row[name] for row in sample if row.get(name) not in (None, "")]
    if not cells:
        return False
    if all(isinstance(cell, date) for cell in cells):
        return True
    numbers = [_number(cell) for cell in cells]
    if all(number is not None and number > _LONG_AGO_S for number in numbers):
        return True
    return all(isinstance(cell, str) and micro_of_text(cell) != NO_TIME for cell in cells)


def is_like(first: Guess, names: Sequence[str]) -> bool:
    """Whether another table in the folder of a sure table of runs is named by the same column."""
    return first.shape == "runs" and first.run is not None and first.run in names[:1]
