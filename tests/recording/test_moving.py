"""A run whose store is removed in the middle is whole in the spool: code, environment, configuration and output."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import RunRecord
from labtop.recording.capture.redact import Redactor
from labtop.recording.output import OutputLog
from labtop.settings import Settings, spool_folder
from labtop.store.fsck import fsck
from labtop.store.kept_files import kept_files
from labtop.store.layout import run_folders
from labtop.store.reader import read_points, read_record
from labtop.store.spool import MOVED, note_destination
from labtop.store.syncing import sync_spool
from tests.recording.conftest import git
from tests.store.runs import new_record, new_writer, wait_for

SCRIPT = """
import sys, labtop
with labtop.init(project="p") as run:
    run.log_artifact("gone with the store\\n", name="early.txt")
    print("before", flush=True)
    run.log({"x": 0.0})
    run.background.wait(60)
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.readline()
    run.log({"x": 1.0})
    print("after", flush=True)
    sys.stdin.readline()
    run.log({"x": 2.0})
"""


def begin(command: list[str]) -> subprocess.Popen[str]:
    """A process that has recorded its code and waits."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line == "ready\n":
            break
    return process


def go_on(process: subprocess.Popen[str]) -> None:
    """Let it end."""
    _, said = process.communicate("\n\n", timeout=60)
    assert process.returncode == 0, said


def changed(repository: Path) -> None:
    """Something for a patch, an untracked file, a lock file and a commit that is on no remote."""
    (repository / "model.py").write_text("width = 16\n")
    (repository / "notes.txt").write_text("untracked\n")
    (repository / "run.yaml").write_text("lr: 0.1\n")
    (repository / "uv.lock").write_text("version = 1\n")
    (repository / "script.py").write_text(SCRIPT)
    (repository / ".gitignore").write_text("runs\n")
    git(repository, "add", ".gitignore", "script.py", "run.yaml", "uv.lock")
    git(repository, "commit", "-q", "-m", "more")


def missing(folder: Path, record: RunRecord) -> list[str]:
    """The files that a record names and that are not there."""
    return [each.relative for each in kept_files(record) if not (folder / each.relative).is_file()]


@pytest.mark.parametrize(
    "command", [[sys.executable], [sys.executable, "-m", "labtop", "run", "--", sys.executable]]
)
def test_a_store_removed_in_the_middle(repository: Path, tmp_path: Path, command: list[str]) -> None:
    """Everything but an artifact is in the spool, which is told, and comes to a new store by one sync."""
    changed(repository)
    process = begin([*command, "script.py", "run.yaml"])
    wait_for(lambda: any((repository / "runs").glob("*/*/code/*.bundle")))
    (repository / "runs").rename(tmp_path / "away")  # at once: what lives in it goes on writing
    shutil.rmtree(tmp_path / "away")
    go_on(process)
    (folder,) = run_folders(spool_folder(Settings()))
    record = read_record(folder)
    assert record.code.patch_sha256
    assert record.code.bundle
    assert [each.path for each in record.code.untracked if each.kept] == ["notes.txt"]
    assert missing(folder, record) == ["artifacts/early.txt"]
    assert "left behind in the store that went away: artifacts/early.txt" in str(record.life.degraded)
    assert "+width = 16" in (folder / "code/patch.diff").read_text()
    assert (folder / "environment/requirements.txt").is_file()
    printed = (folder / "output.log").read_text()
    assert printed.index("before\n") < printed.index("after\n")
    assert [each.state for each in sync_spool(spool_folder(Settings()))] == ["moved"]
    (home,) = run_folders(repository / "runs")
    assert missing(home, read_record(home)) == ["artifacts/early.txt"]
    assert [each.value for each in read_points(home)[0] if each.name == "x"] == [0.0, 1.0, 2.0]
    assert [each.path for each in fsck(repository / "runs").findings] == [home / "artifacts/early.txt"]


def test_a_store_that_vanishes_before_anything_was_remembered(repository: Path) -> None:
    """Code and environment are recorded anew, and the record says so."""
    changed(repository)
    script = """
import os, shutil, labtop
from labtop.recording.moving import Moving
Moving.remember = lambda self, folder: None
run = labtop.init(project="p")
os.rename("runs", "../away")  # at once: what lives in it goes on writing
shutil.rmtree("../away")
run.log({"x": 1.0})
run.finish()
"""
    (repository / "script.py").write_text(script)
    subprocess.run([sys.executable, "script.py"], check=True, timeout=60, capture_output=True)
    (folder,) = run_folders(spool_folder(Settings()))
    record = read_record(folder)
    assert missing(folder, record) == []
    assert "recorded anew" in str(record.life.degraded)
    assert "width = 16" in (folder / "code/patch.diff").read_text()


def test_output_that_cannot_be_read_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network store hangs up: the file in the spool says what it lacks, and a sync puts the two together, once."""
    record = new_record()
    store, spool = tmp_path / "runs", tmp_path / "spool"
    for place in (store, spool):
        new_writer(place, record).close()
    folders = [next(run_folders(place)) for place in (store, spool)]
    note_destination(folders[1], store)
    log = OutputLog(folders[0] / "output.log", Redactor.build({}, ()), 10_000)
    log.take("stdout", "before\n")

    def hang_up(*_: object) -> bytes:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patched:
        patched.setattr("labtop.recording.output.read_at", hang_up)
        assert not log.move(folders[1] / "output.log")
    log.take("stdout", "after\n")
    log.close()
    assert (folders[1] / "output.log").read_bytes().startswith(MOVED)
    for _ in range(2):
        list(sync_spool(spool, keep=True))
    lines = (folders[0] / "output.log").read_text().splitlines()
    assert (lines[0], lines[1].startswith("[labtop: the store went away"), lines[2:]) == (
        "before",
        True,
        ["after"],
    )
