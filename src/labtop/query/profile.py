"""What columns hold in a selection, in one pass over it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from labtop.query.engine import Engine, quote_name
from labtop.query.request import ColumnProfile
from labtop.query.table import RunTable


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
    condition, bits = members(rows)
    aggregates: list[str] = []
    for key in known:
        name = quote_name(key)
        # NaN is the greatest value, so it shows in max() and counts as one more distinct value
        known_only = f"FILTER (NOT isnan({name}))" if table.types[key] == "DOUBLE" else ""
        aggregates += [
            f"count({name})",
            f"min({name})",
            f"max({name})",
            f"min({name}) {known_only}",
            f"max({name}) {known_only}",
        ]
    found = engine.query(
        f"SELECT {', '.join(aggregates)} FROM {table.relation(known)} WHERE {condition}", [bits]
    )[0]
    profiles: dict[str, ColumnProfile] = {}
    for at, key in enumerate(known):
        count, low, high, known_low, known_high = found[5 * at : 5 * at + 5]
        is_one = low == high or (low != low and high != high)
        distinct = 0 if count == 0 else 1 if is_one else 2
        profiles[key] = ColumnProfile(distinct, len(rows) - count, known_low, known_high)
    return profiles
