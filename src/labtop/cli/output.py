"""The only writer of stdout: tables for people, exact data for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from labtop.cli.diagnostics import say
from labtop.cli.text_table import TextTable, on_the_point
from labtop.errors import UsageError
from labtop.views.text import clean

# what writes data is imported when there is some: the UI starts through here, and shall start fast
if TYPE_CHECKING:
    from labtop.views.export import Sheet

WIDER = "a wider terminal shows them, --format csv has all"
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
    """A sheet in a format for programs: full precision, nothing cleaned but CSV that goes to a terminal."""
    from labtop.views.export import write_sheet

    if format_name == "csv" and sys.stdout.isatty():
        sheet = _shown(sheet)
    write_sheet(sheet, format_name, write_bytes(format_name))
    sys.stdout.buffer.flush()


def write_json(objects: Iterable[Any], format_name: str) -> None:
    """Objects as a JSON array, or a line each."""
    from labtop.views.export import write_objects

    write_objects(objects, format_name, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def write_sheet_as(sheet: Sheet, format_name: str, advice: str = WIDER) -> None:
    """A sheet in any format; as a table its values are rounded for reading."""
    if format_name != "table":
        write_data(sheet, format_name)
        return
    write_table(sheet_table(sheet), advice)


def write_table(table: TextTable, advice: str = WIDER) -> None:
    """Cleaned cells in aligned columns; on a terminal, columns that don't fit are left out and named, with advice."""
    is_terminal = sys.stdout.isatty()
    lines, left_out = table.lines(shutil.get_terminal_size().columns if is_terminal else None, ellipsis())
    for number, line in enumerate(lines):
        _encodable(_bold(line) + "\n" if is_terminal and not number else line + "\n")
    if left_out:
        names = ", ".join(left_out[:5]) + (" …" if len(left_out) > 5 else "")
        fit = "column does" if len(left_out) == 1 else "columns do"
        say(f"{len(left_out)} {fit} not fit: {names} ({advice})")


def _shown(sheet: Sheet) -> Sheet:
    """A sheet with its texts as a terminal may show them; CSV, unlike JSON, cannot escape what one obeys."""
    from labtop.views.export import Sheet, csv_cell

    def cell(value: Any) -> Any:
        exact = csv_cell(value)
        return clean(exact, newline="\n") if isinstance(exact, str) else exact

    columns = tuple(clean(name) for name in sheet.columns)
    return Sheet(columns, [[cell(value) for value in row] for row in sheet.rows], sheet.name)


def sheet_table(sheet: Sheet) -> TextTable:
    """A sheet as cleaned cells, its numbers rounded for reading and aligned on the point."""
    cells = [_cells(row) for row in sheet.rows]
    numeric = [
        all(isinstance(row[at], int | float) for row in sheet.rows if row[at] is not None)
        for at in range(len(sheet.columns))
    ]
    columns = [
        on_the_point(column) if is_number else column
        for column, is_number in zip(zip(*cells, strict=True), numeric, strict=False)
    ]
    return TextTable([clean(name) for name in sheet.columns], list(zip(*columns, strict=True)), numeric)


def _cells(row: Sequence[Any]) -> list[str]:
    from labtop.views.export import csv_cell

    def cell(value: Any) -> str:
        if value is None:
            return "-"
        return f"{value:.6g}" if isinstance(value, float) else clean(str(csv_cell(value)))

    return [cell(value) for value in row]


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


def ellipsis() -> str:
    """What stands for cut text, as the locale can say it."""
    return "~" if is_ascii() else "…"


def is_ascii() -> bool:
    """Whether the locale can say no more than ASCII, as far as labtop's own signs go."""
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def _encodable(text: str) -> None:
    """Write text; characters that the locale cannot say are escaped, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
