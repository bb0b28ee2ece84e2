"""Files that a run keeps: the bytes that were there, in the run's folder and nowhere else."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path

import pytest

import labtop
from labtop.model.run import Artifact
from labtop.recording.artifacts import ArtifactFolder, safe_relative_path
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import only_record


@pytest.fixture
def place(folder: Path) -> ArtifactFolder:
    """A run's folder."""
    return ArtifactFolder(folder / "run", Redactor())


def content(place: ArtifactFolder, artifact: Artifact) -> bytes:
    """What was kept; its hash and size are checked on the way."""
    assert artifact.path is not None
    kept = (place.run_folder / artifact.path).read_bytes()
    assert (artifact.sha256, artifact.bytes) == (hashlib.sha256(kept).hexdigest(), len(kept))
    return kept


def test_a_file_through_a_run(folder: Path) -> None:
    """Copied, hashed and recorded."""
    (folder / "model.pt").write_bytes(b"weights")
    with labtop.init() as run:
        run.log_artifact("model.pt", kind="model", step=7)
        labtop.log_artifact({"a": 1}, name="numbers")
    model, numbers = only_record(folder / "runs").artifacts
    assert (model.name, model.path, model.kind, model.step, model.bytes) == (
        "model.pt",
        "artifacts/model.pt",
        "model",
        7,
        7,
    )
    assert (run.folder / "artifacts/model.pt").read_bytes() == b"weights"
    assert (numbers.name, numbers.kind) == ("numbers.json", "json")


def test_values_become_files(place: ArtifactFolder) -> None:
    """JSON, text and bytes; NaN as the contract says it."""
    (numbers,) = place.keep({"a": [1, math.nan], "b": {"c": "é"}}, "x", None, None)
    (text,) = place.keep("1,2\n3,4\n", "table.csv", "table", 3)
    (raw,) = place.keep(b"\x00\x01", "blob", None, None)
    (short,) = place.keep("good", "verdict", None, None)
    assert json.loads(content(place, numbers)) == {"a": [1, "NaN"], "b": {"c": "é"}}
    assert (content(place, text), text.kind, text.step) == (b"1,2\n3,4\n", "table", 3)
    assert (content(place, raw), raw.name) == (b"\x00\x01", "blob.bin")
    assert (content(place, short), short.name) == (b"good", "verdict.txt")


def test_a_folder_gives_its_files(place: ArtifactFolder, folder: Path) -> None:
    """Each with its relative path."""
    (folder / "plots/deep").mkdir(parents=True)
    (folder / "plots/a.png").write_bytes(b"a")
    (folder / "plots/deep/b.png").write_bytes(b"b")
    kept = place.keep(folder / "plots", None, None, None)
    assert [each.path for each in kept] == ["artifacts/plots/a.png", "artifacts/plots/deep/b.png"]


def test_the_same_name_again_keeps_both(place: ArtifactFolder) -> None:
    """Unless it is the same content."""
    first = place.keep("one\n", "model.txt", None, 1)[0]
    second = place.keep("two\n", "model.txt", None, 2)[0]
    third = place.keep("two\n", "model.txt", None, 3)[0]
    assert first.path == "artifacts/model.txt"
    assert second.path == third.path != first.path
    assert (content(place, first), content(place, second)) == (b"one\n", b"two\n")


def test_an_address_is_a_pointer(place: ArtifactFolder) -> None:
    """Nothing is fetched."""
    (artifact,) = place.keep("s3://me:pw@bucket/model.pt", None, None, None)
    assert (artifact.uri, artifact.path, artifact.name) == ("s3://bucket/model.pt", None, "model.pt")


NAMES = [
    "../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".", "", "/", "//", "a//b", "\\..\\x", "C:\\x", "a\0b",
    "~/x", "a\nb", "\x1b[31m", "-rf", ".hidden", "..hidden", "a/./b", "con", "x" * 5000, "x/" * 50 + "y", "漢" * 300,
    "a?b*c", "a:b", "name.", "name ", " ", "\u202e", "a\udcffb", "%2e%2e/x", "....//....//x", "a/..", "../",
    "#/../../x",
    "run.parquet", "metrics/x.parquet", "..\u2215x", "a|b", "$(x)`y`",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_leads_out_of_the_folder(place: ArtifactFolder, name: str) -> None:
    """Forty ways to try."""
    path = safe_relative_path(name)
    assert not path.is_absolute()
    assert ".." not in path.parts
    target = (place.run_folder / "artifacts" / path).resolve()
    assert target.is_relative_to((place.run_folder / "artifacts").resolve())
    if name:
        (kept,) = place.keep("x\n", name, None, None)
        assert content(place, kept) == b"x\n"


def test_links_that_lead_away_are_refused(place: ArtifactFolder, folder: Path) -> None:
    """Also inside of a folder; one to a neighbour is that neighbour."""
    (folder / "leak").symlink_to("/etc/passwd")
    (folder / "model-7.pt").write_bytes(b"7")
    (folder / "latest.pt").symlink_to("model-7.pt")
    (folder / "out").mkdir()
    (folder / "out/leak").symlink_to("/etc/passwd")
    (folder / "out/good").write_bytes(b"g")
    (folder / "out/same").symlink_to("good")
    with pytest.raises(OSError, match="is a link to"):
        place.keep(folder / "leak", None, None, None)
    assert content(place, place.keep(folder / "latest.pt", None, None, None)[0]) == b"7"
    assert [each.name for each in place.keep(folder / "out", None, None, None)] == ["out/good", "out/same"]


def test_pipes_and_devices_do_not_hang(place: ArtifactFolder, folder: Path) -> None:
    """They are refused at once."""
    os.mkfifo(folder / "pipe")
    for path in (folder / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            place.keep(path, None, None, None)


def test_what_cannot_be_kept_is_said_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Training goes on."""
    with labtop.init() as run:
        assert run.log_artifact("missing.pt") == ()
        assert run.log_artifact("missing.pt") == ()
        assert run.log_artifact(object(), name="x") == ()
        assert run.log_artifact({"a": 1}) == ()
    assert caplog.text.count("missing.pt") == 2  # the message names it and the system's reason does
    assert "a value needs a name" in caplog.text
    assert only_record(folder / "runs").artifacts == ()


def test_a_full_disk_leaves_no_half_artifact(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft is removed."""
    (folder / "big").write_bytes(b"x" * 100_000)
    import resource
    import signal

    with labtop.init() as run:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            kept = run.log_artifact("big")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
    assert kept == ()
    assert not [path for path in (run.folder / "artifacts").rglob("*") if path.is_file()]
