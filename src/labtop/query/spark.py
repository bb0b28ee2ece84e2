"""Sparklines as twelve characters, computed in SQL so that a spike stays: 0-7 low to high, n for NaN, space for none.

Each cell stands for a stretch of the record's up to 64 numbers and shows the one of its two extremes that lies
farther from the run's mean. Low and high are those of the run.
"""

from __future__ import annotations

from labtop.query.engine import Engine

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
    SELECT row, metric.number AS number, nullif(metric.spark, []) AS s, metric.mean AS mean, metric.min AS low,
           metric.max AS high, len(nullif(metric.spark, [])) AS n
    FROM (SELECT row, unnest($METRICS) AS metric FROM metric_chunk)
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


def make_sparks(engine: Engine, count: int) -> None:
    """Make the table `spark_chunk` (row, sparks) from `metric_chunk`; `sparks[i]` is that of metric column `m_i`."""
    metrics = ", ".join(
        f"{{number: {i}, spark: m_{i}.spark, mean: m_{i}.mean, min: m_{i}.min, max: m_{i}.max}}"
        for i in range(1, count + 1)
    )
    engine.execute(
        f"""CREATE OR REPLACE TABLE spark_chunk AS
            SELECT row, list(spark ORDER BY number) AS sparks
            FROM ({_LEVELS.replace("$METRICS", f"[{metrics}]")}) GROUP BY row"""
    )
