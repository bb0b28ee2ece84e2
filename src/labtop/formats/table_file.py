"""Tables in files: CSV and the like, JSON and Parquet, packed or not, as columns some thousand rows at a time.

A first look (`look_at`) reads the beginning only, and without pyarrow where the file is text. Nothing here knows runs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.compressed import is_packed, open_unpacked, unpacked_name
from labtop.formats.csv_dialect import BLANKS, Dialect, dialect_of, parse, unique_names, utf16_of
from labtop.formats.parquet import Batch
from labtop.formats.parquet_folder import first_rows, parquet_batches, parts_of, told_by_folders
from labtop.formats.table_csv import csv_batches
from labtop.formats.table_json import glimpse_rows, json_batches, read_whole_rows

SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
NAMED_SUFFIXES = {**SUFFIXES, ".json": "json", ".tab": "csv", ".txt": "csv", ".log": "csv", ".dat": "csv"}
"""Endings of files that are tables where a person says so, or where their names are those of a logger."""
_GLIMPSE = 2**18
_SAMPLE = 500
_MOST_COLUMNS = 20_000


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table: its columns and first rows as they were found. `is_all`: the sample is the whole table.

    `is_lines`: of JSON, a row a line, so that it can be read on. `is_plain`: of CSV, nothing is odd about the sample.
    `files`: the parts of a folder of Parquet files that together are one table; `of_folders`: columns that the
    names of its folders say.
    """

    path: Path
    kind: str
    names: tuple[str, ...]
    sample: tuple[Mapping[str, Any], ...] = field(compare=False)
    is_all: bool = False
    dialect: Dialect = field(default=Dialect(()), compare=False)
    is_lines: bool = True
    is_plain: bool = True
    files: tuple[Path, ...] = ()
    of_folders: tuple[str, ...] = ()

    @property
    def decimal(self) -> str:
        """What numbers in texts have for the point."""
        return self.dialect.decimal

    @property
    def can_grow(self) -> bool:
        """Whether it can be read on from a byte where an earlier reading ended."""
        return (
            self.kind in ("csv", "jsonl")
            and self.is_lines
            and not self.dialect.encoding
            and not is_packed(self.path)
        )

    def named(self, names: Sequence[str]) -> TableFile:
        """The same with other names of its columns, which a file without a header lacks. Raises InputError."""
        if self.kind != "csv" or len(names) != len(self.names):
            raise InputError(f"{self.path} has {len(self.names):,} columns, not {len(names):,}")
        new = unique_names(names)
        sample = tuple(dict(zip(new, row.values(), strict=True)) for row in self.sample)
        return replace(self, names=new, sample=sample, dialect=replace(self.dialect, names=new))

    def batches(
        self,
        columns: Sequence[str] | None,
        numbers: frozenset[str],
        problems: list[str],
        start: int = 0,
        end: int | None = None,
    ) -> Iterator[Batch]:
        """The rows, in pieces: doubles in the columns of `numbers`, else text or what the file has.

        Of JSON, where columns may come later, `columns` None gives all. Of a text file the rows from byte `start`, the
        beginning of one, to byte `end`. Problems are told, not raised.
        """
        wanted = self.names if columns is None else tuple(columns)
        if self.kind == "csv":
            yield from csv_batches(
                self.path, self.dialect, self.is_plain, wanted, numbers, problems, start, end
            )
        elif self.kind == "jsonl":
            chosen = None if columns is None else frozenset(wanted)
            yield from json_batches(
                self.path, self.is_lines, self.dialect.encoding, chosen, numbers, problems, start, end
            )
        else:
            yield from parquet_batches(self.path, self.files, wanted, problems)


def table_kind(name: str, is_named: bool = False) -> str:
    """What kind of table a file is by its name (`is_named`: a person says that it is one); empty for none."""
    suffix = Path(unpacked_name(name)).suffix.lower()
    kind = (NAMED_SUFFIXES if is_named else SUFFIXES).get(suffix, "")
    return "" if kind == "parquet" and name != unpacked_name(name) else kind


def look_at(path: Path) -> TableFile:
    """The columns and first rows of a table. Raises OSError, InputError (it is none, or is empty)."""
    kind = table_kind(path.name, True)
    if path.is_dir() or kind == "parquet":
        return _look_at_parquet(path)
    with open_unpacked(path) as file:
        content = file.read(_GLIMPSE)
    is_all = len(content) < _GLIMPSE
    if not content.strip(b"\0\r\n\t "):
        raise InputError(f"{path} is empty")
    if kind in ("jsonl", "json"):
        return _look_at_json(path, content, is_all, kind)
    return _look_at_csv(path, content, is_all)


def _look_at_csv(path: Path, content: bytes, is_all: bool) -> TableFile:
    if not is_all:
        content = content[: content.rfind(b"\n") + 1] or content
    try:
        found = dialect_of(content, Path(unpacked_name(path.name)).suffix.lower() in (".tsv", ".tab"))
        if found is None:
            raise InputError(f"{path} has no columns")
        dialect, text = found
        rows = parse(text, dialect.delimiter, dialect.quote, dialect.comment, _SAMPLE + 1)
    except csv.Error as error:
        raise InputError(f"{path}: {error}") from error
    names = dialect.names
    if len(names) > _MOST_COLUMNS:
        raise InputError(f"{path} has {len(names):,} columns")
    is_plain = (
        not dialect.comment
        and dialect.delimiter != BLANKS
        and f"{dialect.delimiter} " not in text[:_GLIMPSE]
        and "\0" not in text
        and all(len(row) == len(names) and tuple(row) != names for row in rows)
    )
    width = len(names)
    sample = tuple(
        dict(zip(names, row[:width] + [""] * (width - len(row)), strict=True))
        for row in rows[:_SAMPLE]
        if (len(row) <= width or not any(cell.strip() for cell in row[width:]))
        and tuple(row[:width]) != names
    )
    return TableFile(path, "csv", names, sample, is_all and len(rows) <= _SAMPLE, dialect, is_plain=is_plain)


def _look_at_json(path: Path, content: bytes, is_all: bool, kind: str) -> TableFile:
    rows = glimpse_rows(content, _SAMPLE)
    is_lines = bool(rows)
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if (kind == "json" and start == b"[") or not rows or (kind == "json" and len(rows) == 1):
        rows, is_lines = _whole_or(path, rows)
    if not rows:
        raise InputError(f"{path} has no rows of JSON objects")
    sample = rows[:_SAMPLE]
    names = tuple(dict.fromkeys(name for row in sample for name in row))
    is_all = len(rows) <= _SAMPLE if not is_lines else is_all and len(rows) < _SAMPLE
    dialect = Dialect(names, encoding=utf16_of(content[:200]))
    return TableFile(path, "jsonl", names, tuple(sample), is_all, dialect, is_lines)


def _whole_or(path: Path, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """The rows of a file that is one JSON value; `rows`, and that they are lines, where it is none."""
    try:
        return read_whole_rows(path), False
    except InputError:
        if not rows:
            raise
        return rows, True


def _look_at_parquet(path: Path) -> TableFile:
    files = parts_of(path) if path.is_dir() else (path,)
    if not files:
        raise InputError(f"{path} holds no Parquet files")
    names, sample, rows = first_rows(path, files, _SAMPLE)
    if len(names) > _MOST_COLUMNS:
        raise InputError(f"{path} has {len(names):,} columns")
    is_all = rows <= _SAMPLE and len(files) == 1
    of_folders = tuple(told_by_folders(path, files[0]))
    return TableFile(path, "parquet", names, tuple(sample), is_all, files=files, of_folders=of_folders)
