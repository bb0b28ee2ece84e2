"""Parquet files of others, some thousand rows at a time: a damaged row group costs its own rows only.

pyarrow is imported when a file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from labtop.errors import InputError
from labtop.formats.files import open_regular

Batch: TypeAlias = Any
"""A `pyarrow.RecordBatch`."""

_ROWS = 65_536
_BUFFER = 2**20  # read column chunks in pieces, not whole
_LONGEST_FOOTER = 2**26  # bytes and elements that a footer may claim


@contextmanager
def open_parquet(path: Path, dictionaries: Sequence[str] = ()) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`. `dictionaries` are columns of few values, read as codes.

    Raises:
        OSError: it cannot be read.
        InputError: it is no regular file, no Parquet, or lacks one of `dictionaries`. Errors of pyarrow within the
            `with` are InputErrors too.
    """
    import pyarrow
    from pyarrow import parquet

    with open_regular(path) as raw:
        try:
            with parquet.ParquetFile(
                raw,
                read_dictionary=list(dictionaries),
                buffer_size=_BUFFER,
                pre_buffer=False,
                thrift_string_size_limit=_LONGEST_FOOTER,
                thrift_container_size_limit=_LONGEST_FOOTER,
            ) as file:
                yield file
        except KeyError as error:  # of `read_dictionary`
            raise InputError(f"{path}: no column {error.args[0]!r}") from error
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            raise InputError(f"{path}: {short_reason(error)}") from error


def read_batches(
    file: Any, columns: Sequence[str], problems: list[str], rows: int = _ROWS
) -> Iterator[Batch]:
    """The rows of those of `columns` that are there, in pieces; row groups that cannot be read go to `problems`."""
    import pyarrow

    known = set(file.schema_arrow.names)
    there = [name for name in columns if name in known]
    before = 0
    for group in range(file.num_row_groups):
        count, read = file.metadata.row_group(group).num_rows, 0
        try:
            for batch in file.iter_batches(rows, row_groups=[group], columns=there, use_threads=False):
                read += batch.num_rows
                yield batch
            if there and read < count:  # pages of a kind that is not known are passed over
                problems.append(
                    f"rows {before + read:,} to {before + count:,} are not there: a page is damaged"
                )
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            problems.append(
                f"rows {before:,} to {before + count:,} cannot be read in full: {short_reason(error)}"
            )
        before += count


def short_reason(error: BaseException) -> str:
    """The first line of what a library says of a file."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
