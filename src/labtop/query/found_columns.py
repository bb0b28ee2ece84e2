"""The columns of a store's params and metrics: found in the runs, named without collisions, widened as runs come."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from labtop.model.columns import COLUMN_TYPES, FIELDS, Column
from labtop.query.details import STORED_TYPE, Detail, details_of

MOST_KEYS = 1000
"""Of params, and of metrics: what is beyond is counted, not indexed."""

Path = tuple[str, ...]
_UNSPEAKABLE = re.compile("[\x00\ud800-\udfff]")


class SeenParam(NamedTuple):
    """A param in a chunk of runs: where it sits in the tree, which types its values had, in how many runs."""

    path: Path
    types: frozenset[str]
    runs: int


class SeenMetric(NamedTuple):
    """A metric in a chunk of runs, the goal some of them give, and in how many it is."""

    name: str
    goal: str | None
    runs: int


@dataclass(slots=True)
class FoundColumn:
    """One param or metric. `key` is unique whatever the case, as DuckDB wants it."""

    key: str
    kind: Literal["param", "metric"]
    path: Path
    type_name: str
    runs: int = 0
    goal: str | None = None

    @property
    def name(self) -> str:
        """As people say it."""
        return flat_name(self.path)

    @property
    def spark_key(self) -> str:
        """The key of a metric's sparkline."""
        return "spark" + self.key.removeprefix("metrics")

    def details(self) -> tuple[Detail, ...]:
        """What is known of a metric besides its last value."""
        if self.kind == "param":
            return ()
        return details_of(self.key, self.spark_key, self._details_key)

    @property
    def _details_key(self) -> str:
        return "details" + self.key.removeprefix("metrics")

    def stored(self) -> Iterator[tuple[str, str]]:
        """Keys and SQL types of the columns that the run table has for it: its values, and a metric's details."""
        yield self.key, COLUMN_TYPES[self.type_name].sql
        if self.kind == "metric":
            yield self._details_key, STORED_TYPE

    def column(self) -> Column:
        """The column as views know it."""
        return Column(self.key, self.name, self.kind, COLUMN_TYPES[self.type_name], self.goal, self.runs)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a chunk of runs changed: columns to add, and columns whose type widened, with the type they had."""

    added: tuple[FoundColumn, ...] = ()
    widened: tuple[tuple[FoundColumn, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.widened)


def flat_name(path: Path) -> str:
    """The dotted name of a place in a nested configuration."""
    return _UNSPEAKABLE.sub("�", ".".join(path))


def merged_type(types: Iterable[str]) -> str:
    """The column type that holds values of all these types; "nan" is a number that JSON says as text."""
    seen = set(types)
    if "nan" in seen:
        seen.discard("nan")
        seen.add("number" if not seen or seen & {"integer", "number"} else "text")
    if seen == {"integer", "number"}:
        return "number"
    return seen.pop() if len(seen) == 1 else "mixed"


@dataclass
class FoundColumns:
    """All params and metrics found so far, in the order they were found."""

    by_path: dict[tuple[str, Path], FoundColumn] = field(default_factory=dict)
    cut: Counter[str] = field(default_factory=Counter)  # kind → how many keys are beyond the limit
    _taken: set[str] = field(default_factory=lambda: {each.key.casefold() for each in FIELDS})
    _beyond: set[tuple[str, Path]] = field(default_factory=set)

    def of_kind(self, kind: str) -> list[FoundColumn]:
        """The params or the metrics."""
        return [each for each in self.by_path.values() if each.kind == kind]

    def columns(self) -> tuple[Column, ...]:
        """Fields, params, metrics."""
        params, metrics = self.of_kind("param"), self.of_kind("metric")
        return (*FIELDS, *(each.column() for each in (*params, *metrics)))

    def observe(self, params: Iterable[SeenParam], metrics: Iterable[SeenMetric]) -> Changes:
        """Learn from a chunk of runs, given in the order new columns shall have."""
        added: list[FoundColumn] = []
        widened: list[tuple[FoundColumn, str]] = []
        for seen in self._within_limit("param", list(params)):
            known = self.by_path.get(("param", seen.path))
            if known is None:
                added.append(self._add("param", seen.path, merged_type(seen.types), seen.runs))
                continue
            known.runs += seen.runs
            wider = merged_type((known.type_name, *seen.types))
            if wider != known.type_name:
                widened.append((known, known.type_name))
                known.type_name = wider
        for metric in self._within_limit("metric", list(metrics)):
            known = self.by_path.get(("metric", (metric.name,)))
            if known is None:
                known = self._add("metric", (metric.name,), "number", metric.runs)
                added.append(known)
            else:
                known.runs += metric.runs
            known.goal = known.goal or (metric.goal if metric.goal in ("min", "max") else None)
        return Changes(tuple(added), tuple(widened))

    def _within_limit(self, kind: str, seen: list[Any]) -> list[Any]:
        """Those known, and of the new ones the most common as far as there is room."""

        def place(each: Any) -> tuple[str, Path]:
            return kind, (each.path if kind == "param" else (each.name,))

        room = MOST_KEYS - sum(1 for known_kind, _ in self.by_path if known_kind == kind)
        new = [each for each in seen if place(each) not in self.by_path]
        if len(new) <= room:
            return seen
        kept = {place(each) for each in sorted(new, key=lambda each: -each.runs)[: max(room, 0)]}
        self._beyond |= {place(each) for each in new} - kept
        self.cut[kind] = sum(1 for known_kind, _ in self._beyond if known_kind == kind)
        return [each for each in seen if place(each) in self.by_path or place(each) in kept]

    def _add(self, kind: Literal["param", "metric"], path: Path, type_name: str, runs: int) -> FoundColumn:
        column = FoundColumn(self._free_key(kind, path), kind, path, type_name, runs)
        self._taken |= _claims(column)
        self.by_path[kind, path] = column
        return column

    def _free_key(self, kind: Literal["param", "metric"], path: Path) -> str:
        """`params.lr`, or `params.lr#2` where another param is spelt the same but for the case or a dot."""
        plain = f"{kind}s.{flat_name(path)}"
        number = 1
        while True:
            key = plain if number == 1 else f"{plain}#{number}"
            if not _claims(FoundColumn(key, kind, path, "number")) & self._taken:
                return key
            number += 1

    def as_json(self) -> list[list[Any]]:
        """All columns as plain values, for the cache."""
        return [
            [each.key, each.kind, list(each.path), each.type_name, each.runs, each.goal]
            for each in self.by_path.values()
        ]

    @classmethod
    def from_json(cls, rows: Iterable[list[Any]], cut: Mapping[str, int]) -> FoundColumns:
        """The inverse of `as_json`."""
        found = cls(cut=Counter(cut))
        for key, kind, path, type_name, runs, goal in rows:
            column = FoundColumn(key, kind, tuple(path), type_name, runs, goal)
            found.by_path[kind, column.path] = column
            found._taken |= _claims(column)
        return found


def _claims(column: FoundColumn) -> set[str]:
    return {column.key.casefold(), *(each.key.casefold() for each in column.details())}
