"""Names, identities and permissions of a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.errors import InputError, NewerFormatError, NoStoreError
from labtop.store.layout import (
    MARKER,
    create_once,
    create_store,
    is_run_id,
    is_store,
    make_folders,
    new_run_id,
    read_store_info,
    run_folders,
    safe_folder_name,
)
from tests.stores import build_store


def test_ids_are_base_32() -> None:
    """Ten lower-case characters, different each time."""
    ids = {new_run_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_run_id(each) for each in ids)


@given(st.text(), st.text())
def test_folder_names_are_safe_and_distinct(one: str, two: str) -> None:
    """Plain ASCII, one path component, never hidden or the store's own, and no two texts share one."""
    name = safe_folder_name(one)
    assert name.isascii()
    assert 0 < len(name) < 120
    assert "/" not in name
    assert name not in ("ledger", "packs", MARKER)
    assert not name.startswith(".")
    assert (one == two) == (name == safe_folder_name(two))


@pytest.mark.parametrize("name", ["digits", "my-project_2.0", "A"])
def test_plain_names_stay(name: str) -> None:
    """People find their projects by name."""
    assert safe_folder_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "ledger", "packs", "../../etc", "a/b", "\x1b[2J", "\ud800", "数字"]
)
def test_dangerous_names_are_changed(name: str, tmp_path: Path) -> None:
    """They stay inside the store."""
    folder = tmp_path / safe_folder_name(name)
    assert folder.resolve().parent == tmp_path.resolve()
    assert folder.name != name


def test_creating_twice_keeps_the_id(tmp_path: Path) -> None:
    """A store is made once."""
    assert create_store(tmp_path / "a" / "s") == create_store(tmp_path / "a" / "s")


def test_any_number_of_processes_may_create_a_store_at_once(tmp_path: Path) -> None:
    """All of them see the same identity, and no draft is left behind."""
    code = "import sys, pathlib as p; from labtop.store.layout import *; print(create_store(p.Path(sys.argv[1])))"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s")], stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    seen = {each.communicate()[0] for each in started}
    assert len(seen) == 1
    assert [each.name for each in (tmp_path / "s").iterdir()] == [MARKER]


def test_create_once_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network shares have none."""

    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert create_once(tmp_path / "x", b"1")
    assert not create_once(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_a_store_is_private_unless_shared(tmp_path: Path) -> None:
    """0700 and 0600, or what the umask allows."""
    before = os.umask(0o022)
    try:
        create_store(tmp_path / "own")
        create_store(tmp_path / "team", shared=True)
        make_folders(tmp_path / "own" / "p" / "r")
    finally:
        os.umask(before)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"own": 0o700, "team": 0o755}
    assert (tmp_path / "own" / "p").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "own" / MARKER).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "team" / MARKER).stat().st_mode & 0o777 == 0o644
    assert read_store_info(tmp_path / "team").shared


def test_a_newer_store_is_read_but_not_written(tmp_path: Path) -> None:
    """Reading says the format, making runs in it is refused."""
    (tmp_path / MARKER).write_text(json.dumps({"format": 99, "store_id": "x", "new": 1}))
    assert read_store_info(tmp_path).format == 99
    with pytest.raises(NewerFormatError, match="99"):
        create_store(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format":"x"}', b"\xff"])
def test_a_damaged_marker_is_named(content: bytes, tmp_path: Path) -> None:
    """The message has the path."""
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(InputError, match=MARKER):
        read_store_info(tmp_path)


def test_a_store_without_its_marker_is_one(tmp_path: Path) -> None:
    """Copied runs are enough; the identity comes from the place."""
    build_store(tmp_path, runs=3, points=0)
    (tmp_path / MARKER).unlink()
    assert is_store(tmp_path)
    assert read_store_info(tmp_path) == read_store_info(tmp_path)
    assert len(list(run_folders(tmp_path))) == 3


def test_an_empty_folder_is_no_store(tmp_path: Path) -> None:
    """Nor is one that does not exist."""
    assert not is_store(tmp_path)
    assert not is_store(tmp_path / "none")
    with pytest.raises(NoStoreError):
        read_store_info(tmp_path)


def test_foreign_files_are_no_runs(tmp_path: Path) -> None:
    """Hidden folders, the ledger, files and other names are passed over."""
    build_store(tmp_path, runs=1, points=0)
    for name in (
        ".git/abcdefghij",
        "ledger/abcdefghij",
        "packs/abcdefghij",
        "synth/short",
        "synth/.abcdefghi",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "synth" / "bbbbbbbbbb").write_text("a file")
    assert len(list(run_folders(tmp_path))) == 1
