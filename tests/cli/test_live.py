"""`labtop ls --live`, beside a process that really records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from labtop.cli.text_table import TextTable, on_the_point
from tests.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals as on Unix")

RECORD = """
import sys, labtop
run = labtop.init(project="live", name="writer", store=sys.argv[1])
for step, line in enumerate(sys.stdin):
    if line.strip() == "end":
        break
    run.log({"loss": float(line)}, step=step)
    print("logged", flush=True)
run.finish()
print("ended", flush=True)
"""


class Writer:
    """A process that logs when it is told to."""

    def __init__(self, store: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RECORD, str(store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str) -> None:
        """Log a value, or end; done when the process has said so."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        while self.process.stdout.readline().strip() not in ("logged", "ended"):
            assert self.process.poll() is None


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    monkeypatch.setenv("LABTOP_REFRESH_S", "0.2")
    writer = Writer(tmp_path / "runs")
    yield writer
    writer.process.kill()
    writer.process.communicate()


def test_a_program_reads_a_line_for_each_change(writer: Writer, tmp_path: Path) -> None:
    """New points and the end of a run each give a line; Ctrl-C leaves with 130."""
    writer.tell("0.5")
    reader = subprocess.Popen(
        [sys.executable, "-m", "labtop", "ls", str(tmp_path / "runs"), "--live", "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    try:
        assert _until(reader.stdout, "loss", 0.5)["status"] == "running"
        writer.tell("0.25")
        assert _until(reader.stdout, "loss", 0.25)["status"] == "running"
        writer.tell("end")
        while (run := json.loads(reader.stdout.readline()))["status"] != "finished":
            pass
        assert run["metrics"]["loss"]["last"] == 0.25
        reader.send_signal(signal.SIGINT)
        _, words = reader.communicate(timeout=60)
        assert reader.returncode == 130
        assert "Traceback" not in words
    finally:
        reader.kill()
        reader.communicate()


def test_a_terminal_shows_the_table_in_place(writer: Writer, tmp_path: Path) -> None:
    """Only what changed is written, nothing at rest, and Ctrl-C gives the screen back."""
    writer.tell("0.5")
    terminal = Terminal(
        "-m", "labtop", "ls", "--live", "--columns", "name,status,loss", str(tmp_path / "runs")
    )
    try:
        terminal.wait_for(b"running")
        terminal.settle(0.5)
        assert terminal.read(quiet=1, limit=1).data == b""
        writer.tell("0.125")
        assert b"name" not in terminal.wait_for(b"0.125")
        writer.tell("end")
        terminal.wait_for(b"finished")
        code, written = terminal.end(b"\x03")
        assert code == 130
        assert written.endswith(b"\x1b[?1049l")
    finally:
        terminal.close()


def test_a_table_needs_a_terminal(tmp_path: Path) -> None:
    """Into a pipe only lines are followed."""
    done = subprocess.run(
        [sys.executable, "-m", "labtop", "ls", "--live", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--format jsonl" in done.stderr


def test_numbers_stand_on_the_point() -> None:
    """However many digits they have on either side."""
    cells = on_the_point(["1.25", "30", "-", "0.5"])
    lines, _ = TextTable(["x"], [[each] for each in cells], [True]).lines(None, "~")
    assert lines == ["    x", " 1.25", "30", " -", " 0.5"]


def test_columns_that_do_not_fit_are_named() -> None:
    """One is always shown."""
    table = TextTable(["a", "b", "c"], [["xxxxx", "yyyyy", "z"]], [False, False, False])
    assert table.lines(12, "~") == (["a      b", "xxxxx  yyyyy"], ["c"])
    assert table.lines(3, "~")[1] == ["b", "c"]


def _until(stream: IO[str], metric: str, value: float) -> dict[str, object]:
    """The first line in which a metric has a last value."""
    while True:
        run: dict[str, object] = json.loads(stream.readline())
        metrics = run["metrics"]
        assert isinstance(metrics, dict)
        if metrics.get(metric, {}).get("last") == value:
            return run
