"""The only writer of stdout: tables for people, exact data for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from labtop.cli.diagnostics import say
from labtop.errors import UsageError
from labtop.views.text import clean

# what writes data is imported when there is some: the UI starts through here, and shall start fast
if TYPE_CHECKING:
    from labtop.views.export import Sheet

FORMATS = ("table", "json", "jsonl", "csv", "md", "parquet")


def write_bytes(format_name: str) -> IO[bytes]:
    """Stdout for a format; Parquet is not for a terminal."""
    if format_name == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is binary and stdout is a terminal", "redirect it to a file")
    return sys.stdout.buffer


def write_text(text: str) -> None:
    """Text as it is; its author has cleaned what came from runs."""
    _encodable(text)


def write_data(sheet: Sheet, format_name: str) -> None:
    """A sheet in a format for programs: full precision, nothing cleaned."""
    from labtop.views.export import write_sheet

    write_sheet(sheet, format_name, write_bytes(format_name))
    sys.stdout.buffer.flush()


def write_json(objects: Iterable[Any], format_name: str) -> None:
    """Objects as a JSON array, or a line each."""
    from labtop.views.export import write_objects

    write_objects(objects, format_name, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def write_sheet_as(sheet: Sheet, format_name: str) -> None:
    """A sheet in any format; as a table its values are rounded for reading."""
    if format_name != "table":
        write_data(sheet, format_name)
        return
    cells = [_cells(row) for row in sheet.rows]
    numeric = [
        all(isinstance(row[at], int | float) for row in sheet.rows if row[at] is not None)
        for at in range(len(sheet.columns))
    ]
    write_table([clean(name) for name in sheet.columns], cells, numeric)


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Cleaned cells in aligned columns; on a terminal, columns that don't fit are left out and counted."""
    from rich.cells import cell_len, set_cell_size

    limit = 60 if sys.stdout.isatty() else None
    widths = [
        max([cell_len(name), *(cell_len(row[at]) for row in rows)], default=0)
        for at, name in enumerate(header)
    ]
    if limit is not None:
        widths = [min(width, limit) for width in widths]
    shown = _fitting(widths)

    def line(cells: Sequence[str]) -> str:
        parts = []
        for at in range(shown):
            cell, width = cells[at], widths[at]
            length = cell_len(cell)
            if length > width:
                parts.append(set_cell_size(cell, width - 1) + _ellipsis())
            else:
                pad = " " * (width - length)
                parts.append(pad + cell if right[at] else cell + pad)
        return "  ".join(parts).rstrip()

    if sys.stdout.isatty() and header:
        _encodable(_bold(line(header)) + "\n")
    elif header:
        _encodable(line(header) + "\n")
    for row in rows:
        _encodable(line(row) + "\n")
    if shown < len(header):
        left_out = ", ".join(header[shown : shown + 5]) + (" …" if len(header) > shown + 5 else "")
        say(f"{len(header) - shown} columns do not fit: {left_out} (choose with --columns)")


def _fitting(widths: Sequence[int]) -> int:
    """How many columns fit the terminal; all of them where stdout is none."""
    if not sys.stdout.isatty():
        return len(widths)
    room, shown = shutil.get_terminal_size().columns, 0
    for width in widths:
        room -= width + (2 if shown else 0)
        if room < 0:
            break
        shown += 1
    return max(shown, 1)


def _cells(row: Sequence[Any]) -> list[str]:
    from labtop.views.export import csv_cell

    def cell(value: Any) -> str:
        if value is None:
            return "-"
        return f"{value:.6g}" if isinstance(value, float) else clean(str(csv_cell(value)))

    return [cell(value) for value in row]


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


def _ellipsis() -> str:
    return "…" if (sys.stdout.encoding or "").lower().startswith("utf") else "~"


def _encodable(text: str) -> None:
    """Write text; characters that the locale cannot say are escaped, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
