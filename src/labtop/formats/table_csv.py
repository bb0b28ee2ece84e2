"""Rows of CSV in whatever dialect, as columns some thousand rows at a time.

Plain CSV goes through pyarrow. Where lines are to be left out or mended (comments, a header that comes again, rows with
too few cells, columns set apart by blanks), Python's own reader takes its place: slower, but it says what a row has.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.cells import cell_number, is_nothing
from labtop.formats.compressed import as_utf8, damage, open_unpacked
from labtop.formats.csv_dialect import BLANKS, Dialect
from labtop.formats.files import decode_text
from labtop.formats.parquet import Batch, short_reason
from labtop.formats.stretch import Stretch

_BLOCK = 2**20
_WHOLE = 16 * 2**20  # a file up to this size is parsed in one piece, so that a cell may hold line ends
_ROWS = 20_000
_LONGEST_LINE = 16 * 2**20


def csv_batches(
    path: Path,
    dialect: Dialect,
    is_plain: bool,
    columns: Sequence[str],
    numbers: frozenset[str],
    problems: list[str],
    start: int = 0,
    end: int | None = None,
) -> Iterator[Batch]:
    """The rows from byte `start`, the beginning of one, to byte `end`: doubles in the columns of `numbers`, else texts.

    Problems are told, not raised.
    """
    import pyarrow

    told = _Told()
    try:
        with open_unpacked(path) as raw:
            begin, source = max(start, dialect.start), raw
            if dialect.encoding:
                source = as_utf8(raw, dialect.encoding)
            stretch = Stretch(source, begin, end)
            read = _quickly if is_plain else _row_by_row
            for batch in read(stretch, path, dialect, columns, told):
                yield pyarrow.RecordBatch.from_arrays(
                    [
                        _doubles(column, name, dialect.decimal, told.odd)
                        if name in numbers
                        else _texts(column, name, told.foreign)
                        for name, column in zip(columns, batch, strict=True)
                    ],
                    names=list(columns),
                )
            if told_damage := damage(raw):
                problems.append(f"reading ended early: {told_damage}")
    except (pyarrow.ArrowException, OSError, InputError, csv.Error) as error:
        if not str(error).startswith("Empty CSV"):
            problems.append(f"reading ended early: {short_reason(error)}")
    problems.extend(told.problems())


class _Told:
    """What was wrong with rows."""

    def __init__(self) -> None:
        self.ragged = self.short = self.zeros = 0
        self.odd: Counter[str] = Counter()
        self.foreign: Counter[str] = Counter()

    def problems(self) -> Iterator[str]:
        if self.ragged:
            yield f"{self.ragged:,} rows have another number of cells than the first"
        if self.short:
            yield f"{self.short:,} rows have fewer cells than the first; what is missing is taken for empty"
        if self.zeros:
            yield f"lines with NUL bytes, as a crash leaves them, are left out: {self.zeros:,}"
        for name, count in self.odd.items():
            yield f"column {name}: {count:,} cells are no numbers"
        for name, count in self.foreign.items():
            yield f"column {name}: {count:,} cells are not UTF-8; read as Latin-1"


def _quickly(
    source: Stretch, path: Path, dialect: Dialect, columns: Sequence[str], told: _Told
) -> Iterator[Sequence[Any]]:
    import pyarrow
    from pyarrow import csv as arrow_csv

    size = path.stat().st_size
    is_small = size <= _WHOLE and not dialect.encoding

    def pass_over(_: Any) -> str:
        told.ragged += 1
        return "skip"

    reader = arrow_csv.open_csv(
        io.BufferedReader(source, _BLOCK),
        arrow_csv.ReadOptions(
            use_threads=False,
            block_size=max(size + 1, _BLOCK) if is_small else _BLOCK,
            column_names=list(dialect.names),
        ),
        arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=is_small,
            invalid_row_handler=pass_over,
        ),
        arrow_csv.ConvertOptions(
            check_utf8=False,
            column_types={name: pyarrow.binary() for name in dialect.names},
            include_columns=list(columns),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )
    for batch in reader:
        yield batch.columns


def _row_by_row(
    source: Stretch, path: Path, dialect: Dialect, columns: Sequence[str], told: _Told
) -> Iterator[Sequence[Any]]:
    import pyarrow

    at = [dialect.names.index(name) for name in columns]
    rows: list[list[str | None]] = []
    for row in _rows(source, dialect, told):
        rows.append([row[each].strip() or None for each in at])
        if len(rows) >= _ROWS:
            yield [pyarrow.array(column, pyarrow.string()) for column in zip(*rows, strict=True)]
            rows = []
    if rows:
        yield [pyarrow.array(column, pyarrow.string()) for column in zip(*rows, strict=True)]


def _rows(source: Stretch, dialect: Dialect, told: _Told) -> Iterator[list[str]]:
    """The rows, each as wide as the header; the header itself, where it comes again, is none."""
    width = len(dialect.names)
    for row in _cells(_line_texts(source, dialect, told), dialect):
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            row = row[:width]
        if len(row) > width:
            told.ragged += 1
        elif len(row) < width and width > 2 and len(row) < 2:
            told.ragged += any(cell.strip() for cell in row)
        elif dialect.has_header and len(row) > 1 and _is_header(row, dialect.names):
            continue
        else:
            told.short += len(row) < width
            yield row + [""] * (width - len(row))


def _is_header(row: Sequence[str], names: Sequence[str]) -> bool:
    return all(cell.strip() == name for cell, name in zip(row, names, strict=False))


def _cells(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    if dialect.delimiter == BLANKS:
        return (row for line in lines if (row := line.split()))
    return (
        row
        for row in csv.reader(
            lines, delimiter=dialect.delimiter, quotechar=dialect.quote, skipinitialspace=True
        )
        if row
    )


def _line_texts(source: Stretch, dialect: Dialect, told: _Told) -> Iterator[str]:
    """The lines, decoded, without comments and lines with bytes that are zero: what stood there is not known."""
    pending = b""
    while chunk := source.read(_BLOCK):
        pending += chunk
        whole, mark, rest = pending.rpartition(b"\n")
        if not mark and len(pending) > _LONGEST_LINE:
            raise InputError(f"a line is longer than {_LONGEST_LINE:,} bytes")
        if mark:
            pending = rest
            yield from _as_lines(whole + mark, dialect, told)
    yield from _as_lines(pending, dialect, told)


def _as_lines(content: bytes, dialect: Dialect, told: _Told) -> Iterator[str]:
    if b"\0" in content:
        lines = content.splitlines(keepends=True)
        sound = [line for line in lines if b"\0" not in line]
        told.zeros += len(lines) - len(sound)
        content = b"".join(sound)
    text = decode_text(content).text
    for line in io.StringIO(text, newline=None):
        if not (dialect.comment and line.startswith(dialect.comment)):
            yield line if line.endswith("\n") else line + "\n"


def _texts(column: Any, name: str, foreign: Counter[str]) -> Any:
    """Bytes as texts; those that are no UTF-8 are counted."""
    import pyarrow

    try:
        return column.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        cells = [None if cell is None else decode_text(cell) for cell in column.to_pylist()]
        if count := sum(1 for cell in cells if cell and "UTF-8" in cell.problem):
            foreign[name] += count
        return pyarrow.array([cell and cell.text for cell in cells], pyarrow.string())


def _doubles(column: Any, name: str, decimal: str, odd: Counter[str]) -> Any:
    """Numbers of texts; a cell that is none is null, and counted unless it is a word for nothing."""
    import pyarrow

    texts = _texts(column, name, Counter())  # a cell that is no number is counted below
    if decimal == ".":
        try:
            return texts.cast(pyarrow.float64())
        except pyarrow.ArrowInvalid:
            pass
    cells = [None if text is None else cell_number(text, decimal) for text in texts.to_pylist()]
    lost = sum(
        1
        for cell, text in zip(cells, texts.to_pylist(), strict=True)
        if cell is None and text is not None and not is_nothing(text)
    )
    if lost:
        odd[name] += lost
    return pyarrow.array(cells, pyarrow.float64())
