"""Folders of Parquet files that are one table: Spark's `part-00000-….parquet`, and Hive's `run=a/seed=3/…`.

What the names of folders say (`run=a`) are columns of all rows below, as texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from labtop.errors import InputError
from labtop.formats.parquet import Batch, open_parquet, read_batches

_PARTITION = re.compile(r"([^=/]+)=(.*)")
_PART = re.compile(r"part-\d+.*\.(?:parquet|pq)")
_NONE = "__HIVE_DEFAULT_PARTITION__"
_MOST_FILES = 5_000
_DEEPEST = 8


def is_folder_table(files: Sequence[str], folders: Sequence[str]) -> bool:
    """Whether names in a folder are those of one table: parts as Spark writes them, or folders of Hive."""
    named = [name for name in folders if not name.startswith((".", "_"))]
    if named:
        return all(map(_PARTITION.fullmatch, named)) and not any(name.endswith(".parquet") for name in files)
    return sum(1 for name in files if _PART.fullmatch(name)) > ("_SUCCESS" not in files)


def parts_of(folder: Path) -> tuple[Path, ...]:
    """The Parquet files of a table in a folder, in the order of their names; links are not followed."""
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        here = Path(root)
        if len(here.relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        folders[:] = sorted(name for name in folders if _PARTITION.fullmatch(name))
        found += [
            here / name
            for name in sorted(files)
            if name.endswith((".parquet", ".pq"))
            and not name.startswith((".", "_"))
            and not (here / name).is_symlink()
        ]
        if len(found) > _MOST_FILES:
            break
    return tuple(found[:_MOST_FILES])


def first_rows(
    root: Path, files: Sequence[Path], most: int
) -> tuple[tuple[str, ...], list[Mapping[str, Any]], int]:
    """The columns of a table, its first rows (some of each of its first files), and the rows of the first file.

    Raises OSError, InputError.
    """
    names: dict[str, None] = {}
    sample: list[Mapping[str, Any]] = []
    rows = 0
    for path in files[:_LOOKED_AT]:
        with open_parquet(path) as file:
            names.update(dict.fromkeys(file.schema_arrow.names))
            told = told_by_folders(root, path)
            names.update(dict.fromkeys(told))
            rows = rows or file.metadata.num_rows
            share = max(most // min(len(files), _LOOKED_AT), 1)
            for batch in read_batches(file, file.schema_arrow.names, [], share):
                sample += [{**row, **told} for row in batch.to_pylist()]
                break
    return tuple(names), sample, rows


_LOOKED_AT = 20


def parquet_batches(
    root: Path, files: Sequence[Path], wanted: Sequence[str], problems: list[str]
) -> Iterator[Batch]:
    """The rows of all files, in pieces. A file that cannot be read costs itself. Raises InputError where it is one."""
    import pyarrow

    for path in files:
        told = {name: value for name, value in told_by_folders(root, path).items() if name in wanted}
        try:
            with open_parquet(path) as file:
                for batch in read_batches(file, wanted, problems):
                    for name, value in told.items():
                        if name not in batch.schema.names:
                            batch = batch.append_column(
                                name, pyarrow.array([value] * batch.num_rows, pyarrow.string())
                            )
                    yield batch
        except (OSError, InputError) as error:
            if len(files) == 1:
                raise
            problems.append(f"{path.relative_to(root)}: {error}")


def told_by_folders(root: Path, path: Path) -> dict[str, str | None]:
    """The columns that the names of folders between a table and one of its files say."""
    if path == root:
        return {}
    found = (_PARTITION.fullmatch(part) for part in path.relative_to(root.parent).parts[:-1])
    return {told[1]: None if told[2] == _NONE else unquote(told[2]) for told in found if told}
