"""Tables as files: the one place that knows CSV, JSON, Markdown, LaTeX, Parquet and DuckDB output.

Values keep full precision; only Markdown and LaTeX, which are for reading, are cleaned and rounded as on screen.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from labtop.errors import InputError, UsageError
from labtop.model.as_json import plain
from labtop.views.text import clean, csv_safe

SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "md",
    ".tex": "tex",
    ".parquet": "parquet",
    ".duckdb": "duckdb",
}

_OBEYED = re.compile(
    "[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)  # of what json.dumps leaves as it is


@dataclass(frozen=True, slots=True)
class Sheet:
    """Named columns and rows of plain values: what any table is once it leaves the screen."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    name: str = "runs"


def format_of(path: Path, asked: str | None = None) -> str:
    """The format asked for, else the one a file's ending names."""
    found = asked or SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"cannot tell a format from {path.name!r}", f"end it in {', '.join(SUFFIXES)} or give --format"
        )
    return found


def export(sheets: Sequence[Sheet], path: Path, format_name: str, spreadsheet_safe: bool = False) -> None:
    """Write sheets to a file, whole or not at all. Only a DuckDB file holds more than one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if format_name == "duckdb":
            _write_duckdb(sheets, temporary)
        else:
            with temporary.open("wb") as stream:
                write_sheet(sheets[0], format_name, stream, spreadsheet_safe)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}", "choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_sheet(sheet: Sheet, format_name: str, stream: IO[bytes], spreadsheet_safe: bool = False) -> None:
    """Write one sheet to a stream of bytes. `spreadsheet_safe` keeps CSV cells from becoming live formulas."""
    if format_name == "csv":
        _write_csv(sheet, stream, spreadsheet_safe)
    elif format_name in _WRITERS:
        _WRITERS[format_name](sheet, stream)
    else:
        raise UsageError(f"{format_name!r} cannot be written here", f"one of {', '.join(('csv', *_WRITERS))}")


def write_objects(objects: Iterable[Any], format_name: str, stream: IO[bytes]) -> None:
    """Write JSON objects, as one array or a line each."""
    if format_name == "jsonl":
        for each in objects:
            stream.write(_dumps(each) + b"\n")
        return
    stream.write(b"[")
    for number, each in enumerate(objects):
        stream.write((b",\n " if number else b"\n ") + _dumps(each))
    stream.write(b"\n]\n")


def _dumps(value: Any) -> bytes:
    """A value as JSON. What a terminal would obey is written as its escape, which means the same in JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _OBEYED.sub(_escape, text).encode("utf-8", "backslashreplace")


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _write_csv(sheet: Sheet, stream: IO[bytes], spreadsheet_safe: bool) -> None:
    text = io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    protect: Callable[[Any], Any] = (
        (lambda cell: csv_safe(cell) if isinstance(cell, str) else cell)
        if spreadsheet_safe
        else lambda cell: cell
    )
    writer.writerow([protect(name) for name in sheet.columns])
    writer.writerows([protect(csv_cell(value)) for value in row] for row in sheet.rows)
    text.detach()


def csv_cell(value: Any) -> Any:
    """A value as a CSV cell: full precision, NaN and infinities by name, lists and mappings as JSON."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _write_json(sheet: Sheet, stream: IO[bytes]) -> None:
    write_objects(_objects(sheet), "json", stream)


def _write_jsonl(sheet: Sheet, stream: IO[bytes]) -> None:
    write_objects(_objects(sheet), "jsonl", stream)


def _objects(sheet: Sheet) -> Iterable[dict[str, Any]]:
    return (dict(zip(sheet.columns, map(plain, row), strict=True)) for row in sheet.rows)


def _reading_cell(value: Any) -> str:
    """A value for people: rounded to six digits, on one line, without control characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return clean(str(csv_cell(value)))


def _write_md(sheet: Sheet, stream: IO[bytes]) -> None:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    def escape(cell: str) -> str:
        return cell.replace("\\", "\\\\").replace("|", "\\|")

    stream.write(line(escape(clean(name)) for name in sheet.columns).encode())
    stream.write(
        line("---:" if _is_numeric(sheet, at) else "---" for at in range(len(sheet.columns))).encode()
    )
    for row in sheet.rows:
        stream.write(line(escape(_reading_cell(value)) for value in row).encode())


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    }
)  # fmt: skip


def _write_tex(sheet: Sheet, stream: IO[bytes]) -> None:
    def line(cells: Iterable[str]) -> str:
        return " & ".join(cell.translate(_TEX) for cell in cells) + r" \\" + "\n"

    align = "".join("r" if _is_numeric(sheet, at) else "l" for at in range(len(sheet.columns)))
    stream.write(f"\\begin{{tabular}}{{{align}}}\n\\hline\n".encode())
    stream.write((line(clean(name) for name in sheet.columns) + "\\hline\n").encode())
    for row in sheet.rows:
        stream.write(line(map(_reading_cell, row)).encode())
    stream.write(b"\\hline\n\\end{tabular}\n")


def _is_numeric(sheet: Sheet, at: int) -> bool:
    values = [row[at] for row in sheet.rows if row[at] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def _write_parquet(sheet: Sheet, stream: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [_arrow_column([row[at] for row in sheet.rows]) for at in range(len(sheet.columns))]
    pq.write_table(pa.Table.from_arrays(arrays, names=list(sheet.columns)), stream, compression="zstd")


def _arrow_column(values: list[Any]) -> Any:
    """The column as Arrow infers it; values of several types as JSON text, so that none is lost."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    try:
        if len(kinds) <= 1:
            return pa.array(values)
        if kinds <= {int, float}:
            return pa.array(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    return pa.array([None if value is None else str(csv_cell(value)) for value in values], pa.string())


def _write_duckdb(sheets: Sequence[Sheet], path: Path) -> None:
    from labtop.query.engine import new_connection, quote_name, quote_text

    with tempfile.TemporaryDirectory() as folder:
        connection = new_connection(str(path))
        for sheet in sheets:
            part = Path(folder) / "part.parquet"
            with part.open("wb") as stream:
                _write_parquet(sheet, stream)
            connection.execute(
                f"CREATE TABLE {quote_name(sheet.name)} AS FROM read_parquet({quote_text(str(part))})"
            )
        connection.close()


_WRITERS: dict[str, Callable[[Sheet, IO[bytes]], None]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "md": _write_md,
    "tex": _write_tex,
    "parquet": _write_parquet,
}
