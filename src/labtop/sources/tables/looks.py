"""What a column of a table looks like by its first rows: numbers, times, names that tell runs apart, an index."""

from __future__ import annotations

from datetime import date
from typing import Any

from labtop.formats.cells import cell_number, is_nothing
from labtop.formats.date_text import form_of
from labtop.formats.table_file import TableFile

_LONG_AGO_S = 3.0e8  # a number of seconds since 1970 in this century is larger
_INDICES = ("index", "unnamed: 0", "column 1", "__index_level_0__")


def cells(table: TableFile, name: str) -> list[Any]:
    """The cells of a column in the sample that hold something."""
    found = (row.get(name) for row in table.sample)
    return [cell for cell in found if cell is not None and not (isinstance(cell, str) and is_nothing(cell))]


def number(cell: Any, decimal: str = ".") -> float | None:
    """The number that a cell is or shows."""
    if isinstance(cell, bool | int | float):
        try:
            return float(cell)
        except OverflowError:
            return None
    if isinstance(cell, str):
        return cell_number(cell, decimal)
    return float(cell) if type(cell).__name__ == "Decimal" else None


def is_number(table: TableFile, name: str) -> bool:
    """Whether a column holds numbers, as far as it is seen, but for a cell here or there; an empty one may."""
    found = cells(table, name)
    if not found and name.startswith("column "):
        return False  # nothing under no name
    odd = sum(1 for cell in found if number(cell, table.decimal) is None)
    return odd * 3 <= len(found) and odd <= max(1, len(found) // 10)


def is_time(table: TableFile, name: str) -> bool:
    """Whether a column holds times, not durations."""
    found = cells(table, name)
    if not found:
        return False
    if all(isinstance(cell, date) for cell in found):
        return True
    numbers = [number(cell, table.decimal) for cell in found]
    if all(each is not None and each > _LONG_AGO_S for each in numbers):
        return True
    return all(isinstance(cell, str) for cell in found) and form_of(found) is not None


def tells_apart(table: TableFile, name: str) -> bool:
    """Whether a column can name runs: it holds texts or whole numbers."""
    found = cells(table, name)
    numbers = [number(cell, table.decimal) for cell in found]
    if len(found) * 2 < len(table.sample):
        return False  # of the first line of a log, which tells of all
    return bool(found) and not any(each is not None and not each.is_integer() for each in numbers)


def is_unique(table: TableFile, run: str) -> bool:
    """Whether every row has another name."""
    found = [row.get(run) for row in table.sample]
    return len({str(each) for each in found}) == len(found) > 1


def rises(table: TableFile, run: str | None, step: str) -> bool:
    """Whether steps go on within each run, but for some restarts.

    In JSON rows of several kinds may alternate, each with steps of its own.
    """
    last: dict[Any, float] = {}
    up = down = 0
    for row in table.sample:
        who: Any = str(row.get(run)) if run else None
        if table.kind == "jsonl":
            who = (who, frozenset(row))
        at = number(row.get(step), table.decimal)
        if at is None:
            continue
        if who in last:
            up, down = (up + 1, down) if at >= last[who] else (up, down + 1)
        last[who] = at
    return bool(last) and down * 10 <= up + down


def is_heading(table: TableFile, name: str, step: str) -> bool:
    """Whether a column is only in rows without a step, such as the first line of a log."""
    rows = [row for row in table.sample if row.get(name) is not None]
    return bool(rows) and table.kind == "jsonl" and all(row.get(step) is None for row in rows)


def index_of(table: TableFile) -> str | None:
    """The first column where it only counts rows and has no name of its own, as pandas writes it."""
    name = table.names[0]
    if name.lower() not in _INDICES or len(table.names) < 2:
        return None
    found = [number(row.get(name)) for row in table.sample]
    if not found or found[0] not in (0, 1):
        return None
    return name if found == [found[0] + each for each in range(len(found))] else None
