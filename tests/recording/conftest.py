"""A working folder outside of any repository, a git repository to record from, and scripts run as real processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labtop
from labtop.model.run import RunRecord
from labtop.store.layout import run_folders
from labtop.store.reader import read_record
from tests import script

RunScript = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> str:
    """Run git in a test's own repository."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def records(store: Path) -> list[RunRecord]:
    """The records of a store as they lie there."""
    return [read_record(folder) for folder in run_folders(store)]


def only_record(store: Path) -> RunRecord:
    """The one record of a store."""
    (record,) = records(store)
    return record


def every_byte(store: Path) -> bytes:
    """All that a store holds, Parquet also decompressed."""
    import pyarrow.parquet

    found: list[bytes] = []
    for path in sorted(store.rglob("*")):
        found.append(os.fsencode(path))
        if path.is_file():
            found.append(path.read_bytes())
            if path.suffix == ".parquet":
                found.append(repr(pyarrow.parquet.read_table(path).to_pylist()).encode())
    return b"\n".join(found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in no repository, and a light recorder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    return tmp_path


@pytest.fixture(autouse=True)
def _no_run_left() -> Iterator[None]:
    yield
    if labtop.run is not None:
        labtop.run.finish()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one commit, as the working folder."""
    top = tmp_path / "project"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    (top / "train.py").write_text("import labtop\n\nwith labtop.init() as run:\n    run.log({'loss': 1.0})\n")
    (top / "model.py").write_text("width = 8\n")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "begin")
    monkeypatch.chdir(top)
    return top


@pytest.fixture
def is_prepared() -> bool:
    """Whether a script may find libraries imported; no, where a module tests what was."""
    return True


@pytest.fixture
def run_script(is_prepared: bool) -> RunScript:
    """Runs Python text as a script of its own process, in the working folder."""

    def run(
        code: str, *arguments: str, name: str = "script.py", timeout_s: float = 60, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        (Path.cwd() / name).write_text(code)
        variables = {**os.environ, **environment}
        return script.run_script(
            name, *arguments, environment=variables, timeout_s=timeout_s, is_prepared=is_prepared
        )

    return run
