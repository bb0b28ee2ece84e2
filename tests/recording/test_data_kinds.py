"""Patterns, tables in memory, splits and their rows, outputs, and addresses whose keepers are asked."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labtop
from labtop.model.score import score_record
from labtop.recording.capture import addresses
from labtop.recording.capture.data import Reader, describe
from labtop.recording.capture.frames import read_frame
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import only_record

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def reader(folder: Path) -> Reader:
    """As in a run whose repository is the working folder."""
    return Reader(folder, Redactor())


def test_a_pattern_is_what_it_finds(folder: Path, reader: Reader) -> None:
    """Files and whole folders, by their place below the part without wildcards; rows are counted together."""
    for name in ("data/a/1.parquet", "data/a/deep/2.parquet", "data/b/3.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"x": [1, 2], "y": ["a", "b"]}), folder / name)
    (folder / "data/a/note.txt").write_text("no")
    known = describe("data/*/**/*.parquet", None, reader)
    assert (known.kind, known.files, known.rows, known.uri) == ("glob", 3, 6, "data/*/**/*.parquet")
    assert known.columns == {"x": "int64", "y": "string"}
    files = {path: hashlib.sha256((folder / "data" / path).read_bytes()).hexdigest() for path in
             ("a/1.parquet", "a/deep/2.parquet", "b/3.parquet")}  # fmt: skip
    lines = "".join(f"{sha}  {path}\n" for path, sha in sorted(files.items()))
    assert known.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert describe("data/a*", None, reader).files == 3
    with pytest.raises(FileNotFoundError):
        describe("data/*.csv", None, reader)
    (folder / "data/odd[1].csv").write_text("a\n1\n")
    assert describe("data/odd[1].csv", None, reader).kind == "file"


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", "id,w,name\n1,0.5,x\n2,,y\n", {"id": "int", "w": "float", "name": "text"}),
        ("a.tsv", "a\tb\n1\t2\n", {"a": "int", "b": "int"}),
        ("a.jsonl", '\n{"a": 1, "b": {"c": 2}, "d": null}\n', {"a": "int", "b": "object", "d": "null"}),
        ("bad.jsonl", "nonsense\n", {}),
        ("empty.csv", "", {}),
        ("a.txt", "a,b\n", {}),
    ],
)
def test_columns_of_text_tables(
    folder: Path, reader: Reader, name: str, content: str, columns: dict[str, str]
) -> None:
    """Names and the narrowest type of the first rows."""
    (folder / name).write_text(content)
    assert describe(name, None, reader).columns == columns


def test_columns_of_binary_tables(folder: Path, reader: Reader) -> None:
    """From headers and footers; nothing is unpickled."""
    np.save("a.npy", np.zeros((7, 3, 2), np.float32))
    np.save("objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    pl.DataFrame({"x": [1, 2, 3]}).write_ipc("a.arrow")
    array = describe("a.npy", None, reader)
    assert (array.rows, array.columns) == (7, {"array": "float32[3×2]"})
    assert describe("objects.npy", None, reader).columns == {}
    assert describe("a.arrow", None, reader).rows == 3


def digest(value: object) -> str | None:
    frame = read_frame(value)
    assert frame is not None
    return frame.digest


def test_frames_of_all_libraries_are_one_content() -> None:
    """Chunks, slices, layouts of text and categories don't matter; values, names, types and order do."""
    columns: dict[str, Any] = {
        "n": [1, None, 3],
        "s": ["a", None, "ü"],
        "f": [0.5, float("nan"), None],
        "b": [True, None, False],
    }
    longer = {name: [values[0], *values] for name, values in columns.items()}
    table = pa.table(columns)
    same = [
        pl.DataFrame(columns),
        pl.concat([pl.DataFrame(columns)[:1], pl.DataFrame(columns)[1:]], rechunk=False),
        pa.concat_tables([table.slice(0, 2), table.slice(2)]),
        pa.table(longer).slice(1),
        table.set_column(1, "s", table["s"].cast(pa.large_string())),
        table.set_column(1, "s", table["s"].dictionary_encode()),
    ]  # fmt: skip
    assert {digest(each) for each in same} == {digest(table)}
    others = [
        table.slice(0, 2),
        table.rename_columns(["n", "t", "f", "b"]),
        table.select(["s", "n", "f", "b"]),
        table.set_column(0, "n", pa.array([1, None, 4])),
        table.set_column(0, "n", pa.array([1, 0, 3])),
        table.set_column(0, "n", table["n"].cast(pa.int32())),
        table.set_column(1, "s", pa.array(["a", "", "ü"])),
        pa.concat_tables([table, table.slice(0, 0)]).take([1, 0, 2]),
    ]
    assert len({digest(each) for each in (table, *others)}) == len(others) + 1


def test_frames_of_nested_and_odd_columns() -> None:
    """Lists, structs, maps, times, decimals, bytes and nothing at all."""
    import datetime
    import decimal

    def table(last: int) -> pa.Table:
        return pa.table(
            {
                "list": [[1, 2], None, [last]],
                "struct": [{"a": 1, "b": "x"}, None, {"a": last, "b": None}],
                "map": pa.array([[("k", 1)], None, [("k", last)]], pa.map_(pa.string(), pa.int64())),
                "when": [datetime.datetime(2026, 1, 1), None, datetime.datetime(2026, 1, last)],
                "day": [datetime.date(2026, 1, 1), None, datetime.date(2026, 1, last)],
                "money": [decimal.Decimal("1.5"), None, decimal.Decimal(last)],
                "bytes": [b"a", None, b"\0" * last],
                "none": pa.nulls(3),
                "fixed": pa.array([[1.0, 2.0], None, [3.0, float(last)]], pa.list_(pa.float32(), 2)),
            }
        )

    frame = read_frame(table(5))
    assert frame is not None
    assert (frame.problem, frame.rows) == (None, 3)
    assert len({digest(table(5).select([name])) for name in table(5).column_names}) == 9
    for name in table(5).column_names:
        one, other = table(5).select([name]), table(6).select([name])
        assert digest(one) == digest(pa.concat_tables([one.slice(0, 1), one.slice(1)]))
        assert (digest(one) == digest(other)) == (name == "none"), name


def test_arrays_and_what_has_no_content(folder: Path, reader: Reader) -> None:
    """By shape, type and values, however they lie in memory; objects have no content, and a word why."""
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert (
        digest(array)
        == digest(np.asfortranarray(array))
        == digest(array.astype(">i4"))
        == digest(array[:, :])
    )
    assert (
        len(
            {
                digest(each)
                for each in (array, array.T, array.reshape(4, 3), array.astype(np.int64), array + 1)
            }
        )
        == 5
    )
    assert digest(np.array(3.0)) is not None
    known = describe(np.array([{}], object), "odd", reader)
    assert (known.kind, known.digest) == ("frame", None)
    assert known.problem == "its content cannot be read: it holds Python objects"
    with pytest.raises(TypeError, match="not int"):
        describe(5, None, reader)
    assert read_frame(iter([1])) is read_frame("text") is None


def test_a_pandas_like_frame_needs_no_pandas(folder: Path) -> None:
    """Any object with the Arrow interface and a length is a table; its name is its own."""

    class DataFrame:
        def __init__(self) -> None:
            self.table = pa.table({"x": [1, 2]})

        def __len__(self) -> int:
            return 2

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.table.__arrow_c_stream__(requested_schema)

    DataFrame.__module__ = "pandas.core.frame"
    with labtop.init() as run:
        run.use_data(DataFrame(), name="train")
    (known,) = only_record(folder / "runs").data
    assert (known.uri, known.kind, known.rows) == ("memory:pandas.DataFrame", "frame", 2)
    assert known.digest == digest(pa.table({"x": [1, 2]}))
    assert known.columns == {"x": "int64"}


def test_a_split_and_the_rows_it_uses(folder: Path) -> None:
    """The rows are kept by their hash; two splits of one file are two inputs."""
    (folder / "d.csv").write_text("a\n" + "1\n" * 10)
    with labtop.init() as run:
        run.use_data("d.csv", split="train", indices=np.array([5, 3, 1]))
        run.use_data("d.csv", split="test", indices=[False, True] * 5)
        run.use_data("d.csv", split="names", indices=["x", "ü"])
        run.use_data("d.csv", split="train", indices=[5, 3, 1])
    record = only_record(folder / "runs")
    assert [(each.split, each.used_rows, each.rows) for each in record.data] == [
        ("test", 5, 10), ("names", 2, 10), ("train", 3, 10),
    ]  # fmt: skip
    train = record.data[2]
    assert train.indices is not None
    assert pq.read_table(run.folder / train.indices)["index"].to_pylist() == [5, 3, 1]
    expected = b"".join(number.to_bytes(8, "little") for number in (5, 3, 1))
    assert train.indices_sha256 == hashlib.sha256(expected).hexdigest()
    assert sorted(each.kind for each in record.artifacts) == ["indices"] * 3


@pytest.mark.parametrize("indices", [[1, "a"], [0.5], object()])
def test_indices_that_are_none(folder: Path, caplog: pytest.LogCaptureFixture, indices: object) -> None:
    """Are said to be, and nothing breaks."""
    (folder / "d.csv").write_text("a\n1\n")
    with labtop.init() as run:
        assert run.use_data("d.csv", indices=indices) is None
    assert "'d.csv' is not recorded" in caplog.text


def test_outputs(folder: Path) -> None:
    """Have the same identity as inputs, and do not count as one in the score."""
    (folder / "out.csv").write_text("a\n1\n")
    with labtop.init() as run:
        run.log_data("out.csv", name="clean")
    with labtop.init() as other:
        other.use_data("out.csv", name="clean")
    records = {record.id: record for record in labtop_records(folder)}
    written, read = records[run.id], records[other.id]
    assert (written.data[0].role, read.data[0].role) == ("output", "input")
    assert written.data[0].digest == read.data[0].digest
    assert score_record(written)["data"].reasons == ("no input was declared",)
    assert score_record(read)["data"].state == "complete"


def labtop_records(folder: Path) -> Any:
    from tests.recording.conftest import records

    return records(folder / "runs")


# -- addresses ---------------------------------------------------------------------------------------------------


class FakeS3:
    """What boto3 answers of a bucket that keeps versions of some keys."""

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key == "versioned":
            return {"VersionId": "v123", "ETag": '"aa"', "ContentLength": 7}
        if Key == "plain":
            return {"VersionId": "null", "ETag": '"bb"', "ContentLength": 8}
        if Key == "refused":
            raise RuntimeError("403 Forbidden for AKIA" + "Q7" * 8)
        raise RuntimeError("An error occurred (404): Not Found")

    def get_paginator(self, name: str) -> Any:
        pages = {"many/": [{"Contents": [{"Key": "many/b", "ETag": '"2"', "Size": 1}]},
                           {"Contents": [{"Key": "many/a", "ETag": '"1"', "Size": 2}]}]}  # fmt: skip
        return SimpleNamespace(paginate=lambda Bucket, Prefix: pages.get(Prefix, [{}]))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3: Any = SimpleNamespace(client=lambda name, **options: FakeS3(), __spec__=object())
    config: Any = SimpleNamespace(Config=lambda **options: options)
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setitem(sys.modules, "botocore.config", config)


@pytest.mark.parametrize(
    ("uri", "algorithm", "digest", "size"),
    [
        ("s3://b/versioned", "version", "v123", 7),
        ("s3a://b/plain", "etag", "bb", 8),
        ("s3://b/many", "etags", hashlib.sha256(b"1  a\n2  b\n").hexdigest(), 3),
        ("s3://b/many/", "etags", hashlib.sha256(b"1  a\n2  b\n").hexdigest(), 3),
        ("s3://b/nothing", None, None, None),
        ("s3://b/refused", None, None, None),
    ],
)
def test_s3_says_a_version_or_a_tag(
    folder: Path,
    reader: Reader,
    s3: None,
    uri: str,
    algorithm: str | None,
    digest: str | None,
    size: int | None,
) -> None:
    """Of one object, or of all below a prefix; a stand-in for the client. What fails is said, without secrets."""
    known = describe(uri, None, reader)
    assert (known.kind, known.algorithm, known.digest, known.bytes) == ("s3", algorithm, digest, size)
    assert (known.problem is None) == (digest is not None)
    assert "AKIA" not in (known.problem or "")


def test_without_a_client_the_address_is_recorded(
    folder: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a word why it has no identity; nobody is asked where the setting says so."""
    monkeypatch.setattr(addresses, "find_spec", lambda name: None)
    assert describe("s3://b/k", None, reader).problem == "boto3 is not installed, so its version is not known"
    quiet = Reader(folder, Redactor(), ask=False)
    assert describe("s3://b/k", None, quiet).problem is None


def test_a_keeper_that_does_not_answer(folder: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not waited for."""
    import threading

    never = threading.Event()
    monkeypatch.setattr(addresses, "_KEEPERS", {"s3": lambda uri: never.wait(30)})
    monkeypatch.setattr(addresses, "_TIMEOUT_S", 0.05)
    assert "no answer in 0.05 s" in (describe("s3://b/k", None, reader).problem or "")
    never.set()


def test_a_branch_of_lakefs_becomes_its_commit(
    folder: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the client is there: a branch moves, a commit does not."""

    def repository(name: str) -> Any:
        commit = SimpleNamespace(id=COMMIT + "0" * 24)
        return SimpleNamespace(ref=lambda ref: SimpleNamespace(get_commit=lambda: commit))

    client: Any = SimpleNamespace(repository=repository, __spec__=object())
    monkeypatch.setitem(sys.modules, "lakefs", client)
    known = describe("lakefs://repo/main/train.parquet", None, reader)
    assert (known.digest, known.algorithm) == (COMMIT + "0" * 24, "commit")


@pytest.mark.parametrize(
    ("uri", "digest"),
    [
        ("hf://datasets/me/set/train.parquet", COMMIT),
        ("hf://datasets/me/set@v2/train.parquet", "a" * 40),
        ("hf://me/model/weights.bin", None),
        ("hf://datasets/../set", None),
    ],
)
def test_revisions_of_the_hub_come_from_its_cache(
    folder: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch, uri: str, digest: str | None
) -> None:
    """The network is not asked."""
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    refs = folder / "hf/hub/datasets--me--set/refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(COMMIT)
    (refs / "v2").write_text("a" * 40)
    assert describe(uri, None, reader).digest == digest
