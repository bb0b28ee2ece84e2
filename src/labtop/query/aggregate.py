"""Aggregations over the runs of a group: one entry each, with what it says where there is nothing.

NaN and missing values are never averaged in and never dropped in silence: `nan_count` and `missing` tell of them.
An infinity takes part: the mean becomes infinite and the deviation NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aggregation:
    """`sql` over the numbers `{x}` (DOUBLE); `on_nothing` is the answer when there is no number among them."""

    name: str
    sql: str
    meaning: str
    on_nothing: float | None = None


_KNOWN = "FILTER (WHERE NOT isnan({x}))"
_BIG = 1e150  # sums and squares of greater numbers overflow; the latter fails the whole query
_TINY = 1e-170

AGGREGATIONS: Mapping[str, Aggregation] = {
    each.name: each
    for each in (
        Aggregation("n", f"count({{x}}) {_KNOWN}", "how many numbers were used", 0),
        Aggregation(
            "mean",
            f"""CASE WHEN bool_or(isinf({{x}})) THEN avg({{x}}) FILTER (WHERE isinf({{x}}))
                WHEN max(abs({{x}})) {_KNOWN} < {_BIG} THEN avg({{x}}) {_KNOWN}
                ELSE avg({{x}} * {_TINY}) FILTER (WHERE isfinite({{x}})) / {_TINY} END""",
            "their mean",
        ),
        Aggregation(
            "std",
            f"""CASE WHEN count({{x}}) {_KNOWN} < 2 THEN NULL
                WHEN bool_or(isinf({{x}})) THEN 'nan'::DOUBLE
                WHEN max(abs({{x}})) {_KNOWN} < {_BIG}
                THEN stddev_samp({{x}}) FILTER (WHERE isfinite({{x}}) AND abs({{x}}) < {_BIG})
                ELSE stddev_samp({{x}} * {_TINY}) FILTER (WHERE isfinite({{x}})) / {_TINY} END""",
            "their standard deviation, as of a sample; nothing under two",
        ),
        Aggregation("low", f"min({{x}}) {_KNOWN}", "the lowest"),
        Aggregation("high", f"max({{x}}) {_KNOWN}", "the highest"),
        Aggregation("nan_count", "count({x}) FILTER (WHERE isnan({x}))", "how many were NaN", 0),
        Aggregation("missing", "count(*) - count({x})", "how many runs have no value", 0),
    )
}
"""In the order of the fields of `Aggregate`."""
