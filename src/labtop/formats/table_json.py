"""Tables in JSON: a line an object (or objects behind one another), one list of objects, or a list a column.

Nested objects join with `/`; bare NaN and words for numbers are numbers.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from labtop.errors import InputError
from labtop.formats.cells import cell_number
from labtop.formats.compressed import as_utf8, damage, open_unpacked
from labtop.formats.csv_dialect import utf16_of
from labtop.formats.files import MOST_BYTES, decode_text
from labtop.formats.json_text import NUMBER_WORDS, parse_json
from labtop.formats.parquet import Batch
from labtop.formats.stretch import Stretch

Row = dict[str, Any]
_BLOCK = 2**20
_LONGEST_LINE = 16 * 2**20
_DEEPEST = 20
_BATCH = 20_000
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_DECODER = json.JSONDecoder()


def glimpse_rows(content: bytes, most: int) -> list[Row]:
    """The first rows of the beginning of a file."""
    if utf16_of(content):
        content = decode_any(content).encode()
    whole, _, _ = content.rpartition(b"\n")
    rows: list[Row] = []
    for line in (whole or content).splitlines():
        if len(rows) >= most:
            break
        rows += _rows_of_line(line)
    return rows[:most]


def whole_rows(value: Any) -> list[Row] | None:
    """The rows that one JSON value is: a list of objects, a list a column, or as pandas writes frames; else None.

    Points that TensorBoard saves, `[[wall time, step, value], …]`, are rows too.
    """
    if isinstance(value, dict):
        value = _of_columns(value)
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(each, dict) for each in value):
        return [flat(each) for each in value]
    if all(isinstance(each, list) and len(each) == 3 and not isinstance(each[0], str) for each in value):
        return [dict(zip(("Wall time", "Step", "Value"), each, strict=True)) for each in value]
    return None


def _of_columns(tree: Mapping[str, Any]) -> Any:
    """The rows of columns: lists of one length, or objects with the same keys (`DataFrame.to_json` of any kind)."""
    if isinstance(tree.get("data"), list):
        columns, data = tree.get("columns"), tree["data"]
        if isinstance(columns, list) and all(isinstance(each, list) for each in data):
            return [dict(zip(map(str, columns), each, strict=False)) for each in data]
        return data
    lists = {name: each for name, each in tree.items() if isinstance(each, list)}
    if len(lists) == len(tree) > 1 and len({len(each) for each in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    inner = list(tree.values())
    if len(inner) > 1 and all(isinstance(each, dict) and each for each in inner):
        keys = [list(each) for each in inner]
        if all(key.isdigit() for key in keys[0]) and all(each == keys[0] for each in keys):
            return [{name: each[key] for name, each in tree.items()} for key in keys[0]]
        if list(tree) == [str(number) for number in range(len(tree))]:
            return inner
    return None


def json_batches(
    path: Path,
    is_lines: bool,
    encoding: str,
    columns: frozenset[str] | None,
    numbers: frozenset[str],
    problems: list[str],
    start: int,
    end: int | None,
) -> Iterator[Batch]:
    """The rows from byte `start` to byte `end`, with those of `columns` (None: all): doubles in those of `numbers`.

    Problems are told, not raised. `encoding`: of UTF-16; else empty.
    """
    damaged = 0
    try:
        if not is_lines:
            rows = read_whole_rows(path)
            for at in range(0, len(rows), _BATCH):
                yield _batch(rows[at : at + _BATCH], columns, numbers)
            return
        with open_unpacked(path) as raw:
            source = as_utf8(raw, encoding) if encoding else raw
            file = io.BufferedReader(Stretch(source, start, end), _BLOCK)
            for lines in _whole_lines(file.read):
                rows, lost = _rows_of_lines(lines)
                damaged += lost
                if rows:
                    yield _batch(rows, columns, numbers)
            if told_damage := damage(raw):
                problems.append(f"reading ended early: {told_damage}")
    except (OSError, InputError) as error:
        problems.append(f"reading ended early: {error}")
    if damaged:
        problems.append(f"{damaged:,} lines are no JSON objects")


def read_whole_rows(path: Path) -> list[Row]:
    """The rows of a file that is one JSON value. Raises OSError, InputError."""
    with open_unpacked(path) as raw:
        content = raw.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path} is larger than {MOST_BYTES:,} bytes")
    text = decode_any(content)
    try:
        value = parse_json(text)
    except InputError:
        value = _as_far_as_it_goes(text)
    rows = whole_rows(value)
    if rows is None:
        raise InputError(f"{path} holds no table: neither a list of objects nor lists of one length")
    return rows


def decode_any(content: bytes) -> str:
    """Text of UTF-8, of UTF-16 with or without a byte order mark, or of Latin-1."""
    encoding = utf16_of(content)
    if encoding:
        return content[: len(content) // 2 * 2].decode(encoding, "replace").lstrip("\ufeff")
    return decode_text(content).text


def _as_far_as_it_goes(text: str) -> list[Any]:
    """The objects of a list that was cut off, or of objects behind one another."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start not in ("[", "{"):
        raise InputError("no JSON")
    at = text.find(start) + (start == "[")
    found: list[Any] = []
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found
        found.append(value)


def flat(value: Mapping[str, Any]) -> Row:
    """A row of a JSON object: names of nested ones join with `/`, words for numbers are numbers."""
    row: Row = {}
    _add_flat(value, "", 0, row)
    return row


def _add_flat(tree: Mapping[str, Any], prefix: str, depth: int, row: Row) -> None:
    for key, value in tree.items():
        kind = type(value)
        if kind is dict and depth < _DEEPEST:
            _add_flat(value, f"{prefix}{key}/", depth + 1, row)
        elif kind is str and value in NUMBER_WORDS:
            row[prefix + key] = NUMBER_WORDS[value]
        else:
            row[prefix + key] = value


def _whole_lines(read: Callable[[int], bytes]) -> Iterator[list[bytes]]:
    """Lines, some at a time; one that has no end for megabytes is `?`, which is no JSON.

    Objects behind one another without line ends are cut between two of them.
    """
    pending: list[bytes] = []
    held = 0
    while chunk := read(_BLOCK):
        whole, mark, rest = chunk.rpartition(b"\n")
        if not mark:
            whole, mark, rest = chunk.rpartition(b"}{")
            if mark and not chunk.startswith(b"\0"):
                whole, rest = whole + b"}", b"{" + rest
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


def _rows_of_lines(lines: Sequence[bytes]) -> tuple[list[Row], int]:
    """The rows of lines, all at once where nothing is wrong with them, and how many lines are none."""
    try:
        values = _OBJECTS.decode_lines(b"\n".join(lines))
        return [flat(value) for value in values], 0
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        rows: list[Row] = []
        lost = 0
        for line in lines:
            found = _rows_of_line(line)
            rows += found
            lost += not found and bool(line.strip(b"\0\r\n\t ,[]"))
        return rows, lost


def _rows_of_line(line: bytes) -> list[Row]:
    """The objects of a line, one as a rule: of a list with an object a line, the comma behind it is passed over."""
    line = line.strip(b"\0\r\n\t ,[]\xef\xbb\xbf\x1e")
    if not line.startswith(b"{"):
        return []
    try:
        value = msgspec.json.decode(line)
        return [flat(value)] if isinstance(value, dict) else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [flat(each) for each in _behind_one_another(decode_text(line).text)]


def _behind_one_another(text: str) -> list[Mapping[str, Any]]:
    """The objects of a text, up to the first that is none."""
    found: list[Mapping[str, Any]] = []
    at = 0
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            found.append(value)
        while at < len(text) and text[at] in " \t\r,\x1e":
            at += 1
    return found


def _batch(
    rows: Sequence[Mapping[str, Any]], columns: frozenset[str] | None, texts_of_numbers: frozenset[str]
) -> Batch:
    """Columns of rows of JSON: doubles where all there is are numbers, also as text, else texts."""
    import pyarrow

    names = dict.fromkeys(name for row in rows for name in row if columns is None or name in columns)
    arrays = []
    for name in names:
        cells = [row.get(name) for row in rows]
        if name in texts_of_numbers and any(type(cell) is str for cell in cells):
            cells = [cell_number(cell) if isinstance(cell, str) else cell for cell in cells]
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
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()
