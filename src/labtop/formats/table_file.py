"""Tables in files: CSV and the like, JSON Lines and Parquet, as columns some thousand rows at a time.

A first look (`look_at`) reads the beginning only, and without pyarrow where the file is text. Nothing here knows runs.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from labtop.errors import InputError
from labtop.formats.files import decode_text, open_regular, read_bytes
from labtop.formats.json_text import NUMBER_WORDS, parse_json
from labtop.formats.parquet import Batch, open_parquet, read_batches, short_reason
from labtop.formats.rows import number_of

SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_GLIMPSE = 2**18
_SAMPLE = 500
_BLOCK = 2**20
_LONGEST_LINE = 16 * 2**20
_WHOLE = 16 * 2**20  # a file up to this size is parsed in one piece, so that a cell may hold line ends
_DELIMITERS = (",", "\t", ";", "|")
_DEEPEST = 20
_MOST_COLUMNS = 20_000
_OBJECTS = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table: its columns and first rows as they were found. `is_all`: the sample is the whole table."""

    path: Path
    kind: str
    names: tuple[str, ...]
    sample: tuple[Mapping[str, Any], ...] = field(compare=False)
    is_all: bool = False
    delimiter: str = ","
    is_utf16: bool = False

    def batches(
        self,
        columns: Sequence[str] | None,
        numbers: frozenset[str],
        problems: list[str],
        start: int = 0,
        end: int | None = None,
    ) -> Iterator[Batch]:
        """The rows, in pieces: doubles in the columns of `numbers`, else text or what the file has.

        Of JSON Lines, where columns may come later, `columns` None gives all. Of a text file the rows from byte
        `start`, the beginning of one, to byte `end`. Problems are told, not raised.
        """
        wanted = self.names if columns is None else tuple(columns)
        if self.kind == "csv":
            yield from _csv_batches(self, wanted, numbers, problems, start, end)
        elif self.kind == "jsonl":
            chosen = None if columns is None else frozenset(wanted)
            yield from _json_batches(self.path, chosen, problems, start, end)
        else:
            with open_parquet(self.path) as file:
                yield from read_batches(file, wanted, problems)


def table_kind(name: str) -> str:
    """What kind of table a file is by its name; empty for none."""
    return SUFFIXES.get(Path(name).suffix.lower(), "")


def look_at(path: Path) -> TableFile:
    """The columns and first rows of a table. Raises OSError, InputError (it is none, or is empty)."""
    kind = table_kind(path.name)
    if kind == "parquet":
        return _look_at_parquet(path)
    with open_regular(path) as file:
        content = file.read(_GLIMPSE)
    is_all = len(content) < _GLIMPSE
    if not is_all:
        content = content[: content.rfind(b"\n") + 1]
    if not content.strip(b"\0\r\n\t "):
        raise InputError(f"{path} is empty")
    if kind == "jsonl":
        return _look_at_json(path, content, is_all)
    return _look_at_csv(path, content, is_all)


def _look_at_csv(path: Path, content: bytes, is_all: bool) -> TableFile:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = decode_text(content[: len(content) // 2 * 2] if is_utf16 else content).text
    first = text.partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(_DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path}: {error}") from error
    names = unique_names(rows[0]) if rows else ()
    if len(names) < 2 or len(names) > _MOST_COLUMNS or any(number_of(name) is not None for name in names):
        raise InputError(f"{path} has no line of column names")
    sample = tuple(
        dict(zip(names, row, strict=True)) for row in rows[1 : _SAMPLE + 1] if len(row) == len(names)
    )
    return TableFile(path, "csv", names, sample, is_all and len(rows) <= _SAMPLE, delimiter, is_utf16)


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: one without a name, or with that of another, gets its number."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)


def _look_at_json(path: Path, content: bytes, is_all: bool) -> TableFile:
    rows = [row for line in content.splitlines()[:_SAMPLE] if (row := _json_row(line)) is not None]
    if not rows:
        raise InputError(f"{path} has no lines of JSON objects")
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    return TableFile(path, "jsonl", names, tuple(rows), is_all and len(rows) < _SAMPLE)


def _look_at_parquet(path: Path) -> TableFile:
    with open_parquet(path) as file:
        names = tuple(dict.fromkeys(file.schema_arrow.names))
        if len(names) > _MOST_COLUMNS:
            raise InputError(f"{path} has {len(names):,} columns")
        sample: list[Mapping[str, Any]] = []
        for batch in read_batches(file, names, [], _SAMPLE):
            sample = batch.to_pylist()
            break
        return TableFile(path, "parquet", names, tuple(sample), file.metadata.num_rows <= _SAMPLE)


class _Stretch(io.RawIOBase):
    """Some bytes of a file, as a file."""

    def __init__(self, raw: BinaryIO, start: int, end: int | None) -> None:
        self._raw = raw
        self._left = sys.maxsize if end is None else max(end - start, 0)
        raw.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._raw.read(min(len(buffer), self._left))
        buffer[: len(content)] = content
        self._left -= len(content)
        return len(content)


def _csv_batches(
    table: TableFile,
    columns: Sequence[str],
    numbers: frozenset[str],
    problems: list[str],
    start: int,
    end: int | None,
) -> Iterator[Batch]:
    import pyarrow
    from pyarrow import csv as arrow_csv

    size = table.path.stat().st_size
    is_small = size <= _WHOLE
    ragged: list[int] = []

    def pass_over(_: Any) -> str:
        ragged.append(1)
        return "skip"

    odd: dict[str, int] = {}
    try:
        with open_regular(table.path) as raw:
            source: Any = io.BufferedReader(_Stretch(raw, start, end), _BLOCK)
            if table.is_utf16:
                source = io.BytesIO(decode_text(read_bytes(table.path)).text.encode())
            reader = arrow_csv.open_csv(
                source,
                arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=max(size + 1, 2) if is_small and not table.is_utf16 else _BLOCK,
                    column_names=list(table.names),
                    skip_rows=0 if start else 1,
                ),
                arrow_csv.ParseOptions(
                    delimiter=table.delimiter, newlines_in_values=is_small, invalid_row_handler=pass_over
                ),
                arrow_csv.ConvertOptions(
                    check_utf8=False,
                    column_types={name: pyarrow.binary() for name in table.names},
                    include_columns=list(columns),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            for batch in reader:
                yield pyarrow.RecordBatch.from_arrays(
                    [
                        _doubles(column, name, odd) if name in numbers else _texts(column)
                        for name, column in zip(columns, batch.columns, strict=True)
                    ],
                    names=list(columns),
                )
    except (pyarrow.ArrowException, OSError, InputError) as error:
        if not str(error).startswith("Empty CSV"):
            problems.append(f"reading ended early: {short_reason(error)}")
    if ragged:
        problems.append(f"{len(ragged):,} rows have another number of cells than the first")
    problems.extend(f"column {name}: {count:,} cells are no numbers" for name, count in odd.items())


def _texts(column: Any) -> Any:
    import pyarrow

    try:
        return column.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        return pyarrow.array(
            [None if cell is None else decode_text(cell).text for cell in column.to_pylist()],
            pyarrow.string(),
        )


def _doubles(column: Any, name: str, odd: dict[str, int]) -> Any:
    """Numbers of texts; a cell that is none is null, and counted."""
    import pyarrow

    texts = _texts(column)
    try:
        return texts.cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        cells = [None if text is None else cell_number(text) for text in texts.to_pylist()]
        lost = sum(1 for cell in cells if cell is None) - texts.null_count
        if lost:
            odd[name] = odd.get(name, 0) + lost
        return pyarrow.array(cells, pyarrow.float64())


def cell_number(text: str) -> float | None:
    """The number that a cell shows, also with thousands set apart (`1,013.01`) or as truth value; None for others."""
    number = number_of(text)
    if number is None and "," in text:
        whole, _, _ = text.strip().lstrip("+-").partition(".")
        parts = whole.split(",")
        if 0 < len(parts[0]) <= 3 and all(len(each) == 3 for each in parts[1:]) and "".join(parts).isdigit():
            number = number_of(text.replace(",", ""))
    if number is None:
        number = NUMBER_WORDS.get(text.strip(), {"true": 1.0, "false": 0.0}.get(text.strip().lower()))
    return number


def _json_row(line: bytes) -> dict[str, Any] | None:
    line = line.strip(b"\0\r\n\t \xef\xbb\xbf")
    if not line.startswith(b"{"):
        return None
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            value = parse_json(decode_text(line).text)
        except InputError:
            return None
    return _flat(value) if isinstance(value, dict) else None


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a JSON object: names of nested ones join with `/`, words for numbers are numbers."""
    row: dict[str, Any] = {}
    _add_flat(value, "", 0, row)
    return row


def _add_flat(tree: Mapping[str, Any], prefix: str, depth: int, row: dict[str, Any]) -> None:
    for key, value in tree.items():
        kind = type(value)
        if kind is dict and depth < _DEEPEST:
            _add_flat(value, f"{prefix}{key}/", depth + 1, row)
        elif kind is str and value in NUMBER_WORDS:
            row[prefix + key] = NUMBER_WORDS[value]
        else:
            row[prefix + key] = value


def _json_batches(
    path: Path, columns: frozenset[str] | None, problems: list[str], start: int, end: int | None
) -> Iterator[Batch]:
    damaged = 0
    try:
        with open_regular(path) as raw, io.BufferedReader(_Stretch(raw, start, end), _BLOCK) as file:
            for lines in _whole_lines(file.read):
                rows, lost = _json_rows(lines)
                damaged += lost
                if rows:
                    yield _json_batch(rows, columns)
    except (OSError, InputError) as error:
        problems.append(f"reading ended early: {error}")
    if damaged:
        problems.append(f"{damaged:,} lines are no JSON objects")


def _whole_lines(read: Callable[[int], bytes]) -> Iterator[list[bytes]]:
    """Lines, some at a time; one that has no end for megabytes is `?`, which is no JSON."""
    pending: list[bytes] = []
    held = 0
    while chunk := read(_BLOCK):
        whole, mark, rest = chunk.rpartition(b"\n")
        if not mark:
            if held < _LONGEST_LINE:
                pending.append(chunk)
                held += len(chunk)
            continue
        first, *others = whole.split(b"\n")
        yield [b"?" if held >= _LONGEST_LINE else b"".join(pending) + first, *others]
        pending, held = [rest], len(rest)
    if held:
        yield [b"?" if held >= _LONGEST_LINE else b"".join(pending)]


def _json_rows(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], int]:
    """The rows of lines, all at once where nothing is wrong with them, and how many lines are none."""
    try:
        values = _OBJECTS.decode_lines(b"\n".join(lines))
        return [_flat(value) for value in values], 0
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        rows = [row for line in lines if (row := _json_row(line)) is not None]
        return rows, sum(1 for line in lines if line.strip(b"\0\r\n\t ")) - len(rows)


def _json_batch(rows: Sequence[Mapping[str, Any]], columns: frozenset[str] | None) -> Batch:
    """Columns of rows of JSON: doubles where all there is are numbers, else texts."""
    import pyarrow

    names = dict.fromkeys(name for row in rows for name in row if columns is None or name in columns)
    arrays = []
    for name in names:
        cells = [row.get(name) for row in rows]
        try:
            arrays.append(pyarrow.array(cells, pyarrow.float64()))
            continue
        except (pyarrow.ArrowException, TypeError, OverflowError):
            pass
        if all(cell is None or isinstance(cell, int | float) for cell in cells):
            numbers = [None if cell is None else _double(cell) for cell in cells]
            arrays.append(pyarrow.array(numbers, pyarrow.float64()))
        else:
            texts = [None if cell is None else _as_text(cell) for cell in cells]
            arrays.append(pyarrow.array(texts, pyarrow.string()))
    return pyarrow.RecordBatch.from_arrays(arrays, names=list(names))


def _double(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text.encode("utf-8", "replace").decode()
