"""What comparisons of a filter mean for each type of column, and what is said when a value does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtop.errors import FilterError
from labtop.model.run import Status
from labtop.query.filter_names import Names
from labtop.query.filter_terms import (
    Operand,
    Term,
    Value,
    as_comparable,
    as_number,
    as_text,
    as_version,
    boolean_of,
    fill,
    literal,
    number_of,
    time_of,
)

ORDERED = ("<", "<=", ">", ">=")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WORDS = {
    "number": "a number", "text": "text", "version": "text", "mixed": "of mixed types", "time": "a time",
    "tags": "a list of tags", "condition": "true or false", "null": "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compare:
    """Renders comparisons of one filter."""

    text: str
    names: Names
    now: datetime

    def compare(self, operator: str, left: Operand, right: Operand) -> Term:
        """`left operator right`; operator is =, !=, <, <=, >, >=, "is" or "is not" (these two know null)."""
        if isinstance(left, Value) and isinstance(right, Term):
            left, right, operator = right, left, _MIRRORED.get(operator, operator)
        if isinstance(left, Value):
            left = self.constant(left)
        if isinstance(right, Value) and right.token.kind == "constant" and right.text == "null":
            is_null = "IS NULL" if operator in ("=", "is") else "IS NOT NULL"
            if operator in ORDERED:
                raise self.error("null cannot be ordered", right, "write is null or is not null")
            return self._spanning(fill(f"({{0}} {is_null})", left), left, right)
        return self._spanning(self._typed(operator, left, right), left, right)

    def _typed(self, operator: str, left: Term, right: Operand) -> Term:
        kinds = {left.kind, right.kind} if isinstance(right, Term) else {left.kind}
        if "time" in kinds:
            return self._times(operator, left, right)
        if "tags" in kinds:
            return self._tags(operator, left, right)
        if "condition" in kinds:
            return self._plain(operator, self.as_condition(left), self.as_condition(right))
        if "number" in kinds or (kinds == {"mixed"} and isinstance(right, Value) and self._is_numeric(right)):
            return self._numbers(operator, left, right)
        return self._texts(operator, left, right)

    def _numbers(self, operator: str, left: Term, right: Operand) -> Term:
        one, other = self.number(left), self.number(right)
        if operator in ORDERED:
            one, other = as_comparable(one), as_comparable(other)
        return self._plain(operator, one, other)

    def _texts(self, operator: str, left: Term, right: Operand) -> Term:
        one, other = self.as_text(left), self.as_text(right)
        if left.kind == "version" and operator in ORDERED:
            return self._plain(operator, as_version(one), as_version(other))
        if left.column and left.column.type.name == "status" and isinstance(right, Value):
            other = self._status(operator, right)
        return self._plain(operator, one, other)

    def _status(self, operator: str, value: Value) -> Term:
        known = [str(status) for status in Status]
        if value.text.lower() not in known:
            raise self.error(f"no status {value.text!r}", value, f"one of {', '.join(known)}")
        if operator in ORDERED:
            raise self.error("a status has no order", value, "compare it with = or !=")
        return literal(value.text.lower(), value, "text")

    def _times(self, operator: str, left: Term, right: Operand) -> Term:
        if isinstance(right, Term):
            if {left.kind, right.kind} != {"time"}:
                raise self.error(f"this is {_WORDS[right.kind]}, not a time", right)
            return self._plain(operator, left, right)
        span = time_of(right, self.now)
        if span is None:
            raise self.error(
                f"{right.text!r} is not a time", right, "say 2026-05-01, '2 days ago', 3h, today or yesterday"
            )
        start, end = literal(span.start, right, "time"), literal(span.end, right, "time")
        if operator in ("=", "!=", "is", "is not") and span.start != span.end:
            inside = fill("({0} >= {1} AND {0} < {2})", left, start, end)
            return inside if operator in ("=", "is") else fill("(NOT {0})", inside)
        if operator == "<=" and span.start != span.end:
            return fill("({0} < {1})", left, end)
        return self._plain(operator, left, start)

    def _tags(self, operator: str, left: Term, right: Operand) -> Term:
        if left.kind != "tags" and isinstance(right, Term):
            left, right = right, left
        if operator in ORDERED:
            raise self.error("tags have no order", right, "write tags has 'paper'")
        has = self.has(left, right)
        return has if operator in ("=", "is") else fill("(NOT {0})", has)

    def has(self, left: Operand, right: Operand) -> Term:
        """`tags has x`: one of the tags; for text: x stands anywhere in it, in capitals or not."""
        if isinstance(left, Value):
            left = self.constant(left)
        if left.kind == "tags":
            return fill("coalesce(list_contains({0}, {1}), false)", left, self.as_text(right))
        if left.kind not in ("text", "mixed", "version"):
            raise self.error(f"this is {_WORDS[left.kind]}; has is for tags and text", left)
        return fill("contains(lower({0}), lower({1}))", self.as_text(left), self.as_text(right))

    def _plain(self, operator: str, left: Term, right: Term) -> Term:
        sql = {"is": "IS NOT DISTINCT FROM", "is not": "IS DISTINCT FROM"}.get(operator, operator)
        return fill(f"({{0}} {sql} {{1}})", left, right)

    def number(self, operand: Operand) -> Term:
        """An operand as a number."""
        if isinstance(operand, Term):
            if operand.kind in ("number", "mixed"):
                return as_number(operand)
            raise self.error(f"this is {_WORDS[operand.kind]}, not a number", operand)
        number = number_of(operand)
        if number is None:
            raise self._not("a number", operand)
        return literal(number, operand, "number")

    def as_text(self, operand: Operand) -> Term:
        """An operand as text; a value means what is written."""
        if isinstance(operand, Value):
            return literal(operand.text, operand, "text")
        if operand.kind in ("text", "version", "mixed"):
            return as_text(operand)
        raise self.error(f"this is {_WORDS[operand.kind]}, not text", operand)

    def as_condition(self, operand: Operand) -> Term:
        """An operand as true or false."""
        if isinstance(operand, Term):
            if operand.kind == "condition":
                return operand
            raise self.error(f"this is {_WORDS[operand.kind]}, not true or false", operand)
        truth = boolean_of(operand)
        if truth is None:
            raise self._not("true or false", operand)
        return literal(truth, operand, "condition")

    def constant(self, value: Value) -> Term:
        """A value that nothing gives a meaning to: a number or text in itself; a word is an unknown name."""
        if value.token.kind == "name":
            raise self.unknown(value)
        if value.token.kind == "constant" and value.text in ("true", "false"):
            return literal(value.text == "true", value, "condition")
        if value.token.kind == "constant" and value.text == "null":
            return Term("NULL", (), "null", value.start, value.end)
        if value.token.kind in ("text", "time"):
            return literal(value.text, value, "text")
        return literal(number_of(value), value, "number")

    def unknown(self, value: Value) -> FilterError:
        """The error for a name that no column has."""
        nearest = self.names.nearest(value.token.text)
        hint = f"nearest: {', '.join(nearest)}" if nearest else ""
        return self.error(f"no column {value.token.text!r}", value, hint)

    def error(self, message: str, operand: Operand, hint: str = "") -> FilterError:
        """An error at an operand."""
        return FilterError(message, self.text, operand.start, max(operand.end - operand.start, 1), hint)

    def _is_numeric(self, value: Value) -> bool:
        return value.token.kind in ("number", "duration", "constant") and number_of(value) is not None

    def _not(self, wanted: str, value: Value) -> FilterError:
        if value.token.kind == "name" and (nearest := self.names.nearest(value.token.text)):
            return self.error(
                f"expected {wanted}; no column {value.token.text!r}", value, f"nearest: {', '.join(nearest)}"
            )
        return self.error(f"expected {wanted}, not {value.text!r}", value)

    def _spanning(self, term: Term, left: Operand, right: Operand) -> Term:
        start, end = min(left.start, right.start), max(left.end, right.end)
        return Term(term.sql, term.parameters, "condition", start, end)
