"""A record that is written without a Parquet library is what the library would have written."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.model.run import RunRecord, Status
from labtop.store.first_record import first_record_parquet
from labtop.store.format import RECORD_COLUMNS, encode_record, record_parquet
from labtop.store.reader import read_record
from labtop.store.record_bytes import RecordBytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
TIMES = st.none() | st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


def table_of(content: bytes) -> pyarrow.Table:
    """What pyarrow reads, checksums looked at."""
    reader = pyarrow.BufferReader(content)
    return pyarrow.parquet.ParquetFile(reader, page_checksum_verification=True).read()


@given(TEXTS, TEXTS, TIMES, st.sampled_from(Status), st.dictionaries(TEXTS, st.floats() | TEXTS, max_size=5))
def test_the_same_record_for_every_reader(
    name: str, project: str, started_at: datetime | None, status: Status, params: dict[str, float | str]
) -> None:
    """Columns, types, values and nulls; and our own quick reader takes it."""
    record = RunRecord(
        id="a" * 10, name=name, project=project, status=status, started_at=started_at, params=params
    )
    by_library = record_parquet(record)
    content = first_record_parquet(encode_record(record))
    found, wanted = table_of(content), table_of(by_library)
    assert found.schema == wanted.schema
    assert found.equals(wanted)
    reader = RecordBytes(RECORD_COLUMNS, ())
    assert reader.read(content) == reader.read(by_library)


def test_duckdb_reads_it_and_its_size_is_that_of_a_record(tmp_path: Path) -> None:
    """It checks types of its own."""
    record = RunRecord(
        id="a" * 10, name="näme", project="p", started_at=datetime(2026, 1, 2, tzinfo=UTC) + timedelta(microseconds=7),
        params={f"layer{at}/width": at for at in range(500)},
    )  # fmt: skip
    sizes = []
    answers = []
    for number, content in enumerate((first_record_parquet(encode_record(record)), record_parquet(record))):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(content)
        with duckdb.connect() as connection:
            answers.append(connection.execute("FROM read_parquet(?)", [str(path)]).fetchall())
        sizes.append(len(content))
    assert answers[0] == answers[1]
    assert sizes[0] < 1.5 * sizes[1]


def test_a_damaged_one_is_no_other_record() -> None:
    """Each page has its checksum."""
    record = RunRecord(id="a" * 10, name="n", project="p", params={"x": "y" * 50})
    content = first_record_parquet(encode_record(record))
    at = content.index(b"\x1f\x8b") + 12
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        table_of(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :])


@pytest.mark.parametrize("ends", [False, True])
def test_the_record_comes_before_the_library(ends: bool, tmp_path: Path) -> None:
    """Where that takes long, or fails, or the process is killed meanwhile, the run is told of all the same."""
    code = f"""
import os, sys
sys.modules["pyarrow"] = None
import labtop
labtop.init(project="p", name="early", store={str(tmp_path)!r}, config={{"lr": 0.1}})
{"labtop.finish()" if ends else ""}
os._exit(9)
"""
    environment = {"LABTOP_CAPTURE_CODE": "false", "LABTOP_SYSTEM_METRICS": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    record = read_record(next(tmp_path.glob("*/*/run.parquet")).parent)
    assert (record.name, record.params["lr"]) == ("early", 0.1)
    assert record.status is (Status.FINISHED if ends else Status.RUNNING)
    assert "loading the library" in done.stderr


@pytest.mark.parametrize("rank", [None, "1"])
def test_no_thread_loads_the_library_beside_the_program(rank: str | None, tmp_path: Path) -> None:
    """Programs look into sys.modules, and would find it in half there."""
    code = f"""
import sys, threading

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pyarrow", "numpy"):
            assert threading.current_thread() is threading.main_thread(), name

sys.meta_path.insert(0, Watch())
import labtop
run = labtop.init(project="p", store={str(tmp_path)!r})
assert "pyarrow.parquet" in sys.modules
run.background and run.background._thread.join()
run.log({{"x": 1}})
run.finish()
"""
    environment = {"LABTOP_CAPTURE_CODE": "false", "LABTOP_SYSTEM_METRICS": "false"}
    if rank is not None:
        environment |= {"RANK": rank, "WORLD_SIZE": "2", "LOCAL_RANK": rank, "TORCHELASTIC_RUN_ID": "r"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "AssertionError" not in done.stderr
