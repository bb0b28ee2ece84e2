"""Lays any number of runs side by side and says in how many things they differ.

    comparison = compare([a, b, c])
    comparison.headline        'differs in 4 things: lr, seed, aug.mixup, torch'
    comparison.sections        params, data, code, environment, hardware, randomness, metrics

Metrics are outcomes: they are compared and never counted as a cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from labtop.analysis.causes import Cause, find_causes
from labtop.analysis.facts import SECTIONS, Facts, Path, facts_of
from labtop.analysis.rows import Row
from labtop.analysis.values import UNKNOWN, Difference, difference
from labtop.errors import UsageError
from labtop.model.packages import package_weight
from labtop.model.run import RunRecord


@dataclass(frozen=True, slots=True)
class Section:
    """One section: the rows asked for, how many differ, and how many were left out because they are equal."""

    name: str
    rows: tuple[Row, ...]
    differing: int
    equal: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; the first is the baseline that deltas refer to."""

    run_ids: tuple[str, ...]
    run_names: tuple[str, ...]
    sections: tuple[Section, ...]
    causes: tuple[Cause, ...]
    type_only: int  # values that differ in nothing but their type
    unknown: tuple[str, ...]  # kinds of facts that some runs have not recorded
    outcomes_differ: bool

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of all sections."""
        return tuple(row for section in self.sections for row in section.rows)

    @property
    def differs(self) -> bool:
        """Whether anything differs at all, outcomes included."""
        return bool(self.causes) or self.outcomes_differ or any(each.differing for each in self.sections)

    @property
    def headline(self) -> str:
        """In how many things the runs differ, and which; a comparison with more than one cause is no evidence."""
        return _headline(self)


def compare(
    records: Sequence[RunRecord], sections: Iterable[str] | None = None, all: bool = False
) -> Comparison:
    """Compare runs; `sections` picks some of `SECTIONS`, `all` keeps the rows that are equal too."""
    if not records:
        raise UsageError("nothing to compare", "name at least two runs")
    wanted = tuple(sections) if sections is not None else SECTIONS
    if wrong := [name for name in wanted if name not in SECTIONS]:
        raise UsageError(f"no section {wrong[0]!r} in a comparison", f"there are: {', '.join(SECTIONS)}")
    rows = list(_rows(records))
    return Comparison(
        run_ids=tuple(record.id for record in records),
        run_names=tuple(record.name for record in records),
        sections=tuple(_section(name, rows, all) for name in SECTIONS if name in wanted),
        causes=find_causes(rows, [_labels(record) for record in records]),
        type_only=sum(row.difference is Difference.TYPE for row in rows if row.section != "metrics"),
        unknown=tuple(_unknown(records, rows)),
        outcomes_differ=any(row.differs for row in rows if row.section == "metrics"),
    )


def _section(name: str, rows: Sequence[Row], keep_equal: bool) -> Section:
    mine = [row for row in rows if row.section == name]
    differing = [row for row in mine if row.differs]
    shown = mine if keep_equal else differing
    return Section(name, tuple(shown), len(differing), len(mine) - len(shown))


def _rows(records: Sequence[RunRecord]) -> Iterator[Row]:
    """All rows, section by section; the groups of facts come in the same order from every record."""
    for groups in zip(*map(facts_of, records), strict=True):
        rows = [row for row in (_row(groups, path) for path in _paths(groups)) if _says_something(row)]
        if groups[0].group == ("packages",):
            rows.sort(key=lambda row: (row.weight, row.path))
        yield from rows


def _says_something(row: Row) -> bool:
    """Whether any run has a value; a count of NaN only where there are some."""
    if row.section == "metrics" and row.path[-1] == "nan_count":
        return any(isinstance(value, int) and value for value in row.values)
    return row.is_known


def _labels(record: RunRecord) -> frozenset[str]:
    life = record.life
    return frozenset(each for each in (record.name, life.group, life.job_type, *life.tags) if each)


def _paths(groups: Sequence[Facts]) -> Iterable[Path]:
    """The keys of all runs, a nested key beside its neighbours, whichever run has it."""
    order: dict[Path, None] = {}
    for group in groups:
        for path in group.values:
            order.setdefault(path)
    return _by_branch(order)


def _by_branch(paths: Iterable[Path]) -> list[Path]:
    """Keep the order of first sight, and what shares a branch together."""
    places: dict[Path, int] = {}
    listed = list(paths)
    for path in listed:
        for depth in range(1, len(path) + 1):
            places.setdefault(path[:depth], len(places))
    return sorted(listed, key=lambda path: [places[path[:depth]] for depth in range(1, len(path) + 1)])


def _row(groups: Sequence[Facts], path: Path) -> Row:
    values = tuple(group.values.get(path, group.missing) for group in groups)
    section, prefix = groups[0].section, groups[0].group
    weight = package_weight(path[0]) if prefix == ("packages",) else 0
    deltas = tuple(_deltas(values)) if section == "metrics" else ()
    return Row(section, prefix + path, values, difference(values), weight, deltas)


def _deltas(values: Sequence[object]) -> Iterator[float | None]:
    """Each value less the first; None where one of them is no finite number."""
    baseline = values[0]
    for value in values:
        yield value - baseline if _is_finite(value) and _is_finite(baseline) else None


def _is_finite(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _unknown(records: Sequence[RunRecord], rows: Sequence[Row]) -> Iterator[str]:
    """`data (2 of 3 runs)`: kinds of facts that some runs lack while others have them."""
    tested: Mapping[str, tuple[str, Path]] = {
        "data": ("data", ()),
        "code": ("code", ("commit",)),
        "packages": ("environment", ("packages",)),
        "hardware": ("hardware", ("cpu",)),
        "seeds": ("randomness", ("seeds",)),
        "command": ("code", ("command", "argv")),
    }
    for name, (section, prefix) in tested.items():
        mine = [row for row in rows if row.section == section and row.path[: len(prefix)] == prefix]
        lacking = [
            each for each in range(len(records)) if mine and all(row.values[each] is UNKNOWN for row in mine)
        ]
        if lacking and len(lacking) < len(records):
            yield f"{name} ({len(lacking)} of {len(records)} runs)"


def _headline(comparison: Comparison) -> str:
    causes = comparison.causes
    if len(comparison.run_ids) < 2:
        return "one run: nothing to compare it with"
    if causes:
        noun = "thing" if len(causes) == 1 else "things"
        words = f"differs in {len(causes)} {noun}: {', '.join(cause.name for cause in causes)}"
    elif comparison.outcomes_differ:
        words = "differs in nothing but metrics: not reproducible, or the cause was not recorded"
    else:
        words = "differs in nothing that counts" if comparison.differs else "no difference"
    notes = []
    if comparison.type_only:
        notes.append(f"{comparison.type_only} more in type only")
    if comparison.unknown:
        notes.append(f"not recorded: {', '.join(comparison.unknown)}")
    return "; ".join([words, *notes])
