"""Paths that a record names: forty that must not be followed, and links, pipes and devices on the way."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from labtop.errors import InputError
from labtop.store.inside import open_inside, parse_inside, read_inside

REFUSED = [
    "", ".", "./", "/", "//", "..", "../", "../x", "a/..", "a/../b", "a/../../b", "a/../../../etc/passwd",
    "artifacts/../../run.parquet", "/etc/passwd", "//etc/passwd", "///etc/passwd", "~", "~/x", "~root/x",
    "\\etc\\passwd", "a\\..\\b", "..\\x", "C:\\x", "C:/x", "c:x", "\\\\host\\share\\x", "file:///etc/passwd",
    "file:/etc/passwd", "http://169.254.169.254/latest", "s3://bucket/x", "a\0b", "\0", "a\nb", "a\x1b]52;c;x\x07",
    "a\x7f", "artifacts/.. /x", "artifacts/ ../x", "a/.../b", "x" * 5000, "a/" * 100 + "b", "a\udc41\ud800",
    "#/../../x/../../etc/passwd", "a/./../b",
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with one file, and a secret beside it."""
    (tmp_path / "secret").write_text("secret")
    run = tmp_path / "run"
    (run / "artifacts").mkdir(parents=True)
    (run / "artifacts/model.pt").write_bytes(b"weights")
    return run


def test_there_are_forty() -> None:
    """As many as the threat's row asks for."""
    assert len(set(REFUSED)) >= 40


@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_leads_elsewhere(run: Path, path: str) -> None:
    """Refused before anything is opened."""
    with pytest.raises(InputError):
        parse_inside(path)
    with pytest.raises(InputError), open_inside(run, path):
        pass


@pytest.mark.parametrize("path", ["artifacts/model.pt", "./artifacts//model.pt", "artifacts/./model.pt"])
def test_a_path_inside(run: Path, path: str) -> None:
    """Read, however it is spelt."""
    assert read_inside(run, path, 100) == b"weights"


@pytest.mark.parametrize(
    "path", ["artifacts/%2e%2e", "artifacts/..secret", "a b/ü.txt", "artifacts/-rf", "#"]
)
def test_an_odd_name_is_only_a_name(run: Path, path: str) -> None:
    """Nothing in it is decoded or expanded."""
    target = run.joinpath(*path.split("/"))
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"x")
    assert read_inside(run, path, 10) == b"x"


def test_links_are_not_followed(run: Path) -> None:
    """Neither as the file nor as a folder on the way, also where they stay inside; one that is swapped in neither."""
    (run / "artifacts/out").symlink_to(run.parent / "secret")
    (run / "artifacts/etc").symlink_to("/etc")
    (run / "artifacts/up").symlink_to("..")
    (run / "artifacts/loop").symlink_to("loop")
    (run / "media").symlink_to(run.parent)
    for path in (
        "artifacts/out", "artifacts/etc/passwd", "artifacts/up/up/secret", "artifacts/loop", "media/secret",
        "artifacts/up/artifacts/model.pt",
    ):  # fmt: skip
        with pytest.raises(InputError), open_inside(run, path):
            pass


def test_no_pipe_device_socket_or_folder(run: Path) -> None:
    """A FIFO without a writer does not hang."""
    os.mkfifo(run / "artifacts/pipe")
    with socket.socket(socket.AF_UNIX) as server:
        place = os.open(run / "artifacts", os.O_RDONLY)
        here = os.open(".", os.O_RDONLY)
        try:
            os.fchdir(place)  # the path of a socket has a hundred characters at most
            server.bind("socket")
        finally:
            os.fchdir(here)
            os.close(place)
            os.close(here)
        for name in ("pipe", "socket"):
            with pytest.raises(InputError), open_inside(run, f"artifacts/{name}"):
                pass
    with pytest.raises(InputError), open_inside(run, "artifacts"):
        pass
    with pytest.raises(InputError), open_inside(Path("/dev"), "null"):
        pass


def test_size_and_absence(run: Path) -> None:
    """A file beyond the limit is refused before it is read; one that is not there is an OSError."""
    with pytest.raises(InputError, match="too large"):
        read_inside(run, "artifacts/model.pt", 3)
    with pytest.raises(FileNotFoundError):
        read_inside(run, "artifacts/gone", 3)
