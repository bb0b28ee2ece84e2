"""`labtop run` as a real process: with pipes, with files, and on a real pty."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labtop.model.run import RunRecord
from labtop.store.layout import run_folders
from labtop.store.reader import read_record
from tests.terminal import Terminal

PATIENCE_S = 60.0
RunLine = Callable[..., "subprocess.CompletedProcess[bytes]"]
OpenLine = Callable[..., Terminal]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    return tmp_path


@pytest.fixture
def line(folder: Path) -> RunLine:
    """Runs `labtop run WORDS…` with pipes."""

    def run(*words: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "labtop", "run", *words],
            input=stdin,
            capture_output=True,
            timeout=PATIENCE_S,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture
def on_terminal(folder: Path) -> Iterator[OpenLine]:
    """Opens a terminal in which `labtop run WORDS…` runs, in the test's folder."""
    opened: list[Terminal] = []
    begin = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"

    def start(*words: str, columns: int = 80, rows: int = 24) -> Terminal:
        command = ("-c", begin, str(folder), "-m", "labtop", "run", *words)
        terminal = Terminal(*command, columns=columns, rows=rows)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()


def record_of(folder: Path) -> RunRecord:
    """The record of the one run in the folder's store."""
    (home,) = run_folders(folder / "runs")
    return read_record(home)


def output_of(folder: Path) -> str:
    """What was kept of its output."""
    (home,) = run_folders(folder / "runs")
    return (home / "output.log").read_text()
