"""Reads every page of a Parquet file and verifies its checksum, which only pyarrow does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.store.reader import check_parquet, open_parquet

if TYPE_CHECKING:
    import pyarrow


def check_pages(path: Path, schema: Callable[[], pyarrow.Schema] | None = None) -> str | None:
    """Why a Parquet file cannot be trusted; None when all its pages are whole.

    Arguments:
        schema: what its columns should be. The footer, where names and types are, has no checksum; so a column of
            another type is damage, and so is a column that is missing while there is one that nobody knows.
    """
    if (reason := check_parquet(path)) is not None:
        return reason
    import pyarrow

    try:
        with path.open("rb") as opened:
            file = open_parquet(opened)
            if schema is not None and (reason := _compare(file.schema_arrow, schema())):
                return reason
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        return f"damaged: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return None


def _compare(found: pyarrow.Schema, wanted: pyarrow.Schema) -> str | None:
    missing, unknown = {*wanted.names} - {*found.names}, {*found.names} - {*wanted.names}
    if missing and unknown:
        return f"damaged: its column {min(missing)!r} is called {min(unknown)!r}"
    for name in found.names:
        if name in wanted.names and found.field(name).type != wanted.field(name).type:
            return f"damaged: its column {name!r} is {found.field(name).type}, not {wanted.field(name).type}"
    return None
