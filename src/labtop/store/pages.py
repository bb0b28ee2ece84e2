"""Reads every page of a Parquet file and verifies its checksum, which only pyarrow does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labtop.store.reader import check_parquet


def check_pages(path: Path, columns: Sequence[str] = ()) -> str | None:
    """Why a Parquet file cannot be trusted; None when all its pages are whole and it has all of `columns`."""
    if (reason := check_parquet(path)) is not None:
        return reason
    import pyarrow
    import pyarrow.parquet

    try:
        with path.open("rb") as opened:
            file = pyarrow.parquet.ParquetFile(opened, page_checksum_verification=True)
            if missing := [each for each in columns if each not in file.schema_arrow.names]:
                return f"it has no column {', '.join(missing)}"
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        return f"damaged: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return None
