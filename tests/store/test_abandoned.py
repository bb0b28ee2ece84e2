"""Runs in a spool whose process was killed come to their store as crashed, in one sync."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.store.fsck import fsck
from labtop.store.layout import METRICS, RECORD, run_folders
from labtop.store.reader import read_points, read_record
from labtop.store.syncing import sync_spool
from labtop.store.writers import WRITERS

SCRIPT = """
import os, sys, time, labtop
run = labtop.init(project="p", mode="offline")
for step in range(100):
    run.log({"loss": float(step)})
if sys.argv[1] == "child":
    pid = os.fork()
    if pid == 0:
        run.log({"child": 1.0})
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs wait; their store is `runs` in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABTOP_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    return tmp_path / "spool"


def killed_run(spool: Path, how: str = "") -> Path:
    """A run whose process was killed while it waited."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    (folder,) = run_folders(spool)
    return folder


def make_old(folder: Path) -> None:
    """As if it had been killed five minutes ago."""
    then = time.time() - 300
    for path in (folder / RECORD, *(folder / METRICS).iterdir()):
        os.utime(path, (then, then))


def test_a_killed_run_arrives_as_crashed(spool: Path) -> None:
    """With its last points, an end, and nothing left in the spool or to be mended in the store."""
    make_old(killed_run(spool))
    assert [each.state for each in sync_spool(spool)] == ["moved"]
    (home,) = run_folders(spool.parent / "runs")
    record = read_record(home)
    assert record.status is Status.CRASHED
    assert record.metrics["loss"].count == 100
    assert record.ended_at is not None
    assert len(read_points(home)[0]) == 100
    assert not list((home / METRICS).glob("*.wal"))
    assert not list(run_folders(spool))
    assert not fsck(spool.parent / "runs").findings


def test_a_child_that_was_killed_too(spool: Path) -> None:
    """Its log is sealed, and its file says that it crashed."""
    make_old(killed_run(spool, "child"))
    assert [each.state for each in sync_spool(spool)] == ["moved"]
    (home,) = run_folders(spool.parent / "runs")
    assert {each.name for each in read_points(home)[0]} == {"loss", "child"}
    (said,) = (home / WRITERS).iterdir()
    assert b'"crashed"' in said.read_bytes()


def test_a_run_that_beat_a_moment_ago_is_waited_for(spool: Path) -> None:
    """A process that cannot be seen from here may be alive: its log is left alone until beats fail to come."""
    folder = killed_run(spool)
    assert [each.state for each in sync_spool(spool)] == ["copied"]
    assert list((folder / METRICS).glob("*.wal"))
    make_old(folder)
    assert [each.state for each in sync_spool(spool)] == ["moved"]
    assert read_record(next(run_folders(spool.parent / "runs"))).status is Status.CRASHED


def test_a_damaged_log_is_left_to_fsck(spool: Path) -> None:
    """It arrives as it is, and the run stays in the spool."""
    folder = killed_run(spool)
    (log,) = (folder / METRICS).glob("*.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    make_old(folder)
    assert [each.state for each in sync_spool(spool)] == ["copied"]
    assert log.exists()
