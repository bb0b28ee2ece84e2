"""`labtop sync` as people use it: what it says, its exit codes, and the function that gives the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import labtop
from labtop.settings import Settings, spool_folder
from labtop.store.layout import run_folder, run_folders
from labtop.store.spool import note_destination
from tests.cli.test_main import lines_of
from tests.command import labtop as command
from tests.store.runs import new_record, new_writer


def spooled_run(spool: Path, store: Path) -> str:
    """A run that has ended and waits."""
    record = new_record()
    writer = new_writer(spool, record)
    note_destination(run_folder(spool, record.project, record.id), store)
    writer.append(0.0, 0, {"a": 1.0})
    writer.close()
    return record.id


def test_sync_says_what_it_did(tmp_path: Path) -> None:
    """A row a run on stdout, a sentence on stderr; 0 when all is well, also when nothing waits."""
    spool = spool_folder(Settings())
    nothing = command("sync")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing waits" in nothing.stderr
    run_id = spooled_run(spool, tmp_path / "runs")
    done = command("sync", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    (row,) = lines_of(done.stdout)
    assert (row["run"], row["state"], row["store"]) == (run_id, "moved", str(tmp_path / "runs"))
    assert "1 moved" in done.stderr
    assert [each.name for each in run_folders(tmp_path / "runs")] == [run_id]


def test_what_cannot_be_brought_is_told(tmp_path: Path) -> None:
    """Exit code 3, the reason in the table, the run still in the spool."""
    run_id = spooled_run(tmp_path / "spool", tmp_path / "not/mounted/runs")
    done = command("sync", tmp_path / "spool")
    assert done.returncode == 3
    assert "is it mounted" in done.stdout
    assert [each.name for each in run_folders(tmp_path / "spool")] == [run_id]
    assert command("sync", tmp_path / "nowhere").returncode == 3


def test_the_function_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes the same arguments."""
    assert labtop.sync() == []
    run_id = spooled_run(tmp_path / "spool", tmp_path / "runs")
    monkeypatch.setenv("LABTOP_SPOOL", str(tmp_path / "spool"))
    (done,) = labtop.sync(to=tmp_path / "other", keep=True)
    assert (done.run_id, done.state, done.store) == (run_id, "copied", tmp_path / "other")
    assert labtop.sync()[0].state == "moved"
