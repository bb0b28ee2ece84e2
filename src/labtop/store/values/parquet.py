"""Tables of rich values as Parquet bytes and back. A word about the value travels in the file's own metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from labtop.errors import InputError
from labtop.store.reader import LARGEST_FOOTER, check_parquet_bytes

if TYPE_CHECKING:
    import pyarrow

_KEY = "labtop"
_MOST_COLUMNS = 10_000
_MOST_ROWS = 50_000_000
_MOST_DECODED = 2**31  # bytes of the columns that a file says it holds


def write_table(table: pyarrow.Table, about: dict[str, Any]) -> bytes:
    """A Parquet file of a table, its pages with checksums. `about` is what else is needed to make the value again."""
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    schema = table.schema.remove_metadata()
    with pyarrow.parquet.ParquetWriter(
        sink, schema, compression="zstd", write_page_checksum=True, store_schema=False
    ) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata({_KEY: msgspec.json.encode(about).decode()})
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_table(content: bytes, columns: list[str] | None = None) -> tuple[pyarrow.Table, dict[str, Any]]:
    """The table in Parquet bytes that somebody may have made, and what they say about it.

    Sizes are looked at before anything is decoded; checksums are verified; no extension type comes to life.

    Raises:
        InputError: it is damaged, or would be too large.
    """
    import pyarrow
    import pyarrow.parquet

    if (reason := check_parquet_bytes(content)) is not None:
        raise InputError(f"the file is damaged: {reason}")
    try:
        file = pyarrow.parquet.ParquetFile(
            pyarrow.BufferReader(content),
            page_checksum_verification=True,
            thrift_string_size_limit=LARGEST_FOOTER,
            thrift_container_size_limit=1_000_000,
        )
        facts = file.metadata
        decoded = sum(max(facts.row_group(at).total_byte_size, 0) for at in range(facts.num_row_groups))
        if facts.num_columns > _MOST_COLUMNS or facts.num_rows > _MOST_ROWS or decoded > _MOST_DECODED:
            raise InputError(
                f"the table is too large: {facts.num_rows} rows, {facts.num_columns} columns, {decoded} bytes"
            )
        about = _about((facts.metadata or {}).get(_KEY.encode()))
        if columns is not None and (missing := set(columns) - set(file.schema_arrow.names)):
            raise InputError(f"the file lacks the column {min(missing)!r}")
        table = file.read(columns, use_threads=False)
        table.validate(full=True)
    except (
        pyarrow.ArrowException,
        OSError,
        UnicodeDecodeError,
        OverflowError,
        MemoryError,
        ValueError,
    ) as error:
        raise InputError(f"the file is damaged: {error}") from error
    return table, about


def _about(text: bytes | None) -> dict[str, Any]:
    try:
        about = msgspec.json.decode(text or b"{}")
    except msgspec.MsgspecError as error:
        raise InputError(f"the file is damaged: what it says of itself cannot be read ({error})") from error
    if not isinstance(about, dict):
        raise InputError("the file is damaged: what it says of itself is no mapping")
    return about
