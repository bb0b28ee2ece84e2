"""A comparison as a table for the grid: a column a run, or the other way round a row a run.

Cells are written when they are looked at: fifty runs with a thousand facts are fifty thousand of them, and a screen
shows a few hundred. Widths are chosen from some of the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import overload

from labtop.analysis.compare import Comparison
from labtop.views.comparison import (
    Branch,
    ComparedRun,
    Entry,
    FactWriter,
    entries_of,
    fits,
    label_of,
    told_apart,
)
from labtop.views.glyphs import glyphs
from labtop.views.table_shape import Cell, TableColumn, TableRow
from labtop.views.text import cell_width

KEY_WIDTH = (12, 36)  # cells of the frozen column, at least and at most
RUN_WIDTH = (8, 26)
NARROW_RUN = 12  # cells that a run gets at least where many share the width
SAMPLED = 120  # lines that a width is chosen from

_EMPTY = Cell("")


class LazyCells(Sequence[Cell]):
    """The cells of one line, each written when it is asked for."""

    __slots__ = ("_length", "_write")

    def __init__(self, length: int, write: Callable[[int], Cell]) -> None:
        self._length = length
        self._write = write

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> Cell: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Cell]: ...
    def __getitem__(self, at: int | slice) -> Cell | Sequence[Cell]:
        if isinstance(at, slice):
            return [self._write(each) for each in range(*at.indices(self._length))]
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return self._write(at % self._length)


class ComparisonTable:
    """A column a run: the frozen column of keys, then one column for each run."""

    version = 0

    def __init__(
        self,
        comparison: Comparison,
        heads: Sequence[ComparedRun],
        goals: Mapping[str, str] | None = None,
        needle: str = "",
        folded: Collection[Branch] = (),
        ascii: bool = False,
        width: int = 200,
    ) -> None:
        self.signs = glyphs(ascii)
        self.entries = entries_of(comparison, needle, folded, ascii)
        self._folded = frozenset(folded) if not needle else frozenset()
        self._writers = _Writers(self.entries, self.signs.is_ascii, goals or {})
        keys = _fitting(map(self._key, self.entries), "", KEY_WIDTH)
        fair = (width - keys - 2) // max(1, len(heads)) - 1
        limits = RUN_WIDTH[0], max(NARROW_RUN, min(RUN_WIDTH[1], fair))
        self.columns = (
            TableColumn("", "", keys, is_frozen=True),
            *(
                TableColumn(
                    head.run_id, head.title, _fitting(self._sample(at, len(heads)), head.title, limits)
                )
                for at, head in enumerate(heads)
            ),
        )

    @property
    def row_count(self) -> int:
        """How many lines the tree has."""
        return len(self.entries)

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Lines of the tree by their place."""
        return [TableRow(at, (at,)) for at in range(start, min(stop, len(self.entries)))]

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a line shows."""
        return LazyCells(len(self.columns), lambda column: self._cell(row.number, column))

    def entry(self, at: int) -> Entry | None:
        """The entry at a line."""
        return self.entries[at] if 0 <= at < len(self.entries) else None

    def _cell(self, line: int, column: int) -> Cell:
        return self._key(self.entries[line]) if column == 0 else self._writers.cell(line, column - 1)

    def _key(self, entry: Entry) -> Cell:
        indent = "  " * (entry.depth if entry.kind == "section" else entry.depth + 1)
        if entry.row is not None:
            return Cell(f"{indent}{entry.label}", "", entry.row.note and f"({entry.row.note})", "quiet")
        sign = self.signs.group if entry.branch in self._folded else self.signs.descending
        return Cell(
            f"{indent}{sign} {entry.label}", "header" if entry.kind == "section" else "", entry.note, "quiet"
        )

    def _sample(self, run: int, runs: int) -> Iterator[Cell]:
        """Cells of a run that stand for all; fewer of each where there are many runs."""
        step = max(1, len(self.entries) * runs // (SAMPLED * 8))
        return (self._writers.cell(line, run) for line in range(0, len(self.entries), step))


class TransposedTable:
    """A row a run: the frozen column of names, then one column for each fact."""

    version = 0

    def __init__(
        self,
        comparison: Comparison,
        heads: Sequence[ComparedRun],
        goals: Mapping[str, str] | None = None,
        needle: str = "",
        ascii: bool = False,
    ) -> None:
        rows = [row for section in comparison.sections for row in section.rows if fits(row, needle)]
        self.entries = told_apart(
            [Entry("fact", (row.section, *row.path), label_of(row.path, ascii), 0, row) for row in rows],
            ascii,
        )
        self._heads = heads
        self._writers = _Writers(self.entries, ascii, goals or {})
        step = max(1, len(heads) * len(rows) // (SAMPLED * 8))
        self.columns = (
            TableColumn("", "", _fitting(map(self._name, range(len(heads))), "", KEY_WIDTH), is_frozen=True),
            *(
                TableColumn(
                    ".".join(entry.branch),
                    entry.label,
                    _fitting(
                        (self._writers.cell(at, run) for run in range(0, len(heads), step)),
                        entry.label,
                        RUN_WIDTH,
                    ),
                )
                for at, entry in enumerate(self.entries)
            ),
        )

    @property
    def row_count(self) -> int:
        """How many runs there are."""
        return len(self._heads)

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Runs by their place."""
        return [TableRow(at, (at,)) for at in range(start, min(stop, len(self._heads)))]

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a run shows."""
        run = row.number
        return LazyCells(
            len(self.columns),
            lambda column: self._writers.cell(column - 1, run) if column else self._name(run),
        )

    def entry(self, at: int) -> Entry | None:
        """The entry of a column, counted without the names."""
        return self.entries[at] if 0 <= at < len(self.entries) else None

    def _name(self, run: int) -> Cell:
        return Cell(self._heads[run].title, "name")


class _Writers:
    """Writes the cells of entries, choosing the format of each once."""

    def __init__(self, entries: Sequence[Entry], ascii: bool, goals: Mapping[str, str]) -> None:
        self._entries = entries
        self._signs = glyphs(ascii)
        self._goals = goals
        self._writers: dict[int, FactWriter] = {}

    def cell(self, at: int, run: int) -> Cell:
        """The cell of an entry and a run; nothing beside a section."""
        row = self._entries[at].row
        if row is None:
            return _EMPTY
        writer = self._writers.get(at)
        if writer is None:
            goal = self._goals.get(row.path[0]) if row.section == "metrics" else None
            writer = self._writers[at] = FactWriter.of(row, self._signs, goal)
        return writer.cell(run)


def _fitting(cells: Iterable[Cell], title: str, limits: tuple[int, int]) -> int:
    """The width that shows most of a column."""
    widest = max(
        (cell_width(each.text) + (cell_width(each.note) + 1 if each.note else 0) for each in cells), default=0
    )
    return max(limits[0], min(limits[1], max(widest, cell_width(title))))
