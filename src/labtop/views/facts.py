"""The pieces that a run is told in: facts with a label, rows of metrics, sections; and values on one clean line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from labtop.views.numbers import age, shortest
from labtop.views.text import clean

Tone = Literal["", "quiet", "good", "bad", "warning", "differs"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is known; `note` says more (the baseline's value, a reason)."""

    label: str
    value: str
    note: str = ""
    tone: Tone = ""
    opens: str = ""  # the name of a rich value that Enter opens


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of a run as shown; texts are not padded."""

    name: str
    last: str
    best: str
    delta: str
    delta_tone: Tone
    spark: str  # levels as in views/spark.py
    low: str
    high: str
    count: str
    nan: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with facts, or with the metrics, or with plain lines."""

    title: str
    facts: tuple[Fact, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    lines: tuple[str, ...] = ()
    note: str = ""


def shown(value: Any, limit: int = 400) -> str:
    """A value on one clean line: texts as they are, numbers short, lists and mappings as JSON."""
    if isinstance(value, str):
        return clean(value, limit) if value else '""'
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return shortest(value) if abs(value) < float("inf") else str(value)
    if isinstance(value, int):
        return str(value)
    return clean(json.dumps(value, ensure_ascii=False, default=str), limit)


def same(one: Any, other: Any) -> bool:
    """Whether two values are one to a reader; NaN is equal to itself, and true is not 1."""
    return (one == other and isinstance(one, bool) == isinstance(other, bool)) or (
        one != one and other != other
    )


def when(moment: datetime | None, now: datetime) -> str:
    """A moment with its age: 2026-01-05 08:00:12 UTC (3 d ago)."""
    if moment is None:
        return ""
    ago = age((now - moment).total_seconds())
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({ago}{'' if ago == 'now' else ' ago'})"


def counted(number: int | None, what: str) -> str:
    """`1 file`, `2 files`; empty for none."""
    return f"{number} {what}{'s' * (number != 1)}" if number else ""


def known(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Those with a value."""
    return (fact for fact in facts if fact.value)
