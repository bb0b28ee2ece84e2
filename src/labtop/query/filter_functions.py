"""The functions that a filter may call: each row is the whole registration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ArgumentKind = Literal["number", "text", "same"]


@dataclass(frozen=True, slots=True)
class Function:
    """Arguments (the last kind repeats up to `most`), what comes out, and the SQL; total: it never fails."""

    arguments: tuple[ArgumentKind, ...]
    gives: Literal["number", "text", "condition", "same"]
    sql: str
    most: int = 0  # 0: as many as `arguments`

    def takes(self, count: int) -> bool:
        """Whether the function may be called with so many arguments."""
        return len(self.arguments) <= count <= max(self.most, len(self.arguments))


def _number(sql: str) -> Function:
    return Function(("number",), "number", sql)


FUNCTIONS: Mapping[str, Function] = {
    "abs": _number("abs(CAST({0} AS DOUBLE))"),
    "floor": _number("floor(CAST({0} AS DOUBLE))"),
    "ceil": _number("ceil(CAST({0} AS DOUBLE))"),
    "sqrt": _number("CASE WHEN {0} >= 0 THEN sqrt(CAST({0} AS DOUBLE)) END"),
    "ln": _number("CASE WHEN {0} > 0 THEN ln(CAST({0} AS DOUBLE)) END"),
    "log": _number("CASE WHEN {0} > 0 THEN log10(CAST({0} AS DOUBLE)) END"),
    "log10": _number("CASE WHEN {0} > 0 THEN log10(CAST({0} AS DOUBLE)) END"),
    "log2": _number("CASE WHEN {0} > 0 THEN log2(CAST({0} AS DOUBLE)) END"),
    "exp": _number("exp(CAST({0} AS DOUBLE))"),
    "round": Function(
        ("number",),
        "number",
        "round(CAST({0} AS DOUBLE), CAST(greatest(-400, least(400, coalesce({1}, 0))) AS INTEGER))",
        most=2,
    ),
    "greatest": Function(("number", "number"), "number", "greatest({*})", most=10),
    "least": Function(("number", "number"), "number", "least({*})", most=10),
    "isnan": Function(("number",), "condition", "isnan(CAST({0} AS DOUBLE))"),
    "isinf": Function(("number",), "condition", "isinf(CAST({0} AS DOUBLE))"),
    "isfinite": Function(("number",), "condition", "isfinite(CAST({0} AS DOUBLE))"),
    "lower": Function(("text",), "text", "lower({0})"),
    "upper": Function(("text",), "text", "upper({0})"),
    "trim": Function(("text",), "text", "trim({0})"),
    "length": Function(("text",), "number", "length({0})"),
    "contains": Function(("text", "text"), "condition", "contains({0}, {1})"),
    "starts_with": Function(("text", "text"), "condition", "starts_with({0}, {1})"),
    "ends_with": Function(("text", "text"), "condition", "ends_with({0}, {1})"),
    "coalesce": Function(("same", "same"), "same", "coalesce({*})", most=10),
}

OPERATORS: Mapping[str, str] = {
    "+": "(CAST({0} AS DOUBLE) + {1})",
    "-": "(CAST({0} AS DOUBLE) - {1})",
    "*": "(CAST({0} AS DOUBLE) * {1})",
    "/": "(CAST({0} AS DOUBLE) / nullif(CAST({1} AS DOUBLE), 0))",
    "//": "floor(CAST({0} AS DOUBLE) / nullif(CAST({1} AS DOUBLE), 0))",
    "%": "(CAST({0} AS DOUBLE) % nullif(CAST({1} AS DOUBLE), 0))",
    "**": "pow(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE))",
}
"""Arithmetic is done in doubles, so that no value overflows; a division by zero is null."""
