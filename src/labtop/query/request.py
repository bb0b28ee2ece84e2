"""What is asked of a catalog and what it answers, as small frozen values."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column to sort by; `column` is a key as in model/columns.py. Nulls and NaN come last either way."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which runs, in which order. `where` is text in the filter language; without `sort`, newest first."""

    where: str = ""
    sort: tuple[SortKey, ...] = ()
    archived: bool = False  # whether archived runs are shown too


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A condition for `SELECT … FROM run_index WHERE {sql}` with its parameters, in order.

    `keys` are the columns it reads. Where one starts with `env.`, the SQL also reads `documents(row, environment)`.
    """

    sql: str
    parameters: tuple[object, ...] = ()
    keys: frozenset[str] = frozenset()


EVERYTHING = CompiledFilter("true")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, and why; all else was."""

    path: str
    reason: str


Tell = Callable[[Problem], None]
"""Is told of what could not be read, maybe more than once."""


def tell_nobody(problem: Problem) -> None:
    """For who has no use for problems."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Row numbers in display order, and how many runs there were before filtering."""

    revision: int
    rows: array[int]
    total: int

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a column holds in a selection. `distinct` stops counting at 2; nulls are not counted in it."""

    distinct: int
    nulls: int
    low: Any = None  # lowest and highest value, NaN left out; None where nothing is comparable
    high: Any = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value over the runs of a group. `n` is what was used; NaN and missing values are told apart."""

    n: int
    mean: float | None
    std: float | None  # of the sample; None under two values
    low: float | None = None
    high: float | None = None
    nan_count: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RunGroup:
    """Runs that agree in the columns grouped by. `by` holds those values, `values` an aggregate a value key.

    Grouped by "seed", `by` holds the params in which the groups differ (`by_keys` names them).
    """

    rows: array[int]
    by: tuple[Any, ...]
    by_keys: tuple[str, ...]
    values: Mapping[str, Aggregate]

    @property
    def n(self) -> int:
        """How many runs."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Point:
    """One logged value."""

    run_id: str
    name: str
    step: float
    time_us: int | None  # since the epoch, UTC; None where nobody wrote it down
    value: float
    rank: int | None = 0  # of which rank; None for an aggregate over ranks
