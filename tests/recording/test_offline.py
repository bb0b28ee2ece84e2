"""Runs that cannot be, or shall not yet be, in their store: they wait in a spool and say so."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import pytest

import labtop
from labtop.settings import Settings, spool_folder
from labtop.store.layout import METRICS, create_store
from labtop.store.reader import read_points, read_record
from labtop.store.spool import destination_of
from tests.recording.conftest import only_record
from tests.store.runs import wait_for


def test_offline_runs_go_to_the_spool(folder: Path) -> None:
    """They note where they belong; the store is not touched."""
    with labtop.init(mode="offline", project="p") as run:
        run.log({"x": 1.0})
        run.log_artifact("a\nb", name="notes")
    assert not (folder / "runs").exists()
    assert run.folder.parent.parent == spool_folder(Settings())
    assert destination_of(run.folder) == folder / "runs"
    assert only_record(spool_folder(Settings())).artifacts[0].path == "artifacts/notes.txt"


def test_the_spool_can_be_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node's own disk, for a job on a cluster."""
    monkeypatch.setenv("LABTOP_SPOOL", str(folder / "scratch"))
    monkeypatch.setenv("LABTOP_MODE", "offline")
    with labtop.init(store=folder / "far/away") as run:
        run.log({"x": 1.0})
    assert run.folder.parent.parent == folder / "scratch"
    assert destination_of(run.folder) == folder / "far/away"


def test_going_on_offline_with_a_run_of_the_store(folder: Path) -> None:
    """Its record is taken up, its points stay where they are."""
    with labtop.init(project="p", config={"lr": 0.1}) as run:
        run.log({"x": 1.0})
        run.log({"x": 3.0})
    with labtop.init(mode="offline", project="p", id=run.id, resume="must") as again:
        assert again.step == 2
        again.log({"x": 5.0})
    assert again.folder == spool_folder(Settings()) / "p" / run.id
    record = read_record(again.folder)
    assert (record.params["lr"], record.metrics["x"].count, record.metrics["x"].mean) == (0.1, 3, 3.0)
    assert read_record(run.folder).metrics["x"].count == 2
    with labtop.init(mode="offline", project="p", id=run.id, resume="must") as third:
        assert third.step == 3


def test_a_store_of_a_newer_format_is_not_written_to(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Training goes on; the run waits in the spool."""
    (folder / "runs").mkdir()
    (folder / "runs/labtop.json").write_text('{"format": 99, "store_id": "x"}')
    with labtop.init() as run:
        run.log({"x": 1.0})
    assert "format 99" in caplog.text
    assert "labtop sync" in caplog.text
    assert [each.name for each in (folder / "runs").iterdir()] == ["labtop.json"]
    assert destination_of(run.folder) == folder / "runs"


def test_a_spool_that_cannot_be_written_gives_way_to_the_temporary_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And when that cannot be either, training goes on unrecorded; it is said each time. strict raises."""
    (folder / "spool").write_text("in the way")
    (folder / "tmp").mkdir()
    monkeypatch.setenv("LABTOP_SPOOL", str(folder / "spool"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    with labtop.init(mode="offline") as run:
        run.log({"x": 1.0})
    assert folder / "tmp" in run.folder.parents
    assert "cannot write to the spool" in caplog.text
    with pytest.raises(labtop.RecordingError, match="spool"):
        labtop.init(mode="offline", strict=True)
    shutil.rmtree(folder / "tmp")
    (folder / "tmp").write_text("in the way")
    caplog.clear()
    with labtop.init(mode="offline") as run:
        run.log({"x": 1.0})
    assert "not recorded" in caplog.text


def test_a_store_deleted_while_a_run_goes_on(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The run moves to the spool with what it has in memory, and the end says where it is."""
    run = labtop.init(project="p")
    for value in range(10):
        run.log({"x": float(value)})
    first = run.folder
    shutil.rmtree(folder / "runs")
    run.log({"x": 10.0})
    wait_for(lambda: run.folder != first)
    run.log({"x": 11.0})
    run.log_artifact("a\nb", name="late")
    caplog.clear()
    run.finish()
    assert run.folder == spool_folder(Settings()) / "p" / run.id
    points, problems = read_points(run.folder)
    assert problems == ()
    assert [each.value for each in points] == [float(value) for value in range(12)]
    record = read_record(run.folder)
    assert record.metrics["x"].count == 12
    assert "cannot be written to any more" in str(record.life.degraded)
    assert (run.folder / "artifacts/late.txt").exists()
    errors = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert len(errors) == 1
    assert str(run.folder) in errors[0]
    assert "labtop sync" in errors[0]
    assert not (folder / "runs").exists()


def test_a_store_that_vanishes_at_the_very_end(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was noticed before `finish`: the end itself goes to the spool."""
    run = labtop.init(project="p")
    run.log({"x": 1.0})
    shutil.rmtree(folder / "runs")
    run.finish()
    assert spool_folder(Settings()) in run.folder.parents
    assert read_record(run.folder).status == "finished"
    assert len(read_points(run.folder)[0]) == 1
    assert destination_of(run.folder) == folder / "runs"


def test_a_store_in_the_spool_s_own_format_is_one(folder: Path) -> None:
    """`labtop PATH` and all readers open a spool like any store."""
    with labtop.init(mode="offline", project="p") as run:
        run.log({"x": 1.0})
    assert len(list(labtop.open(spool_folder(Settings())).runs())) > 0
    assert (run.folder / METRICS).is_dir()
    create_store(spool_folder(Settings()))
