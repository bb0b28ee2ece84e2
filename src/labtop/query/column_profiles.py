"""What columns hold in a selection, in one pass over it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from labtop.query.engine import Engine, quote_name
from labtop.query.request import ColumnProfile
from labtop.query.table import RunTable

_MANY_COLUMNS = 50
_MOST_VALUES = 1_000_000


def members(rows: array[int]) -> tuple[str, str]:
    """A condition on `row` that holds for a set of rows, and its parameter: a string of one bit a row.

    Thirty times as fast as a list of numbers, which DuckDB takes one by one.
    """
    if not rows:
        return "?::VARCHAR IS NULL", ""
    bits = bytearray(b"0") * (max(rows) + 1)
    for row in rows:
        bits[row] = 49
    return f'"row" < {len(bits)} AND get_bit(?::BIT, "row"::INTEGER) = 1', bits.decode("ascii")


def profile_rows(
    engine: Engine, table: RunTable, rows: array[int], keys: Sequence[str]
) -> dict[str, ColumnProfile]:
    """Profile columns over some rows."""
    known = [key for key in dict.fromkeys(keys) if key in table.types]
    if not known:
        return {}
    if not rows:
        return dict.fromkeys(known, ColumnProfile(0, 0))
    numbers = [key for key in known if table.types[key] == "DOUBLE"]
    if len(numbers) <= _MANY_COLUMNS or len(numbers) * len(rows) > _MOST_VALUES:
        numbers = []
    others = [key for key in known if key not in set(numbers)]
    found = dict(zip(numbers, _profiled_one_by_one(engine, table, rows, numbers), strict=True))
    found |= dict(zip(others, _profiled_together(engine, table, rows, others), strict=True))
    return {key: _profile(found[key], len(rows)) for key in known}


def _aggregates(name: str, sql_type: str) -> list[str]:
    values = [f"count({name})", f"min({name})", f"max({name})"]
    if sql_type != "DOUBLE":
        return values
    # NaN is the greatest value, so it shows in max() and counts as one more distinct value
    is_known = f"FILTER (NOT isnan({name}))"
    return [*values, f"min({name}) {is_known}", f"max({name}) {is_known}"]


def _profiled_together(
    engine: Engine, table: RunTable, rows: array[int], keys: Sequence[str]
) -> Iterator[Sequence[Any]]:
    """The aggregates of columns, each by itself in one query."""
    if not keys:
        return
    condition, bits = members(rows)
    asked = [each for key in keys for each in _aggregates(quote_name(key), table.types[key])]
    (found,) = engine.query(
        f"SELECT {', '.join(asked)} FROM {table.relation(keys)} WHERE {condition}", [bits]
    )
    values = iter(found)
    for key in keys:
        yield tuple(islice(values, len(_aggregates(key, table.types[key]))))


def _profiled_one_by_one(
    engine: Engine, table: RunTable, rows: array[int], keys: Sequence[str]
) -> Iterator[Sequence[Any]]:
    """The same of columns of numbers, each number a row to DuckDB: five aggregates are planned and not thousands."""
    if not keys:
        return
    condition, bits = members(rows)
    found = engine.query(
        f"""SELECT {", ".join(_aggregates("x", "DOUBLE"))}
            FROM (SELECT unnest([{", ".join(map(quote_name, keys))}]) AS x, unnest(range({len(keys)})) AS number
                  FROM {table.relation(keys)} WHERE {condition})
            GROUP BY number ORDER BY number""",
        [bits],
    )
    yield from found or [(0, None, None)] * len(keys)  # all rows may have gone meanwhile


def _profile(found: Sequence[Any], rows: int) -> ColumnProfile:
    count, low, high, *known = found
    known_low, known_high = known or (low, high)
    is_one = low == high or (low != low and high != high)
    distinct = 0 if count == 0 else 1 if is_one else 2
    return ColumnProfile(distinct, rows - count, known_low, known_high)
