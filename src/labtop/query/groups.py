"""Runs grouped by columns, or by being the same but for the seed, with mean and spread of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from labtop.model.tree import is_seed
from labtop.query.aggregate import AGGREGATIONS
from labtop.query.column_profiles import members, profile_rows
from labtop.query.engine import Engine, quote_name
from labtop.query.found_columns import FoundColumns
from labtop.query.request import Aggregate, RunGroup
from labtop.query.table import RunTable

_NUMBERS = ("DOUBLE", "BIGINT", "BOOLEAN")
_MANY_RUNS, _FEW_NUMBERS = 20_000, 20


class _Values(Mapping[str, Aggregate]):
    """Aggregates by key, made when they are looked at: of 20,000 groups a screen shows fifty."""

    __slots__ = ("_flat", "_keys")

    def __init__(self, keys: Sequence[str], flat: Sequence[Any]) -> None:
        self._keys = keys
        self._flat = flat

    def __getitem__(self, key: str) -> Aggregate:
        try:
            at = self._keys.index(key) * len(AGGREGATIONS)
        except ValueError:
            raise KeyError(key) from None
        return Aggregate(*self._flat[at : at + len(AGGREGATIONS)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def group_rows(
    engine: Engine,
    table: RunTable,
    found: FoundColumns,
    rows: array[int],
    by: Sequence[str] | Literal["seed"],
    values: Sequence[str],
) -> tuple[RunGroup, ...]:
    """Group rows; groups and the rows in them keep the order in which they are given.

    By "seed", runs are together that agree in project, commit, patch, data and all params but seeds. A value that is
    no number has no aggregate.
    """
    if not rows:
        return ()
    if by == "seed":
        keys: Sequence[str] = ("_twins",)
        shown = _varying_params(engine, table, found, rows)
        selected = [f"any_value({quote_name(key)})" for key in shown]
    else:
        keys = shown = [key for key in by if key in table.types]
        selected = [quote_name(key) for key in keys]
    numbers = [key for key in dict.fromkeys(values) if table.types.get(key) in _NUMBERS]
    condition, bits = members(rows)
    grouped = ", ".join(quote_name(key) for key in keys) or "()"
    answer = engine.query(
        f"""SELECT {", ".join(['list("row")', *selected])} FROM {table.relation([*keys, *shown])}
            WHERE {condition} GROUP BY {grouped}""",
        [bits],
    )
    together = len(rows) > _MANY_RUNS and len(numbers) <= _FEW_NUMBERS
    aggregate = _aggregates_together if together else _aggregates_one_by_one
    flat = aggregate(engine, table, keys, numbers, rows) if numbers else {}
    places = array("I", bytes(4 * (max(rows) + 1)))
    for place, row in enumerate(rows):
        places[row] = place
    groups = [
        _group(each, tuple(shown), _Values(numbers, flat.get(min(each[0]), ())), places) for each in answer
    ]
    return tuple(sorted(groups, key=lambda group: places[group.rows[0]]))


def _aggregates_one_by_one(
    engine: Engine, table: RunTable, keys: Sequence[str], numbers: Sequence[str], rows: array[int]
) -> dict[int, list[Any]]:
    """The aggregates of each group by its lowest row number, number after number; each number a row to DuckDB.

    Asked for together, twenty runs with sixty metrics take 2.5 s to be planned; so they take 20 ms.
    """
    condition, bits = members(rows)
    names = ", ".join(quote_name(key) for key in keys)
    listed = ", ".join(f"{quote_name(key)}::DOUBLE" for key in numbers)
    asked = ", ".join(f"({each.sql.format(x='x')})" for each in AGGREGATIONS.values())
    answer = engine.query(
        f"""SELECT min("row"), number, {asked}
            FROM (SELECT "row"{f", {names}" if names else ""}, unnest([{listed}]) AS x,
                         unnest(range({len(numbers)})) AS number
                  FROM {table.relation([*keys, *numbers])} WHERE {condition})
            GROUP BY {", ".join(filter(None, [names, "number"]))}""",
        [bits],
    )
    width = len(AGGREGATIONS)
    flat: dict[int, list[Any]] = {}
    for first, number, *found in answer:
        flat.setdefault(first, [None] * (width * len(numbers)))[number * width : (number + 1) * width] = found
    return flat


def _aggregates_together(
    engine: Engine, table: RunTable, keys: Sequence[str], numbers: Sequence[str], rows: array[int]
) -> dict[int, list[Any]]:
    """The same in one pass over the columns: a third less for a hundred thousand runs with few metrics."""
    condition, bits = members(rows)
    grouped = ", ".join(quote_name(key) for key in keys) or "()"
    asked = [
        f"({each.sql.format(x=f'{quote_name(key)}::DOUBLE')})"
        for key in numbers
        for each in AGGREGATIONS.values()
    ]
    answer = engine.query(
        f"""SELECT min("row"), {", ".join(asked)} FROM {table.relation([*keys, *numbers])}
            WHERE {condition} GROUP BY {grouped}""",
        [bits],
    )
    return {first: found for first, *found in answer}


def _group(answer: Sequence[Any], shown: tuple[str, ...], values: _Values, places: array[int]) -> RunGroup:
    rows = array("I", sorted(answer[0], key=places.__getitem__))
    by = tuple(_hashable(each) for each in answer[1 : 1 + len(shown)])
    return RunGroup(rows, by, shown, values)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _varying_params(engine: Engine, table: RunTable, found: FoundColumns, rows: array[int]) -> list[str]:
    """Params, seeds left out, in which the runs differ: what tells their groups apart."""
    params = [each.key for each in found.of_kind("param") if not is_seed(each.name)]
    profiles = profile_rows(engine, table, rows, params)
    return [key for key, each in profiles.items() if each.distinct > 1 or (each.distinct == 1 and each.nulls)]
