"""Runs that go on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import labtop
from labtop.errors import AmbiguousRunError, InputError, UsageError
from labtop.model.run import Status
from labtop.store.layout import FORMAT
from labtop.store.reader import read_points, read_record
from labtop.store.record_file import write_record
from tests.recording.conftest import RunScript, only_record, records


def test_a_finished_run_goes_on(folder: Path) -> None:
    """Same folder, a new writer, steps and parameters continued."""
    with labtop.init(config={"lr": 0.1, "width": 4}, tags=["a"]) as first:
        first.log({"x": 1.0})
        first.log({"x": 2.0})
    with labtop.init(id=first.id, resume="must", config={"lr": 0.2}, tags=["b"]) as second:
        assert second.resumed
        assert dict(second.config) == {"lr": 0.2, "width": 4}
        second.log({"x": 3.0})
    record = only_record(folder / "runs")
    points, _ = read_points(second.folder)
    assert second.folder == first.folder
    assert [(point.step, point.value) for point in sorted(points, key=lambda p: p.step)] == [
        (0, 1),
        (1, 2),
        (2, 3),
    ]
    assert len({point.writer for point in points}) == 2
    assert (record.status, record.metrics["x"].count, record.metrics["x"].first) == (Status.FINISHED, 3, 1.0)
    assert record.life.tags == ("a", "b")
    assert record.life.resumed_from is not None
    assert record.life.resumed_from.startswith("finished at step 1")


def test_a_resumed_run_is_running_again(folder: Path) -> None:
    """Its end is taken back."""
    with pytest.raises(ValueError, match="no"), labtop.init() as first:
        raise ValueError("no")
    second = labtop.init(resume=first.id)
    second.log({"x": 1.0})
    second.summary["y"] = 1
    _ = second.summary["x"]  # flushes
    record = read_record(second.folder)
    assert (record.status, record.ended_at, record.life.error, record.life.exit_code) == (
        Status.RUNNING,
        None,
        None,
        None,
    )
    assert record.started_at is not None


def test_a_killed_run_goes_on_after_its_last_point(folder: Path, run_script: RunScript) -> None:
    """Also where the record had not caught up; no point is lost or doubled."""
    code = (
        "import os, labtop; labtop.init(); [labtop.log({'x': i}) for i in range(20)]; os.kill(os.getpid(), 9)"
    )
    run_script(code)
    (killed,) = records(folder / "runs")
    with labtop.init(resume=True, project=killed.project) as run:
        assert run.id == killed.id
        run.log({"x": 20.0})
    points, problems = read_points(run.folder)
    assert sorted((point.step, point.value) for point in points) == [(i, i) for i in range(21)]
    assert not problems


def test_resume_true_without_an_unfinished_run_begins_one(folder: Path) -> None:
    """Finished runs are left alone."""
    with labtop.init() as first:
        pass
    with labtop.init(resume=True) as second:
        assert second.id != first.id
        assert not second.resumed


def test_must_needs_the_run(folder: Path) -> None:
    """And says which was missing."""
    with pytest.raises(InputError, match="no run nothere"):
        labtop.init(id="nothere", resume="must")


def test_never_refuses_a_run_that_is_there(folder: Path) -> None:
    """Nothing is written to it."""
    with labtop.init() as first:
        pass
    before = (first.folder / "run.parquet").read_bytes()
    with pytest.raises(InputError, match="there already"):
        labtop.init(id=first.id, resume="never")
    assert (first.folder / "run.parquet").read_bytes() == before


def test_allow_with_any_text_as_id(folder: Path) -> None:
    """Other trackers take any text; the same text finds the same run, and names it."""
    with labtop.init(id="my experiment/1", resume="allow") as first:
        first.log({"x": 1.0})
    with labtop.init(id="my experiment/1", resume="allow") as second:
        assert (second.id, second.resumed, second.name) == (first.id, True, "my experiment/1")


def test_a_prefix_names_a_run(folder: Path) -> None:
    """As everywhere."""
    with labtop.init() as first:
        pass
    with labtop.init(resume=first.id[:6]) as second:
        assert second.id == first.id


def test_an_ambiguous_prefix_lists_the_runs(folder: Path) -> None:
    """Nothing is guessed."""
    for run_id in ("aaaabbbbcc", "aaaabbbbdd"):
        labtop.init(id=run_id).finish()
    with pytest.raises(AmbiguousRunError, match="aaaabbbbcc, aaaabbbbdd"):
        labtop.init(resume="aaaa")


def test_two_ids_are_an_error(folder: Path) -> None:
    """resume= and id= must agree."""
    with pytest.raises(UsageError, match="two runs"):
        labtop.init(resume="aaaabbbbcc", id="aaaabbbbdd")


def test_a_run_of_a_newer_format_is_not_gone_on_with(folder: Path) -> None:
    """What this labtop does not know would be lost by writing the record again: not a byte of the run changes."""
    with labtop.init() as first:
        first.log({"x": 1.0})
    write_record(first.folder, replace(read_record(first.folder), format=FORMAT + 1))
    before = {each: each.read_bytes() for each in first.folder.rglob("*") if each.is_file()}
    with pytest.raises(InputError, match="newer labtop"):
        labtop.init(id=first.id, resume="allow")
    assert {each: each.read_bytes() for each in first.folder.rglob("*") if each.is_file()} == before


def test_a_rank_writes_no_run_of_a_newer_format_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of several processes it says so too, and does not take the record for a damaged one."""
    with labtop.init() as first:
        first.log({"x": 1.0})
    write_record(first.folder, replace(read_record(first.folder), format=FORMAT + 1))
    before = (first.folder / "run.parquet").read_bytes()
    for name, value in {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "TORCHELASTIC_RUN_ID": "j",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="newer labtop"):
        labtop.init(id=first.id, resume="allow")
    assert (first.folder / "run.parquet").read_bytes() == before


def test_goals_live_through_a_resume(folder: Path) -> None:
    """They are part of the summaries."""
    with labtop.init() as first:
        first.define_metric("acc", goal="max")
        first.log({"acc": 1.0})
    with labtop.init(resume=first.id) as second:
        second.log({"acc": 2.0})
    assert only_record(folder / "runs").metrics["acc"].goal == "max"


def test_a_run_that_still_lives_keeps_its_record(folder: Path, run_script: RunScript) -> None:
    """Two processes, one run: both write points, one owns the record."""
    first = labtop.init(config={"owner": "first"})
    first.log({"x": 1.0})
    first.summary.get("x")  # the record is on the disk now
    code = f"import labtop; labtop.init(resume={first.id!r}, config={{'owner': 'second'}}); labtop.log({{'x': 2.0}})"
    done = run_script(
        code, LABTOP_STORE=str(folder / "runs"), LABTOP_CAPTURE_OUTPUT=os.environ.get("NONE", "false")
    )
    assert done.returncode == 0, done.stderr
    first.finish()
    points, _ = read_points(first.folder)
    assert len({point.writer for point in points}) == 2
    assert only_record(folder / "runs").params == {"owner": "first"}
