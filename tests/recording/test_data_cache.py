"""A folder is read once: what is remembered of a file counts only while it surely is as it was."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from labtop.recording.capture import content as content_module
from labtop.recording.capture.content import Changing, Content, read_content
from labtop.recording.capture.folder_content import folder_sha256, read_folder
from labtop.recording.capture.hash_cache import HashCache


class Reads:
    """Counts the files that are really read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        real = read_content

        def counted(path: Path, *arguments: object) -> Content:
            self.paths.append(path.name)
            return real(path, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr("labtop.recording.capture.folder_content.read_content", counted)

    def taken(self) -> list[str]:
        """What was read since the last time."""
        paths, self.paths = sorted(self.paths), []
        return paths


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def settled(folder: Path) -> Path:
    """Three files that nobody has touched for an hour."""
    for name in ("a.txt", "b.txt", "sub/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
        an_hour_ago = time.time() - 3600
        os.utime(folder / name, (an_hour_ago, an_hour_ago))
    return folder


def digest(folder: Path, cache: Path, md5: bool = False) -> str:
    """As use_data does it."""
    return folder_sha256(read_folder(folder, md5, HashCache(cache, folder)))


def test_a_folder_is_not_read_twice(tmp_path: Path, reads: Reads) -> None:
    """And gives the same; only what changed is read again."""
    folder, cache = settled(tmp_path / "data"), tmp_path / "cache"
    first = digest(folder, cache)
    assert reads.taken() == ["a.txt", "b.txt", "c.txt"]
    assert digest(folder, cache) == first
    assert reads.taken() == []
    (folder / "b.txt").write_text("other")
    assert digest(folder, cache) != first
    assert reads.taken() == ["b.txt"]


def test_a_file_put_back_in_time_is_read_again(tmp_path: Path, reads: Reads) -> None:
    """Size and time can be what they were, and the content another: the time of the status tells."""
    folder, cache = settled(tmp_path / "data"), tmp_path / "cache"
    first, before = digest(folder, cache), (folder / "a.txt").stat()
    (folder / "a.txt").write_text("A.TXT")
    while (folder / "a.txt").stat().st_mtime_ns != before.st_mtime_ns or (
        (folder / "a.txt").stat().st_ctime_ns == before.st_ctime_ns  # within one tick of a coarse clock
    ):
        os.utime(folder / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    reads.taken()
    assert digest(folder, cache) != first
    assert reads.taken() == ["a.txt"]


def test_a_file_that_was_just_written_is_not_trusted(tmp_path: Path, reads: Reads) -> None:
    """It may be written once more within the same tick of the clock."""
    folder, cache = settled(tmp_path / "data"), tmp_path / "cache"
    (folder / "new.txt").write_text("1")
    soon = time.time() + 60  # however slow this machine is
    os.utime(folder / "new.txt", (soon, soon))
    digest(folder, cache)
    reads.taken()
    digest(folder, cache)
    assert reads.taken() == ["new.txt"]


def test_md5_is_read_once_it_is_wanted(tmp_path: Path, reads: Reads) -> None:
    """A cache without it does not serve."""
    folder, cache = settled(tmp_path / "data"), tmp_path / "cache"
    digest(folder, cache)
    reads.taken()
    digest(folder, cache, md5=True)
    assert len(reads.taken()) == 3
    digest(folder, cache, md5=True)
    assert reads.taken() == []


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xff", b"\x93\x01\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x81\xa1x\x01"]
)
def test_a_damaged_cache_is_none(tmp_path: Path, reads: Reads, damage: bytes) -> None:
    """It is read anew and written anew."""
    folder, cache = settled(tmp_path / "data"), tmp_path / "cache"
    first = digest(folder, cache)
    (file,) = cache.iterdir()
    file.write_bytes(damage)
    assert digest(folder, cache) == first
    reads.taken()
    digest(folder, cache)
    assert reads.taken() == []


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    """Not even a word."""
    folder = settled(tmp_path / "data")
    (tmp_path / "file").write_text("")
    assert digest(folder, tmp_path / "file/cache") == folder_sha256(read_folder(folder))


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is read again; one that always changes has no content."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"1" * 10)
    real, changes = content_module._read, [True]

    def read(read: object, *arguments: object) -> Content:
        found = real(read, *arguments)  # type: ignore[arg-type]
        if changes and changes[-1]:
            path.write_bytes(b"2" * (path.stat().st_size + 1))
        if len(changes) > 1:
            changes.pop()
        return found

    changes[:] = [False, True]
    monkeypatch.setattr(content_module, "_read", read)
    assert read_content(path).bytes == 11
    changes[:] = [True]
    with pytest.raises(Changing, match=r"x\.bin changes while it is read"):
        read_content(path)


def test_a_file_that_goes_away_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is looked at again."""
    folder = settled(tmp_path / "data")
    lock = threading.Lock()
    real = read_content

    def read(path: Path, *arguments: object) -> Content:
        with lock:
            (folder / "b.txt").unlink(missing_ok=True)
        return real(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("labtop.recording.capture.folder_content.read_content", read)
    assert sorted(read_folder(folder)) == ["a.txt", "sub/c.txt"]
