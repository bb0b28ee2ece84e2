"""A comparison ready to draw: the tree of its keys, and its values as cells, cleaned and styled by name.

`comparison_table` makes tables of them as the grid draws them.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from labtop.analysis.compare import Comparison, Section
from labtop.analysis.rows import Row
from labtop.analysis.values import ABSENT, UNKNOWN, Difference, Fact, relation, text_of
from labtop.views.glyphs import Glyphs
from labtop.views.numbers import NumberFormat, format_numbers, size
from labtop.views.table_shape import Cell
from labtop.views.text import clean

LONGEST_NUMBER = 12  # cells; a float of more digits is written with as few as tell the runs apart
LONG_PREFIX = 12  # characters that all runs begin with, beyond which only what follows is shown
LONGEST_CELL = 200  # characters that are looked at to draw one cell
_HEX = re.compile(r"(?:sha256:)?[0-9a-f]{32,}")

Branch = tuple[str, ...]  # a section's name, then the path below it


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the tree: a section, a branch of nested keys, or a fact. `branch` names it for folding."""

    kind: Literal["section", "branch", "fact"]
    branch: Branch
    label: str
    depth: int
    row: Row | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """How a run is headed: its marker, and its name (or id where two share a name)."""

    run_id: str
    title: str


def run_titles(comparison: Comparison, markers: Mapping[str, str] | None = None) -> tuple[ComparedRun, ...]:
    """The heads of the columns, cleaned; runs of one name are told apart by their id."""
    names = [clean(name, 60) for name in comparison.run_names]
    heads = []
    for run_id, name in zip(comparison.run_ids, names, strict=True):
        title = name if names.count(name) == 1 and name else f"{name} {clean(run_id, 10)}".strip()
        glyph = (markers or {}).get(run_id, "")
        heads.append(ComparedRun(run_id, f"{glyph} {title}".strip()))
    return tuple(heads)


# the tree


def entries_of(
    comparison: Comparison, needle: str = "", folded: Collection[Branch] = (), ascii: bool = False
) -> tuple[Entry, ...]:
    """The lines of the tree that are to be seen: what fits the filter, without what is folded away."""
    entries: list[Entry] = []
    for section in comparison.sections:
        rows = [row for row in section.rows if fits(row, needle)]
        if not rows and (needle or not section.equal):
            continue
        entries.append(Entry("section", (section.name,), section.name, 0, note=_count(section, rows, needle)))
        if (section.name,) not in folded or needle:
            entries += _tree(rows, section.name, 0, frozenset() if needle else frozenset(folded), ascii)
    return told_apart(entries, ascii)


def told_apart(entries: Sequence[Entry], ascii: bool = False) -> tuple[Entry, ...]:
    """The same lines; of those that would read alike, names with a dot of their own are in quotes: `"a.b"`, `a.b`."""
    counts = Counter((each.row.section, each.row.key) for each in entries if each.row is not None)
    return tuple(
        replace(
            each,
            label=label_of(
                [f'"{step}"' if "." in step else step for step in each.row.path[each.depth :]], ascii
            ),
        )
        if each.row is not None and counts[each.row.section, each.row.key] > 1
        else each
        for each in entries
    )


def fits(row: Row, needle: str) -> bool:
    """Whether the filter's words are all somewhere in the key or a value."""
    if not needle:
        return True
    searched = "\n".join(
        (row.section, row.key, *(text_of(value)[:10_000] for value in row.values))
    ).casefold()
    return all(word in searched for word in needle.casefold().split())


def _count(section: Section, rows: Sequence[Row], needle: str) -> str:
    if needle:
        return f"{len(rows)} found"
    if rows and len(rows[0].values) == 1:
        return ""
    words = [f"{section.differing} differ{'s' * (section.differing == 1)}"] if section.differing else []
    if equal := section.equal or len(section.rows) - section.differing:
        words.append(f"{equal} equal")
    return ", ".join(words)


def _tree(
    rows: Sequence[Row], section: str, depth: int, folded: Collection[Branch], ascii: bool
) -> Iterator[Entry]:
    """Facts below their branches; a branch with one fact is one line, `aug.mixup`."""
    at = 0
    while at < len(rows):
        row = rows[at]
        if len(row.path) == depth + 1:
            yield Entry("fact", (section, *row.path), label_of(row.path[depth:], ascii), depth, row)
            at += 1
            continue
        step = row.path[: depth + 1]
        end = at
        while end < len(rows) and rows[end].path[: depth + 1] == step and len(rows[end].path) > depth + 1:
            end += 1
        if end - at == 1:
            yield Entry("fact", (section, *row.path), label_of(row.path[depth:], ascii), depth, row)
        else:
            branch = (section, *step)
            yield Entry("branch", branch, label_of(step[depth:], ascii), depth, note=f"{end - at}")
            if branch not in folded:
                yield from _tree(rows[at:end], section, depth + 1, folded, ascii)
        at = end


def label_of(path: Sequence[str], ascii: bool) -> str:
    """A path with dots, cleaned."""
    return clean(".".join(path), LONGEST_CELL, ascii=ascii)


# cells


@dataclass(frozen=True, slots=True)
class FactWriter:
    """Writes the values of one row: numbers of a metric in one format, hashes shortened, the rest as it is."""

    row: Row
    signs: Glyphs
    numbers: NumberFormat | None
    goal: str | None = None
    prefix: str = ""  # what all long values begin with, and a cell leaves out
    digits: int = 17  # of floats that are no metric's

    @classmethod
    def of(cls, row: Row, signs: Glyphs, goal: str | None = None) -> FactWriter:
        """Choose the format of a row's numbers."""
        numbers = None
        if row.section == "metrics":
            numbers = format_numbers([value for value in row.values if isinstance(value, int | float)])
        return cls(row, signs, numbers, goal, _common_start(row), _digits_apart(row))

    def cell(self, run: int) -> Cell:
        """The cell of one run: its value, bold where it differs from the first run's, with a metric's delta."""
        value = self.row.values[run]
        text = self.text(value)
        if value is ABSENT or value is UNKNOWN:
            return Cell(text, "quiet")
        if _is_nan(value):
            return Cell(text, "nan")
        note, note_style = self._delta(run)
        return Cell(text, "differs" if self._is_other(run) else "", note, note_style)

    def text(self, value: Fact) -> str:
        """One value in one line."""
        if value is UNKNOWN:
            return self.signs.nothing
        if value is ABSENT:
            return "absent"
        if self.numbers is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return self.numbers.text(value)
        if isinstance(value, float) and len(repr(value)) > LONGEST_NUMBER:
            return f"{value:.{self.digits}g}"
        if self.row.path[-1].endswith("bytes") and isinstance(value, int) and self.row.section != "params":
            return size(value)
        if self.prefix:
            rest = _one_line(value).removeprefix(self.prefix)
            return self.signs.ellipsis + clean(rest, LONGEST_CELL, newline=" ", ascii=self.signs.is_ascii)
        return _shown(value, self.row.difference is Difference.TYPE, self.signs.is_ascii)

    def _is_other(self, run: int) -> bool:
        first = self.row.values[0]
        return run > 0 and relation(first, self.row.values[run]) is not Difference.SAME

    def _delta(self, run: int) -> tuple[str, str]:
        """The difference to the first run, good or bad where the metric has a goal."""
        delta = self.row.deltas[run] if run < len(self.row.deltas) else None
        if not run or delta is None or self.numbers is None or not self._is_other(run):
            return "", ""
        value, first = self.row.values[run], self.row.values[0]
        assert isinstance(value, int | float)
        assert isinstance(first, int | float)
        style = "quiet"
        if self.goal and self.row.path[-1] in ("last", "min", "max"):
            style = "good" if (delta < 0) == (self.goal == "min") else "bad"
        return self.numbers.difference(value, first), style


def _digits_apart(row: Row) -> int:
    """The digits that tell the numbers of a row apart: 0.1 + 0.2 reads 0.3, unless another run has just that."""
    floats = {value for value in row.values if isinstance(value, int | float)}
    return next(
        (each for each in (6, 9, 12) if len({f"{value:.{each}g}" for value in floats}) == len(floats)), 17
    )


def _common_start(row: Row) -> str:
    """What all long values of a row begin with, up to the last whole word: a cell shows where they part."""
    if not row.differs or row.section == "metrics":
        return ""
    texts = [_one_line(value) for value in row.values if isinstance(value, str | Sequence)]
    if len(texts) < 2 or _HEX.fullmatch(texts[0]):
        return ""
    first, last = min(texts), max(texts)  # what these two share, all share
    at = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    words = [found.end() for found in re.finditer(r"\s", first[:at])]
    at = words[-2] if len(words) > 1 else 0  # a whole word of what is common stays, to tell where this is
    return first[:at] if at >= LONG_PREFIX else ""


def _one_line(value: Fact) -> str:
    """Text as it is, an argument list as a shell shows it, another list as JSON."""
    if (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(each, str) for each in value)
    ):
        return shlex.join(map(str, value))
    return text_of(value)


def _shown(value: Fact, with_type: bool, ascii: bool) -> str:
    """A value in one line; text in quotes where it could be taken for something else."""
    if isinstance(value, str):
        if _HEX.fullmatch(value):
            return value.removeprefix("sha256:")[:12]
        lines = value.count("\n")
        shown = clean(value, LONGEST_CELL, ascii=ascii)
        if with_type or not value or value.strip() != value or _looks_typed(value):
            shown = f'"{shown}"'
        return f"({lines + 1} lines) {shown}" if lines else shown
    return clean(
        text_of(value) if not isinstance(value, tuple) else _one_line(value), LONGEST_CELL, ascii=ascii
    )


def _looks_typed(text: str) -> bool:
    """Whether bare text would read as null, a boolean or a number; versions such as 2.1.0 do not."""
    return text.lower() in ("null", "none", "true", "false", "absent")


def _is_nan(value: Fact) -> bool:
    return isinstance(value, float) and value != value


def text_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """The comparison as plain rows: section, key, then the value of each run in full; for Markdown and files."""
    for row in comparison.rows:
        yield (row.section, row.key, *(_in_full(value) for value in row.values))


def _in_full(value: Fact) -> str:
    return "" if value is UNKNOWN else "absent" if value is ABSENT else text_of(value)
