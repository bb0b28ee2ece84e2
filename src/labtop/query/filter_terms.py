"""Typed pieces of SQL that a filter is rendered from, and what a value means beside a column of some type.

Every value of the user becomes a bound parameter; every name is a column that exists, quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from labtop.model.columns import Column
from labtop.query.engine import quote_name
from labtop.query.filter_tokens import Token
from labtop.query.filter_values import TimeSpan, parse_duration, parse_time

Kind: TypeAlias = Literal["condition", "number", "text", "version", "mixed", "time", "tags", "null"]

_KINDS: dict[str, Kind] = {
    "text": "text", "status": "text", "score": "text", "spark": "text", "tags": "tags", "boolean": "condition",
    "integer": "number", "number": "number", "duration": "number", "time": "time", "mixed": "mixed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL with its parameters, and the characters of the filter that it stands for."""

    sql: str
    parameters: tuple[object, ...]
    kind: Kind
    start: int
    end: int
    column: Column | None = None
    may_be_nan: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written; what it means depends on what it is compared with."""

    token: Token
    is_negative: bool = False

    @property
    def start(self) -> int:
        """The first character of it."""
        return self.token.start

    @property
    def end(self) -> int:
        """The character behind it."""
        return self.token.end

    @property
    def text(self) -> str:
        """As written, without quotes."""
        return f"-{self.token.text}" if self.is_negative else self.token.text


Operand: TypeAlias = Term | Value


def fill(template: str, *terms: Term, kind: Kind = "condition", may_be_nan: bool = False) -> Term:
    """Terms put into a template's {0}, {1}, …, with their parameters in the order of use."""
    parameters: list[object] = []

    def put(found: re.Match[str]) -> str:
        term = terms[int(found.group(1))]
        parameters.extend(term.parameters)
        return term.sql

    sql = re.sub(r"\{(\d)\}", put, template)
    start, end = min(term.start for term in terms), max(term.end for term in terms)
    return Term(sql, tuple(parameters), kind, start, end, may_be_nan=may_be_nan)


def column_term(column: Column, start: int, end: int) -> Term:
    """A column; a name of the environment is looked up in the run's document."""
    if column.key.startswith("env."):
        return _environment_term(column, start, end)
    nan = column.type.sql == "DOUBLE"
    return Term(quote_name(column.key), (), _KINDS[column.type.name], start, end, column, may_be_nan=nan)


def _environment_term(column: Column, start: int, end: int) -> Term:
    """A fact, a package's version or a variable of the environment, whichever has the name."""
    name = column.key.removeprefix("env.")
    section, _, rest = name.partition(".")
    if section in ("packages", "variables", "origins") and rest:
        paths = [f"/{section}/{_pointer(rest)}"]
    else:
        paths = [f"/{_pointer(name)}", f"/packages/{_pointer(name)}", f"/variables/{_pointer(name)}"]
    extracts = ", ".join("json_extract_string(d.environment, ?)" for _ in paths)
    sql = f"(SELECT coalesce({extracts}, NULL) FROM documents AS d WHERE d.row = run_index.row)"
    return Term(sql, tuple(paths), "version", start, end, column)


def _pointer(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def literal(value: object, operand: Operand, kind: Kind) -> Term:
    """A value as a bound parameter."""
    nan = isinstance(value, float) and value != value
    return Term("?", (value,), kind, operand.start, operand.end, may_be_nan=nan)


def number_of(value: Value) -> float | int | None:
    """The number that a value means, or None: 1e-3, nan, 2h (in seconds)."""
    token = value.token
    text = token.text.replace("_", "").lower()
    number: float | int | None = None
    if token.kind == "constant" and text in ("nan", "inf", "infinity"):
        number = float(text)
    elif token.kind == "duration" or (token.kind == "text" and not _is_float(text)):
        number = parse_duration(token.text)
    elif token.kind in ("number", "text"):
        number = float(text)
        if re.fullmatch(r"\d{1,18}", text):
            number = int(text)
    return -number if number is not None and value.is_negative else number


def boolean_of(value: Value) -> bool | None:
    """The truth that a value means, or None: true, false, yes, no, 1, 0."""
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        value.text.lower()
    )


def time_of(value: Value, now: datetime) -> TimeSpan | None:
    """The time that a value means, or None."""
    return parse_time(value.text, now)


def as_text(term: Term) -> Term:
    """A term as text: a mixed value without the quotes of its JSON."""
    if term.kind != "mixed":
        return replace(term, kind="text")
    sql = "CASE WHEN json_valid({0}) THEN json_extract_string({0}, '$') ELSE {0} END"
    return fill(sql, term, kind="text")


def as_number(term: Term) -> Term:
    """A term as a number, null where it is none."""
    if term.kind == "number":
        return term
    return fill("TRY_CAST({0} AS DOUBLE)", term, kind="number", may_be_nan=True)


def as_version(term: Term) -> Term:
    """A text as the numbers in it, so that 2.10 is later than 2.9.

    Padded text and not BIGINT[]: DuckDB 1.5 moves that cast out of the comparison and compares the text.
    """
    return fill(
        "list_transform(regexp_extract_all({0}, '[0-9]+'), lambda n: lpad(n, 20, '0'))", term, kind="version"
    )


def as_comparable(term: Term) -> Term:
    """A number for `<` and its like: NaN is neither less nor more than anything, nor is it not, like null."""
    return fill("nullif({0}, 'NaN'::DOUBLE)", term, kind="number") if term.may_be_nan else term


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
