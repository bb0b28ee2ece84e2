"""When two recorded values are the same: NaN is NaN, a missing key is not null, and 1, 1.0 and "1" differ in type."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, IntEnum
from typing import TypeAlias, TypeGuard

from labtop.model.run import Value


class Absence(Enum):
    """Why a run has no value at a key."""

    ABSENT = "absent"  # the run was recorded without the key
    UNKNOWN = "unknown"  # facts of this kind were not recorded


ABSENT = Absence.ABSENT
UNKNOWN = Absence.UNKNOWN

Fact: TypeAlias = "Value | Absence"


class Difference(IntEnum):
    """How far the values of a row differ; a larger one wins."""

    SAME = 0
    UNKNOWN = 1  # those that are known agree
    TYPE = 2  # 1, 1.0 and "1": the same written down, another type
    VALUE = 3


def difference(facts: Sequence[Fact]) -> Difference:
    """The largest difference of any value to the first known one."""
    known = [fact for fact in facts if fact is not UNKNOWN]
    largest = Difference.SAME if len(known) == len(facts) or not known else Difference.UNKNOWN
    for fact in known[1:]:
        largest = max(largest, relation(known[0], fact))
    return largest


def relation(a: Fact, b: Fact) -> Difference:
    """How two known values differ."""
    try:
        return _relation(a, b)
    except RecursionError:  # nested deeper than anyone writes by hand
        return Difference.VALUE


def _relation(a: Fact, b: Fact) -> Difference:
    if isinstance(a, Absence) or isinstance(b, Absence):
        return Difference.SAME if a is b else Difference.VALUE
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            return Difference.VALUE
        return _largest((a[key], b[key]) for key in a)
    if _is_list(a) and _is_list(b):
        return Difference.VALUE if len(a) != len(b) else _largest(zip(a, b, strict=True))
    if type(a) is type(b):
        return Difference.SAME if a == b or (_is_nan(a) and _is_nan(b)) else Difference.VALUE
    return Difference.TYPE if _same_but_type(a, b) else Difference.VALUE


def _largest(pairs: Iterable[tuple[Fact, Fact]]) -> Difference:
    return max((_relation(a, b) for a, b in pairs), default=Difference.SAME)


def _is_list(value: Fact) -> TypeGuard[Sequence[Value]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_nan(value: Fact) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _same_but_type(a: Value, b: Value) -> bool:
    """Whether two values of different types are the same once written down, as trackers that store text do."""
    if isinstance(a, bool) or isinstance(b, bool):
        return str(a).lower() == str(b).lower()
    if a is None or b is None:
        return str(a).lower() in ("none", "null") and str(b).lower() in ("none", "null")
    number_a, number_b = _number(a), _number(b)
    if number_a is None or number_b is None:
        return isinstance(a, str) != isinstance(b, str) and text_of(a) == text_of(b)
    return number_a == number_b or (_is_nan(number_a) and _is_nan(number_b))


def _number(value: Value) -> int | float | None:
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 400:
        return None
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return None


def type_name(fact: Fact) -> str:
    """The type in words of a configuration file: integer, number, text, boolean, null, list, mapping."""
    match fact:
        case Absence():
            return fact.value
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "text"
        case None:
            return "null"
        case Mapping():
            return "mapping"
        case _:
            return "list"


def text_of(fact: Fact) -> str:
    """A value as people write it, in full and on one line unless it is text with lines: text bare, the rest as JSON."""
    if isinstance(fact, Absence):
        return ""
    if isinstance(fact, str):
        return fact
    if isinstance(fact, float):
        return repr(fact).replace("inf", "Infinity").replace("nan", "NaN")
    return json.dumps(fact, ensure_ascii=False, default=_jsonable)


def lines_of(fact: Fact) -> list[str]:
    """A value as lines for a text diff: text by its line breaks, lists and mappings one element a line."""
    if isinstance(fact, str):
        return fact.splitlines()
    if isinstance(fact, Absence):
        return []
    if isinstance(fact, Mapping) or _is_list(fact):
        return json.dumps(fact, ensure_ascii=False, indent=2, default=_jsonable).splitlines()
    return [text_of(fact)]


def _jsonable(value: object) -> object:
    """Mappings that are no dict; anything else as its text."""
    return dict(value) if isinstance(value, Mapping) else str(value)
