"""Rows and columns of a file that holds a table, where its first bytes or its footer tell."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MOST_COLUMNS = 1000
_HEAD = 1 << 16
_LOOKED_AT = 100  # rows that the types of a text table are taken from


@dataclass(frozen=True, slots=True)
class Table:
    """How many rows, and the type of each column by its name, in order."""

    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def table_of(path: Path, lines: int | None = None) -> Table:
    """What is known of a file as a table; nothing where it is none. `lines` is what reading it counted."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return Table()
    try:
        table = reader(path, lines)
    except Exception:  # not what its name says, or broken: its hash still tells what it is
        return Table(None if lines is None else max(lines - path.suffix.lower().endswith("sv"), 0))
    return Table(table.rows, dict(list(table.columns.items())[:_MOST_COLUMNS]))


def joined(tables: Sequence[Table]) -> Table:
    """Many files of one table: their rows together, and the columns if all have the same."""
    if not tables or any(each.rows is None for each in tables):
        return Table()
    columns = tables[0].columns
    is_one = all(list(each.columns.items()) == list(columns.items()) for each in tables)
    return Table(sum(each.rows or 0 for each in tables), columns if is_one else {})


def _parquet(path: Path, lines: int | None) -> Table:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        return Table(int(file.metadata.num_rows), {each.name: str(each.type) for each in file.schema_arrow})


def _arrow(path: Path, lines: int | None) -> Table:
    import pyarrow.ipc

    with pyarrow.memory_map(str(path)) as source, pyarrow.ipc.open_file(source) as file:
        rows = sum(file.get_batch(at).num_rows for at in range(file.num_record_batches))
        return Table(rows, {each.name: str(each.type) for each in file.schema})


def _numpy(path: Path, lines: int | None) -> Table:
    import numpy

    array = numpy.load(path, mmap_mode="r", allow_pickle=False)
    shape = "×".join(map(str, array.shape[1:]))
    kind = f"{array.dtype}{f'[{shape}]' if shape else ''}"
    return Table(int(array.shape[0]) if array.ndim else None, {"array": kind})


def _text_table(path: Path, lines: int | None) -> Table:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    text = whole.decode("utf-8-sig", "replace").splitlines(keepends=True)
    rows = list(csv.reader(text[: _LOOKED_AT + 1], delimiter="\t" if path.suffix.lower() == ".tsv" else ","))
    names = rows[0] if rows else []
    columns = {name: _kind([row[at] for row in rows[1:] if at < len(row)]) for at, name in enumerate(names)}
    return Table(None if lines is None else max(lines - 1, 0), columns)


def _json_lines(path: Path, lines: int | None) -> Table:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    first = json.loads(next(line for line in head.splitlines() if line.strip()))
    columns = {str(key): _KINDS.get(type(value), "null") for key, value in first.items()}
    return Table(lines, columns)


_KINDS = {str: "text", int: "int", float: "float", bool: "bool", list: "list", dict: "object"}


def _kind(values: Sequence[str]) -> str:
    """The narrowest of int, float and text that all values are; empty ones don't count."""
    filled = [value.strip() for value in values if value.strip()]
    for name, convert in (("int", int), ("float", float)):
        try:
            for value in filled:
                convert(value)
        except ValueError:
            continue
        return name if filled else "text"
    return "text"


_READERS: Mapping[str, Callable[[Path, int | None], Table]] = {
    **dict.fromkeys((".parquet", ".pq"), _parquet),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), _arrow),
    **dict.fromkeys((".csv", ".tsv"), _text_table),
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    ".npy": _numpy,
}


def is_table(path: Any) -> bool:
    """Whether a file of this name may be a table."""
    return Path(path).suffix.lower() in _READERS
