"""The schemas, and a record as columns and back."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labtop.errors import InputError
from labtop.model.run import (
    Artifact,
    Beat,
    Code,
    Command,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    Life,
    MetricSummary,
    Process,
    Randomness,
    RunError,
    RunRecord,
    Source,
    Status,
    UntrackedFile,
)
from labtop.store.format import (
    GROUPS,
    POINT_COLUMNS,
    RECORD_COLUMNS,
    Encoded,
    decode_group,
    decode_record,
    encode_group,
    encode_record,
    point_schema,
    record_parquet,
)
from labtop.store.reader import read_record
from tests.stores import build_store, write_run

FULL = RunRecord(
    id="abcdefghij",
    name="näme \n\x1b[31m",
    project="p/q",
    status=Status.FAILED,
    started_at=datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    ended_at=datetime(2026, 1, 2, 4, 0, tzinfo=UTC),
    params={"lr": 1e-3, "n": 2**63 - 1, "deep": {"a": [1, 2.5, None, {"b": True}]}, "zero": -0.0, "none": None},
    metrics={
        "loss": MetricSummary(
            goal="min", count=3, nan_count=1, first=math.nan, last=math.inf, last_step=0.5, min=-math.inf, max=1.0,
            mean=0.0, spark=(1.0, math.nan, -math.inf),
        ),
        "empty": MetricSummary(),
    },
    summary={"best": 0.91},
    life=Life(
        group="null", tags=("a", "NaN"), notes="n", fork_step=math.inf, exit_code=0, signal="SIGTERM",
        error=RunError(type="E", message="m", where="w"), beat=Beat(counter=3, interval_s=1.0),
        process=Process(host="h", pid=1, boot_id="b", pid_started=0.0), written={"w": 7}, degraded="d", dropped=2,
    ),
    command=Command(argv=("a", "", "--x"), cwd=".", ranks={"rank": 0}),
    code=Code(commit="c", dirty=False, untracked=(UntrackedFile(path="p", bytes=0),)),
    data=(DataInput(name="n", uri="u", kind="file", bytes=0),),
    randomness=Randomness(seeds={"python": 0, "big": 2**127}, flags={"cudnn": {"x": True}}, imported=("numpy",)),
    environment=Environment(python="3.11", packages={"a": "1"}),
    hardware=Hardware(cores=0, gpus=(Gpu(name="g"),)),
    artifacts=(Artifact(name="n", path="p", kind=""),),
    source=Source(tracker="", problems=("x",)),
)  # fmt: skip


def same(one: Any, two: Any) -> bool:
    """Equality in which NaN equals NaN and −0 is not 0."""
    return repr(one) == repr(two)


def test_a_full_record_comes_back_whole() -> None:
    """Every field survives, also those that are false, zero or empty where that is not the default."""
    assert same(decode_record(encode_record(FULL)), FULL)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    """The same through run.parquet."""
    assert same(read_record(write_run(tmp_path, FULL)), FULL)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TREES = st.dictionaries(
    TEXT,
    st.recursive(SCALARS | TEXT, lambda of: st.lists(of, max_size=3) | st.dictionaries(TEXT, of, max_size=3)),
    max_size=4,
)
NUMBERS = st.none() | st.floats()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tree=TREES,
    numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    spark=st.lists(st.floats(), max_size=64),
    text=TEXT,
    when=st.datetimes(timezones=st.just(UTC)),
)
def test_any_record_comes_back(
    tree: dict[str, Any], numbers: tuple[float | None, ...], spark: list[float], text: str, when: datetime
) -> None:
    """Whatever the tree, the numbers and the texts are."""
    record = replace(
        FULL,
        name=text or "x",
        started_at=when,
        params=tree,
        summary=tree,
        metrics={text: MetricSummary(first=numbers[0], last=numbers[1], mean=numbers[2], spark=tuple(spark))},
        life=Life(notes=text, tags=(text,)),
        randomness=Randomness(flags=tree),
    )
    assert same(decode_record(encode_record(record)), record)


@given(text=st.text(st.characters(categories=["Cs", "L", "Cc"])))
def test_lone_surrogates_become_visible(text: str) -> None:
    """What UTF-8 cannot say is escaped, in values, keys and names; the rest of the text stays."""
    record = replace(FULL, name=text or "x", params={text: text}, command=Command(argv=(text,)))
    again = decode_record(encode_record(record))
    safe = text.encode("utf-8", "backslashreplace").decode()
    assert again.params == {safe: safe}
    assert again.command.argv == (safe,)


def test_numbers_that_json_cannot_say_are_words() -> None:
    """As interface.md has it, in params too."""
    assert (
        encode_group({"a": math.nan, "b": [math.inf, -math.inf]})
        == '{"a":"NaN","b":["Infinity","-Infinity"]}'
    )


def test_foreign_objects_and_bottomless_nests_become_text() -> None:
    """Nothing a user puts into params can stop the record from being written."""
    loop: dict[Any, Any] = {"path": Path("x/y"), "type": Status.FAILED, 3: {1}, "bytes": b"\xff"}
    loop["self"] = loop
    decoded = decode_group("params", encode_group(loop))
    assert decoded["path"] == "x/y"
    assert decoded["3"] == [1]
    assert decoded["self"]["self"]["type"] == "failed"


def test_unknown_fields_are_ignored_and_missing_ones_are_default() -> None:
    """The format grows by adding."""
    row = {"id": "abcdefghij", "colour": 3, "life": '{"group":"g","mood":"good"}', "metrics": None}
    record = decode_record(row)
    assert record.life == Life(group="g")
    assert record.name == "abcdefghij"
    assert record.status is Status.UNKNOWN


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "damage", ["{", "3", '"x"', '[{"beat":3}]', '{"x":{"count":[]}}', "[" * 100_000, "\x00"]
)
def test_a_damaged_group_hides_nothing_else(group: str, damage: str) -> None:
    """It is named among the problems and the other groups are given."""
    record = decode_record({**encode_record(FULL), group: damage})
    assert record.id == FULL.id
    if group != "params":
        assert record.params == FULL.params
    try:
        decode_group(group, damage)
    except InputError:
        assert any(repr(group) in problem for problem in record.source.problems)


def test_columns_are_as_documented(tmp_path: Path) -> None:
    """Plain strings, doubles and microseconds; no dictionary or extension type that some engine refuses."""
    build_store(tmp_path, runs=1)
    part = next(tmp_path.rglob("metrics/*.parquet"))
    schema = pyarrow.parquet.read_schema(part)
    assert [str(each) for each in schema.types] == [
        "string", "string", "double", "timestamp[us]", "double", "string", "int64",
    ]  # fmt: skip
    assert schema.names == list(POINT_COLUMNS)
    assert schema.equals(point_schema())
    assert schema.metadata is None
    assert pyarrow.parquet.read_schema(next(tmp_path.rglob("run.parquet"))).names == list(RECORD_COLUMNS)


def test_parts_have_page_checksums(tmp_path: Path) -> None:
    """A flipped bit in the data is found by a reader that verifies them."""
    build_store(tmp_path, runs=1, points=300)
    part = next(tmp_path.rglob("metrics/*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 4
    part.write_bytes(content)
    with pytest.raises((OSError, pyarrow.ArrowException)):
        pyarrow.parquet.ParquetFile(part, page_checksum_verification=True).read()


def test_a_record_is_small(tmp_path: Path) -> None:
    """About 4 KB of facts; with 10 full sparklines it stays below 10."""
    assert len(record_parquet(FULL)) < 4500
    build_store(tmp_path, runs=5, points=0)
    assert max(each.stat().st_size for each in tmp_path.rglob("run.parquet")) < 10_000


def test_encoding_needs_no_parquet_library() -> None:
    """The terminal UI decodes rows of DuckDB without pyarrow."""
    code = (
        "import sys; from labtop.store import format, layout, ledger, live, reader, status, wal, writer;"
        "print(*sorted({'pyarrow','duckdb','polars','numpy','psutil','textual'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )


def test_facts_that_stay_are_encoded_once() -> None:
    """The same text comes out, and what has changed is encoded anew."""
    record = RunRecord(id="k7f2q9m3xw", name="n", project="p", params={"lr": 0.1}, life=Life(tags=("a",)))
    known: Encoded = {}
    encode_record(record, known)
    changed = replace(record, params={"lr": 0.2}, life=Life(tags=("b",)))
    assert encode_record(changed, known) == encode_record(changed)
    assert encode_record(record, known) == encode_record(record)
    assert known["environment"][0] is record.environment
    assert "params" not in known
