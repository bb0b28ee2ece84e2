"""Names and paths of artifacts that lead elsewhere: forty names that are given, and what can lie behind a path."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from labtop.recording.artifacts import ArtifactFolder
from labtop.recording.capture.redact import Redactor
from labtop.store.inside import read_inside

NAMES = [
    "", "/", "//", ".", "..", "../x", "../../x", "a/../../x", "a/../b", "/etc/passwd", "//etc/passwd", "///x",
    "~", "~/x", "~root/.ssh/authorized_keys", "\\x", "..\\x", "a\\..\\..\\x", "C:\\x", "C:/x", "c:x", "\\\\host\\x",
    "file:///etc/passwd", "x\0y", "\0", "a\nb", "a\rb", "\x1b]52;c;x\x07", "a\x7f", "\u202ex", "con", ".hidden",
    "...", "a/.../b", "-rf", "--", "#/../../x", "%2e%2e/x", "a?b*c", "x" * 400, "a/" * 60 + "b", "é" * 300, "\udcff",
    "run.parquet", "../run.parquet", "a/./b", " ", " /x", "x.", "x.tmp", ".x.tmp",
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactFolder:
    """A run's folder in a working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    return ArtifactFolder(tmp_path / "run", Redactor())


def everything(folder: Path) -> set[str]:
    """All files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_names_stay_inside(place: ArtifactFolder, tmp_path: Path) -> None:
    """Whatever a value or a file is called, it lies in the run's artifacts, and its path can be read back safely."""
    assert len(set(NAMES)) >= 40
    (tmp_path / "file").write_bytes(b"file")
    for name in NAMES:
        if name:
            (kept,) = place.keep(b"value", name, None, None)
            assert read_inside(place.run_folder, str(kept.path), 100) == b"value"
        (kept,) = place.keep(tmp_path / "file", name, None, None)
        assert read_inside(place.run_folder, str(kept.path), 100) == b"file"
    outside = everything(tmp_path) - {"file"}
    assert all(each.startswith("run/artifacts/") for each in outside)
    assert not any(Path(each).name.startswith(".") for each in outside)  # no draft is left


def test_sources_that_are_no_files(place: ArtifactFolder, tmp_path: Path) -> None:
    """A pipe does not hang, a device does not fill the disk, a link out of the folder is not followed."""
    outer = tmp_path.parent / f"{tmp_path.name}-outer"
    outer.mkdir()
    (outer / "secret").write_text("secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(outer / "secret")
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    for source in ("pipe", "link", "etc", "loop", "dangling", "gone", "/dev/zero", "/dev/null"):
        with pytest.raises(OSError, match=r"."):
            place.keep(Path(source), None, None, None)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good").write_text("good")
    os.mkfifo(folder / "pipe")
    (folder / "out").symlink_to(outer / "secret")
    (folder / "up").symlink_to("..")
    (folder / "inside").symlink_to("good")
    kept = place.keep(folder, None, None, None)
    assert sorted(each.name for each in kept) == ["folder/good", "folder/inside"]
    assert b"secret" not in b"".join(
        path.read_bytes() for path in place.run_folder.rglob("*") if path.is_file()
    )


def test_archives_are_files(place: ArtifactFolder, tmp_path: Path) -> None:
    """Nothing is unpacked: one that would write elsewhere is kept as it is."""
    (tmp_path / "x").write_text("x")
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.add(tmp_path / "x", arcname="../../evil")
    (kept,) = place.keep(tmp_path / "evil.tar", None, None, None)
    assert kept.path == "artifacts/evil.tar"
    assert everything(place.run_folder) == {"artifacts/evil.tar"}
    assert not (tmp_path.parent / "evil").exists()
