"""What the run table keeps of a metric besides its last value, as one text a run: `min,max,first,mean,count,spark`.

One column and not six: a run with a thousand metrics makes a table of two thousand columns instead of seven thousand,
and to make, fill, sort and save one takes as long as it has columns. What is asked for is read out of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labtop.model.run import MetricSummary
from labtop.query.engine import quote_name
from labtop.query.spark import spark_text

SUMMARIES: Mapping[str, str] = {
    "min": "DOUBLE",
    "max": "DOUBLE",
    "first": "DOUBLE",
    "mean": "DOUBLE",
    "count": "BIGINT",
}
"""What is kept of a metric besides its last value and its sparkline, and its SQL type; in the order of the text."""

STORED_TYPE = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Detail:
    """One of the details of a metric: its key and SQL type, and `stored`, the column whose text holds it."""

    key: str
    sql_type: str
    stored: str
    place: int  # in the text, from 1

    def sql(self, table: str) -> str:
        """The detail as an expression over a table that has the column."""
        text = f"string_split({table}.{quote_name(self.stored)}, ',')[{self.place}]"
        # what is missing is an empty text, and that is no number
        return f"nullif({text}, '')" if self.sql_type == "VARCHAR" else f"try_cast({text} AS {self.sql_type})"


def details_of(metric: str, spark: str, stored: str) -> tuple[Detail, ...]:
    """The details of a metric by its key, that of its sparkline, and that of the column that holds them."""
    numbers = [
        Detail(f"{metric}.{name}", sql_type, stored, place)
        for place, (name, sql_type) in enumerate(SUMMARIES.items(), 1)
    ]
    return (*numbers, Detail(spark, "VARCHAR", stored, len(SUMMARIES) + 1))


def details_text(summary: MetricSummary) -> str:
    """The text for a summary. Numbers are as short as they can be without becoming others."""
    if summary.mean is not None and summary.min is not None and summary.max is not None:
        return (
            f"{summary.min!r},{summary.max!r},{_number(summary.first)},{summary.mean!r},"
            f"{summary.count},{spark_text(summary) or ''}"
        )
    return (
        f"{_number(summary.min)},{_number(summary.max)},{_number(summary.first)},{_number(summary.mean)},"
        f"{summary.count},{spark_text(summary) or ''}"
    )


def _number(number: float | None) -> str:
    return "" if number is None else repr(number)
