"""Runs come from a spool to their store whole, once, and proven; and never leave the spool before that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtop.errors import NoStoreError
from labtop.model.run import Artifact, RunRecord, Status
from labtop.store import arrival
from labtop.store.files import Files
from labtop.store.layout import METRICS, RECORD, new_run_id, run_folder, run_folders
from labtop.store.live import read_record_live
from labtop.store.reader import read_points, read_record
from labtop.store.record_file import write_record
from labtop.store.spool import NOTE, note_destination, spooled_folder
from labtop.store.syncing import Synced, sync_spool, waiting_runs
from labtop.store.transfer import copy_proven
from labtop.store.writer import RunWriter
from tests.store.runs import Killed, new_record, new_writer, seal_now


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where runs wait."""
    return tmp_path / "spool"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where they belong."""
    return tmp_path / "runs"


def begin(spool: Path, store: Path, record: RunRecord | None = None) -> tuple[RunWriter, Path]:
    """A living run in the spool."""
    record = record or new_record()
    writer = new_writer(spool, record)
    folder = run_folder(spool, record.project, record.id)
    note_destination(folder, store)
    return writer, folder


def log(writer: RunWriter, first: int, end: int) -> None:
    """Points whose values are their steps."""
    for step in range(first, end):
        writer.append(float(step), step, {"a": float(step), "b": -float(step)})


def spooled_run(spool: Path, store: Path, points: int = 5) -> Path:
    """A run that has ended, with a file of each kind."""
    writer, folder = begin(spool, store)
    log(writer, 0, points)
    (folder / "output.log").write_text("hello\n")
    (folder / "code/untracked/.ci").mkdir(parents=True)
    (folder / "code/untracked/.ci/run").write_text("true\n")
    (folder / "artifacts").mkdir()
    (folder / "artifacts/model.pt").write_bytes(os.urandom(3000))
    assert writer.close()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run but what belongs to the spool."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file() and each.name not in (NOTE, arrival.MEMORY)
    }


def sync(spool: Path, **options: Any) -> list[Synced]:
    """All at once."""
    return list(sync_spool(spool, **options))


def steps_of(folder: Path) -> list[float]:
    """Steps of the metric `a` in logged order; each point once, or this fails."""
    points, problems = read_points(folder)
    assert problems == ()
    assert len({(each.writer, each.seq) for each in points}) == len(points)
    return [each.step for each in points if each.name == "a"]


def test_runs_move_whole(spool: Path, store: Path) -> None:
    """Every byte is in the store under the same names, and nothing is left in the spool."""
    folders = [spooled_run(spool, store) for _ in range(3)]
    before = {each.name: content(each) for each in folders}
    done = sync(spool)
    assert [(each.state, each.problems) for each in done] == [("moved", ())] * 3
    assert {each.name: content(each) for each in run_folders(store)} == before
    assert list(run_folders(spool)) == []
    assert [each.name for each in (spool / "p").iterdir()] == []
    assert [each.name[0] for each in (store / "p").iterdir() if each.name.startswith(".")] == []
    assert all(each.files == 5 and each.bytes > 3000 for each in done)
    assert sync(spool) == []


def test_runs_may_stay(spool: Path, store: Path) -> None:
    """With `keep` they are copied once; the second time nothing is to be done."""
    folder = spooled_run(spool, store)
    first, second = sync(spool, keep=True), sync(spool, keep=True)
    assert (first[0].state, second[0].state, second[0].files) == ("copied", "copied", 0)
    assert content(folder) == content(store / "p" / folder.name)
    assert waiting_runs(spool) == []
    assert sync(spool)[0].state == "moved"


def test_a_living_run_is_brought_as_far_as_it_is(spool: Path, store: Path) -> None:
    """Again and again, through seals; the reader of the store sees each point once and exact summaries."""
    writer, folder = begin(spool, store)
    home = store / "p" / folder.name
    for at in range(6):
        log(writer, 10 * at, 10 * at + 10)
        if at % 2:
            writer.flush()
        if at in (2, 4):
            seal_now(writer)
        assert [each.state for each in sync(spool)] == ["so far"]
        assert steps_of(home) == [float(step) for step in range(10 * at + 10)]
        live = read_record_live(home)
        assert live.metrics["a"].count == 10 * at + 10
        assert live.metrics["a"].last == 10 * at + 9
    assert waiting_runs(spool) == [folder]
    writer.close()
    assert [each.state for each in sync(spool)] == ["moved"]
    assert steps_of(home) == [float(step) for step in range(60)]
    assert not list(home.glob("metrics/*.wal"))
    assert read_record(home).metrics["a"].count == 60
    assert read_record(home).status is Status.FINISHED


def test_a_log_that_was_begun_anew_doubles_nothing(spool: Path, store: Path) -> None:
    """The log that was synced is gone from the spool; its points are in another one now."""
    writer, folder = begin(spool, store)
    log(writer, 0, 10)
    sync(spool)
    writer._upkeep.tail.trouble = OSError("broken")
    writer.flush()
    log(writer, 10, 20)
    sync(spool)
    home = store / "p" / folder.name
    assert [each.name[-9:] for each in home.glob("metrics/*")] == ["00002.wal"]
    assert steps_of(home) == [float(step) for step in range(20)]
    writer.close()


def interrupted_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the process die before the given step of a sync; gives the steps as they happen."""
    happened: list[str] = []

    def deadly(place: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(place, name)

        def step(*arguments: Any, **keywords: Any) -> Any:
            if len(happened) == number:
                raise Killed
            happened.append(name)
            return real(*arguments, **keywords)

        monkeypatch.setattr(place, name, step)

    deadly(arrival, "copy_proven")
    deadly(arrival, "replace_file")
    deadly(Path, "rename")
    deadly(shutil, "rmtree")
    return happened


def test_a_sync_that_dies_anywhere_is_taken_up(spool: Path, store: Path) -> None:
    """Before any of its steps: the store has the run whole or not at all, and the next sync ends it."""
    for number in range(100):
        folder = spooled_run(spool / str(number), store)
        before = content(folder)
        home = store / "p" / folder.name
        with pytest.MonkeyPatch.context() as patch:
            happened = interrupted_at(number, patch)
            try:
                sync(spool / str(number))
            except Killed:
                pass
        if home.exists():
            assert content(home) == before
        else:
            assert content(folder) == before
        sync(spool / str(number))
        assert content(home) == before
        assert list(run_folders(spool / str(number))) == []
        assert [each.name for each in (spool / str(number) / "p").iterdir()] == []
        if len(happened) < number:
            break
    else:
        pytest.fail("no clean pass")
    assert number > 8
    assert {"copy_proven", "replace_file", "rename", "rmtree"} == set(happened)


def test_what_was_copied_is_not_copied_again(
    spool: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that died late goes on with the files that are left."""
    spooled_run(spool, store)
    with pytest.MonkeyPatch.context() as patch:
        interrupted_at(3, patch)
        with pytest.raises(Killed):
            sync(spool)
    copied: list[str] = []
    real = copy_proven

    def counting(source: Path, *arguments: Any, **keywords: Any) -> str:
        copied.append(source.name)
        return real(source, *arguments, **keywords)

    monkeypatch.setattr(arrival, "copy_proven", counting)
    assert sync(spool)[0].state == "moved"
    assert len(copied) == 1


_SYNC = "import sys; from labtop.cli.main import main; main(sys.argv[1:])"


def test_several_processes_sync_at_once(spool: Path, store: Path) -> None:
    """Each run arrives once, each process says that all went well."""
    folders = [spooled_run(spool, store, points=200) for _ in range(4)]
    before = {each.name: content(each) for each in folders}
    command = [sys.executable, "-c", _SYNC, "sync", str(spool), "--format", "jsonl"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for each in running:
        out, err = each.communicate(timeout=120)
        assert each.returncode == 0, (out, err)
    assert {each.name: content(each) for each in run_folders(store)} == before
    assert list(run_folders(spool)) == []
    assert not list(store.glob("p/.*"))


def test_a_run_that_another_sync_moved_since_it_was_listed_is_moved(spool: Path, store: Path) -> None:
    """The other sync comes between the listing and the look at the second run."""
    for _ in range(2):
        spooled_run(spool, store)
    ours = sync_spool(spool)
    states = [next(ours).state]
    assert [each.state for each in sync(spool)] == ["moved"]
    assert [*states, *(each.state for each in ours)] == ["moved", "moved"]


def test_a_copy_that_reads_back_wrong_is_not_published(
    spool: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's disk said that it wrote, and wrote something else: the run stays in the spool."""
    folder = spooled_run(spool, store)
    before = content(folder)
    real = os.write
    monkeypatch.setattr(Files, "write", staticmethod(lambda fd, data: real(fd, bytes(len(data)))))
    (done,) = sync(spool)
    assert done.state == "failed"
    assert "did not read back" in done.problems[0]
    monkeypatch.undo()
    assert not (store / "p" / folder.name / RECORD).exists() or sync(spool)[0].state == "moved"
    sync(spool)
    assert content(store / "p" / folder.name) == before


def test_a_damaged_part_is_brought_and_named(spool: Path, store: Path) -> None:
    """What is damaged in the spool stays there too."""
    folder = spooled_run(spool, store, points=2000)
    (part,) = (folder / METRICS).iterdir()
    damaged = bytearray(part.read_bytes())
    damaged[len(damaged) // 3] ^= 1
    part.write_bytes(damaged)
    (done,) = sync(spool)
    assert done.state == "failed"
    assert "damaged" in done.problems[0]
    assert folder.exists()
    assert read_record(store / "p" / folder.name).status is Status.FINISHED


def test_a_store_that_is_not_mounted_is_not_made(spool: Path, tmp_path: Path) -> None:
    """Its parent is missing: nothing is written there; `to` names another."""
    folder = spooled_run(spool, tmp_path / "mnt/cluster/runs")
    (done,) = sync(spool)
    assert done.state == "failed"
    assert "is it mounted" in done.problems[0]
    assert not (tmp_path / "mnt").exists()
    assert folder.exists()
    assert sync(spool, to=tmp_path / "other")[0].state == "moved"


def test_runs_without_a_note_need_a_store_and_stay(spool: Path, store: Path) -> None:
    """A store is no spool: what was recorded there on purpose is copied, never removed."""
    folder = spooled_run(spool, store)
    (folder / NOTE).unlink()
    assert "--to" in sync(spool)[0].problems[0]
    assert sync(spool, to=store)[0].state == "copied"
    assert folder.exists()
    assert sync(spool, to=spool)[0].state == "failed"
    with pytest.raises(NoStoreError):
        sync(spool / "nowhere")


def test_links_and_pipes_are_not_followed(spool: Path, store: Path, tmp_path: Path) -> None:
    """They are named, and the run stays."""
    folder = spooled_run(spool, store)
    (tmp_path / "secret").write_text("secret")
    (folder / "artifacts/link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "artifacts/pipe")
    (done,) = sync(spool)
    assert done.state == "failed"
    assert len(done.problems) == 2
    assert sorted(each.name for each in (store / "p" / folder.name / "artifacts").iterdir()) == ["model.pt"]
    assert folder.exists()


def test_a_run_that_goes_on_in_the_spool(spool: Path, store: Path) -> None:
    """Begun in the store, resumed offline: points side by side, the newer record, and both artifacts of one name."""
    record = new_record()
    first = new_writer(store, record)
    home = run_folder(store, "p", record.id)
    log(first, 0, 10)
    (home / "artifacts").mkdir()
    (home / "artifacts/model.pt").write_bytes(b"first")
    first.close()
    known = read_record(home)
    artifacts = tuple(
        Artifact(name="model.pt", path="artifacts/model.pt", sha256=word) for word in ("1", "2")
    )
    taken_up = replace(known, status=Status.RUNNING, ended_at=None, artifacts=artifacts[1:])
    second, folder = begin(spool, store, taken_up)
    (folder / "artifacts").mkdir()
    (folder / "artifacts/model.pt").write_bytes(b"second")
    log(second, 10, 20)
    second.flush()
    assert sync(spool)[0].state == "so far"
    log(second, 20, 25)
    second.close()
    assert sync(spool)[0].state == "moved"
    assert steps_of(home) == sorted(steps_of(home)) or len(steps_of(home)) == 25
    assert sorted(steps_of(home)) == [float(step) for step in range(25)]
    assert read_record(home).metrics["a"].count == 25
    assert (home / "artifacts/model.pt").read_bytes() == b"first"
    path = read_record(home).artifacts[0].path
    assert path is not None
    assert path != "artifacts/model.pt"
    assert (home / path).read_bytes() == b"second"


def test_a_record_that_is_behind_takes_no_newer_one_s_place(spool: Path, store: Path) -> None:
    """The run went on in the store meanwhile: an old spool adds nothing but what is missing."""
    folder = spooled_run(spool, store)
    sync(spool, keep=True)
    home = store / "p" / folder.name
    later = read_record(home)
    beat = later.life.beat
    assert beat is not None
    later = replace(later, name="later", life=replace(later.life, beat=replace(beat, counter=999)))
    write_record(home, later)
    (folder / "artifacts/late.txt").write_text("late")
    assert sync(spool)[0].state == "moved"
    assert read_record(home).name == "later"
    assert (home / "artifacts/late.txt").read_text() == "late"


def test_two_records_that_know_nothing_of_each_other_are_told(spool: Path, store: Path) -> None:
    """One id was used twice: all points are kept, and no record is lost."""
    record = new_record()
    here = new_writer(store, record)
    log(here, 0, 3)
    here.close()
    there, folder = begin(spool, store, record)
    for _ in range(9):
        there.flush()
    log(there, 3, 5)
    there.close()
    (done,) = sync(spool)
    assert done.state == "failed"
    assert "goes on differently" in done.problems[0]
    assert len(steps_of(run_folder(store, "p", record.id))) == 5
    assert (folder / RECORD).exists()


def test_ranks_on_several_machines_meet_in_one_run(tmp_path: Path, store: Path) -> None:
    """Each has a spool of its own, and only one has the record."""
    record = new_record()
    for rank in range(3):
        spool = tmp_path / f"node{rank}"
        writer = new_writer(spool, record, owns_record=rank == 0)
        folder = run_folder(spool, "p", record.id)
        note_destination(folder, store)
        log(writer, 0, 4)
        writer.close()
    for rank in (2, 0, 1):
        (done,) = sync(tmp_path / f"node{rank}")
        assert done.problems == ()
    home = run_folder(store, "p", record.id)
    assert len(steps_of(home)) == 12
    assert read_record(home).metrics["a"].count == 4


def test_a_part_that_differs_in_the_store_is_left_alone(spool: Path, store: Path) -> None:
    """Neither copy is thrown away; fsck tells which is good."""
    folder = spooled_run(spool, store)
    sync(spool, keep=True)
    home = store / "p" / folder.name
    (part,) = home.glob("metrics/*.parquet")
    part.write_bytes(part.read_bytes()[:-50])
    (folder / arrival.MEMORY).unlink()
    (done,) = sync(spool)
    assert done.state == "failed"
    assert "fsck" in done.problems[0]
    assert folder.exists()


def test_a_run_that_changes_while_it_leaves_comes_back(
    spool: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that appears at the last moment is not removed unproven."""
    folder = spooled_run(spool, store)
    proven = arrival.Arrival.is_proven

    def late(self: arrival.Arrival) -> bool:
        (self.folder / "artifacts/late.txt").write_text("late")
        return proven(self)

    monkeypatch.setattr(arrival.Arrival, "is_proven", late)
    assert sync(spool)[0].state == "copied"
    assert (folder / "artifacts/late.txt").exists()
    monkeypatch.undo()
    assert sync(spool)[0].state == "moved"
    assert (store / "p" / folder.name / "artifacts/late.txt").exists()


def test_a_run_whose_process_died_moves_once_its_log_is_sealed(spool: Path, store: Path) -> None:
    """Until then its points are in the store, and it stays."""
    record = new_record()
    process = record.life.process
    assert process is not None
    dead = replace(record, life=replace(record.life, process=replace(process, boot_id="another")))
    writer, folder = begin(spool, store, dead)
    log(writer, 0, 5)
    writer.flush()
    assert sync(spool)[0].state == "copied"
    seal_now(writer)
    writer._upkeep.tail.wal.discard()
    assert sync(spool)[0].state == "moved"
    assert steps_of(store / "p" / folder.name) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_run_that_has_nothing_yet_waits(spool: Path, store: Path) -> None:
    """Its folder was made a moment ago."""
    spooled_folder(spool, "p", new_run_id(), store)
    assert sync(spool)[0].state == "so far"
    assert list(run_folders(store)) == []
