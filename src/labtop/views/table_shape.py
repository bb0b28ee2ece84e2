"""The narrow interface between a table and what draws it: the grid of the terminal UI, `labtop ls`, an export.

A table knows its columns, how many rows there are, how to fetch some of them (in a thread) and how to write one
(at once, from values that were fetched). Rows are asked for by their place, so a table of 100,000 costs no more to
open than one of 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Cut = Literal["end", "middle"]


class Cell(NamedTuple):
    """What one cell shows: text and the name of its style, then a note (a delta) with a style of its own.

    Styles: "" plain, quiet, name, spark, nan, good, bad, differs, and status-running, status-failed, ….
    """

    text: str
    style: str = ""
    note: str = ""
    note_style: str = ""


class TableRow(NamedTuple):
    """Values of one row, one a column; `number` names the row for marks: a catalog row number, or a group's place."""

    number: int
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column as drawn. `width` is in cells; frozen columns stay when the others scroll.

    `least` is how narrow a frozen column may be made where the screen is; `cut` says where a text that is too long
    loses cells.
    """

    key: str
    title: str
    width: int
    align: Literal["left", "right"] = "left"
    is_frozen: bool = False
    sorted: Literal["", "ascending", "descending"] = ""
    least: int = 0  # 0: it keeps its width
    cut: Cut = "end"


class Table(Protocol):
    """Anything with columns and rows. `version` moves when cells written before would now look different."""

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns in their order; frozen ones come first."""

    @property
    def row_count(self) -> int:
        """How many rows there are."""

    @property
    def version(self) -> int:
        """Moves when widths or formats have changed."""

    def fetch(self, start: int, stop: int) -> list[TableRow]:
        """Rows from `start` up to `stop`. Reads; call it from a thread."""

    def cells(self, row: TableRow) -> Sequence[Cell]:
        """What a row shows, one cell a column. Reads nothing."""
