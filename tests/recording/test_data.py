"""Inputs are known by their content."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

import labtop
from labtop.model.run import DataInput
from labtop.recording.capture.data import Reader
from labtop.recording.capture.data import describe as describe_data
from labtop.recording.capture.folder_content import folder_sha256, read_folder
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import only_record


def describe(path: object, name: str | None = None) -> DataInput:
    """As use_data does, from the working folder."""
    return describe_data(path, name, Reader(Path.cwd(), Redactor()))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file(folder: Path) -> None:
    """Name, place, content, size and rows; declared again, it is there once."""
    (folder / "train.csv").write_text('a,b\n1,2\n3,"x\ny"\n')
    with labtop.init() as run:
        run.use_data("train.csv", name="train")
        run.use_data("train.csv", name="train")
    (known,) = only_record(folder / "runs").data
    content = (folder / "train.csv").read_bytes()
    assert known == DataInput(
        name="train",
        uri=str(folder / "train.csv"),
        kind="file",
        digest=sha256(content),
        algorithm="sha256",
        bytes=16,
        rows=2,
        columns={"a": "int", "b": "text"},
    )


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "h\n1\n2", 2),
        ("empty.csv", "", 0),
        ("a.tsv", "h\n1\n", 1),
        ("a.jsonl", '{"a": "\\n"}\n{"b": 1}\n\n', 2),
        ("a.txt", "1\n2\n", None),
        ("broken.parquet", "no", None),
    ],
)
def test_rows_where_they_cost_nothing(folder: Path, name: str, content: str, rows: int | None) -> None:
    """Tables only."""
    (folder / name).write_text(content)
    assert describe(name).rows == rows


def test_rows_of_parquet_come_from_its_footer(folder: Path) -> None:
    """Nothing is decoded."""
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(123))}), "a.parquet")
    assert describe("a.parquet").rows == 123


def test_a_folder_is_its_files(folder: Path) -> None:
    """By relative path and content, in order of the path; links are followed, once."""
    (folder / "data/b").mkdir(parents=True)
    (folder / "data/b/2.txt").write_text("two")
    (folder / "data/a.txt").write_text("one")
    known = describe("data")
    lines = f"{sha256(b'one')}  a.txt\n{sha256(b'two')}  b/2.txt\n"
    assert (known.kind, known.digest, known.bytes) == ("directory", sha256(lines.encode()), 6)
    (folder / "data/b/again").symlink_to(folder / "data")
    assert describe("data").digest == known.digest
    (folder / "data/b/2.txt").rename(folder / "data/b/3.txt")
    assert describe("data").digest != known.digest
    assert folder_sha256(read_folder(folder / "data")) == describe("data").digest


def test_a_pipe_in_a_folder_does_not_hang(folder: Path) -> None:
    """Only regular files count."""
    (folder / "data").mkdir()
    os.mkfifo(folder / "data/pipe")
    assert describe("data").bytes == 0


def test_what_is_missing_is_said_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And written down; training goes on."""
    with labtop.init() as run:
        assert run.use_data("nothing.csv") is None
        assert run.use_data("nothing.csv") is None
    record = only_record(folder / "runs")
    assert caplog.text.count("nothing.csv") == 1
    assert record.data == ()
    assert record.life.degraded is not None
    assert "No such file" in record.life.degraded


def test_a_dvc_file_is_known_by_its_md5(folder: Path) -> None:
    """When the content agrees with the pointer; else by what is really there."""
    (folder / "train.csv").write_bytes(b"a\n1\n")
    md5 = hashlib.md5(b"a\n1\n").hexdigest()
    (folder / "train.csv.dvc").write_text(f"outs:\n- md5: {md5}\n  size: 4\n  hash: md5\n  path: train.csv\n")
    assert (describe("train.csv").kind, describe("train.csv").digest) == ("dvc", md5)
    pointer = describe("train.csv.dvc")
    assert (pointer.name, pointer.kind, pointer.digest, pointer.bytes) == ("train.csv", "dvc", md5, 4)
    (folder / "train.csv").write_bytes(b"changed\n")
    assert (describe("train.csv").kind, describe("train.csv").digest) == ("file", sha256(b"changed\n"))


def test_a_dvc_folder_in_a_lock_file(folder: Path) -> None:
    """By the md5 of its listing, as DVC makes it."""
    (folder / "out/sub").mkdir(parents=True)
    (folder / "out/a").write_text("1")
    (folder / "out/sub/b").write_text("2")
    listed = [
        {"md5": hashlib.md5(b"1").hexdigest(), "relpath": "a"},
        {"md5": hashlib.md5(b"2").hexdigest(), "relpath": "sub/b"},
    ]
    md5 = hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
    lock = f"""schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    deps:
    - path: raw
      hash: md5
      md5: 00000000000000000000000000000000.dir
    outs:
    - path: other
      hash: md5
      md5: 11111111111111111111111111111111
      size: 3
    - path: out
      hash: md5
      md5: {md5}
      size: 2
      nfiles: 2
"""
    (folder / "dvc.lock").write_text(lock)
    known = describe("out")
    assert (known.kind, known.digest, known.algorithm) == ("dvc", md5, "md5")


COMMIT = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("uri", "kind", "digest"),
    [
        ("s3://bucket/train.parquet", "s3", None),
        ("s3a://bucket/train.parquet?versionId=3HL4kqtJ.vjVBH40Nr_8", "s3", "3HL4kqtJ.vjVBH40Nr_8"),
        ("gs://bucket/train.parquet#1712345678901234", "gs", "1712345678901234"),
        (f"lakefs://repo/{COMMIT}/train.parquet", "lakefs", COMMIT),
        ("lakefs://repo/main/train.parquet", "lakefs", None),
        (f"hf://datasets/me/set@{COMMIT[:40]}/train.parquet", "hf", COMMIT[:40]),
        ("runs:/abc/model", "mlflow", None),
        ("gs://bucket/x", "gs", None),
        ("https://me:secret@example.org/x.csv?token=abcdefgh", "https", None),
    ],
)
def test_addresses_are_pointers(uri: str, kind: str, digest: str | None) -> None:
    """Recorded without content; a branch is no digest, and credentials are gone."""
    known = describe(uri)
    assert (known.kind, known.digest, known.bytes) == (kind, digest, None)
    assert "secret" not in known.uri
    assert "abcdefgh" not in known.uri


def test_file_addresses_are_files(folder: Path) -> None:
    """file:// is here."""
    (folder / "a b.txt").write_text("x")
    assert describe(f"file://{folder}/a%20b.txt").digest == sha256(b"x")
