"""Summaries of metrics, with sparklines as twelve characters: 0-7 low to high, n for NaN, space for none.

Each cell stands for a stretch of the record's up to 64 numbers and shows the one of its two extremes that lies
farther from the run's mean. Low and high are those of the run.
"""

from __future__ import annotations

from collections.abc import Sequence

from labtop.query.engine import Engine
from labtop.query.found_columns import SUMMARIES

CELLS = 12
_NUMBERS = 64


def _stretch(function: str, cell: int) -> str:
    """The extreme of the numbers that fall into a cell; nulls (which stand for NaN) don't count."""
    numbers = range(cell * _NUMBERS // CELLS, (cell + 1) * _NUMBERS // CELLS)
    return f"{function}({', '.join(f'l[{number + 1}]' for number in numbers)})"


# greatest() over constant positions is five times as fast as list_max() over slices, hence a list of 64 in any case
_HIGHS = ", ".join(_stretch("greatest", cell) for cell in range(CELLS))
_LOWS = ", ".join(_stretch("least", cell) for cell in range(CELLS))

_LEVELS = f"""
WITH summary AS (
    SELECT row, number, m.spark AS s, m.mean AS mean, m.min AS low, m.max AS high, len(m.spark) AS n
    FROM metric_numbered WHERE len(m.spark) > 0
), even AS (
    SELECT row, number, n, coalesce(mean, 0) AS mean,
        if(isinf(low) OR low IS NULL, list_min(list_filter(s, lambda x: isfinite(x))), low) / 2 AS low,
        if(isinf(high) OR high IS NULL, list_max(list_filter(s, lambda x: isfinite(x))), high) / 2 AS high,
        if(n > {CELLS},
           list_transform(range({_NUMBERS}), lambda i: nullif(s[1 + i * n // {_NUMBERS}], 'nan'::DOUBLE)),
           NULL) AS l,
        if(n <= {CELLS}, list_transform(s, lambda x: nullif(x, 'nan'::DOUBLE)), NULL) AS short
    FROM summary
), extremes AS (
    SELECT row, number, n, low, high, mean,
        if(n > {CELLS}, [{_HIGHS}], short) AS highs, if(n > {CELLS}, [{_LOWS}], short) AS lows
    FROM even
), chosen AS (
    SELECT row, number, low, high,
        list_transform(highs, lambda x, i: if(x / 2 + lows[i] / 2 >= mean, x, lows[i])) AS cells
    FROM extremes
)
SELECT row, number, rpad(array_to_string(list_transform(cells, lambda x: CASE
        WHEN x IS NULL THEN 'n'
        WHEN x = 'inf'::DOUBLE THEN '7'
        WHEN x = '-inf'::DOUBLE THEN '0'
        WHEN high = low THEN '3'
        ELSE greatest(0, least(7, floor(8 * ((x / 2 - low) / (high - low)))))::INTEGER::VARCHAR END), ''),
        {CELLS}, ' ') AS spark
FROM chosen"""


def make_summaries(engine: Engine, names: Sequence[str]) -> None:
    """Make the table `summary_chunk` (row, m, points) from `metric_long`: `m[i]` is the summary of metric i, from 1.

    A summary is a struct of last, min, max, first, mean, count and spark, the last as text.
    """
    engine.execute(
        """CREATE OR REPLACE TABLE metric_numbered AS
           SELECT "row", number, m FROM metric_long
           JOIN (SELECT unnest(?::VARCHAR[]) AS name, unnest(range(1, ?)) AS number) USING (name)""",
        [list(names), len(names) + 1],
    )
    fields = ", ".join(f"{name}: m.{name}" for name in ("last", *SUMMARIES))
    engine.execute(
        f"""CREATE OR REPLACE TABLE summary_chunk AS
            SELECT "row", points, list({{{fields}, spark: spark}} ORDER BY number) AS m
            FROM (SELECT "row", sum(m.count)::BIGINT AS points FROM metric_long GROUP BY "row")
                 CROSS JOIN (SELECT unnest(range(1, ?)) AS number)
                 LEFT JOIN metric_numbered USING ("row", number)
                 LEFT JOIN ({_LEVELS}) USING ("row", number)
            GROUP BY "row", points""",
        [len(names) + 1],
    )
