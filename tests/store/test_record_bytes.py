"""The quick reader of records: what a Parquet library says, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from labtop.model.run import RunRecord, Status
from labtop.store.format import RECORD_COLUMNS, record_parquet
from labtop.store.record_bytes import Cell, OddRecordError, RecordBytes

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
RECORD = RunRecord(
    id="a" * 10, name="four", project="p \u6f22", status=Status.FINISHED, started_at=AT, params={"x": "y" * 9000}
)  # fmt: skip


def reader() -> RecordBytes:
    return RecordBytes(RECORD_COLUMNS, ("project", "code"))


def by_arrow(content: bytes) -> dict[str, Cell]:
    """The same by pyarrow."""
    table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)).read()
    said: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        value = (
            column.cast(pyarrow.int64())[0].as_py()
            if column.type == pyarrow.timestamp("us")
            else column[0].as_py()
        )
        said[name] = value.encode() if isinstance(value, str) else value
    return said


@pytest.mark.parametrize("name", ["", "x", "four", "fünf", "\u6f22" * 200, "nul\0", "x" * 20_000])
def test_a_record_says_what_a_library_reads(name: str) -> None:
    """Texts of every length, times before 1970, and nothing at all."""
    quick = reader()
    for started_at in (
        None,
        AT,
        datetime(1960, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 0, 4, tzinfo=UTC),
    ):
        for project in ("p", "q"):
            content = record_parquet(
                RunRecord(id="a" * 10, name=name, project=project, started_at=started_at, params={"n": name})
            )
            assert quick.read(content) == by_arrow(content)


def test_a_changed_byte_is_no_other_record() -> None:
    """Wherever a byte is another, the record is as it was or is not read."""
    content, quick = record_parquet(RECORD), reader()
    whole = quick.read(content)
    for at in range(0, len(content), 3):
        try:
            cells = quick.read(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        except OddRecordError:
            continue
        assert cells == whole


def test_a_cut_record_is_left_to_others() -> None:
    """No end is taken for another."""
    content = record_parquet(RECORD)
    for length in range(0, len(content), 7):
        with pytest.raises(OddRecordError):
            reader().read(content[:length])


@pytest.mark.parametrize(
    "options", [{"compression": "snappy"}, {"use_dictionary": True}, {"write_statistics": True}]
)
def test_files_that_others_wrote_are_left_to_others(options: dict[str, Any]) -> None:
    """Another compression, dictionaries, statistics, two rows: for a general reader."""
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(record_parquet(RECORD)))
    usual = {
        "compression": "zstd",
        "use_dictionary": False,
        "write_statistics": False,
        "write_page_checksum": True,
    }
    for odd, how in ((table, {**usual, **options}), (pyarrow.concat_tables([table, table]), usual)):
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(odd, sink, **how)
        with pytest.raises(OddRecordError):
            reader().read(sink.getvalue().to_pybytes())
