"""Files and rich values that processes beside the first one log: all reach the run, and none takes another's name."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import labtop
from labtop.model.run import Artifact
from labtop.store.fsck import fsck
from labtop.store.layout import run_folders
from labtop.store.syncing import sync_spool
from labtop.store.writers import WRITERS
from tests.command import labtop as command
from tests.recording.conftest import only_record
from tests.recording.test_ranks import finish, launched, start, torchrun
from tests.store.runs import wait_for

RANK = """
import os, sys, labtop
rank = int(os.environ["RANK"])
with labtop.init(project="p", store="runs") as run:
    run.log({"loss": float(rank), "note": labtop.Text(f"of {rank}")})
    run.log_artifact(f"weights of rank {rank}\\n", name="model.pt")
    run.log_artifact({"width": 8}, name="shape.json")
    print(run.id, flush=True)
"""


def seen(store: Path) -> tuple[Artifact, ...]:
    """The artifacts of the only run of a store, as a person gets to see them."""
    with labtop.open(store) as opened:
        return opened.record(next(run_folders(store)).name).artifacts


def contents(store: Path, name: str) -> list[str]:
    """What the artifacts of a name hold, in the order of the record."""
    (folder,) = run_folders(store)
    return [(folder / str(each.path)).read_text() for each in seen(store) if each.name == name]


def test_ranks_log_files_and_values(folder: Path) -> None:
    """Files of one name lie beside one another, the same content is one file, and all is in the record."""
    launched(RANK, [torchrun(rank, 3) for rank in range(3)])
    assert sorted(contents(folder / "runs", "model.pt")) == [f"weights of rank {rank}\n" for rank in range(3)]
    assert len(contents(folder / "runs", "shape.json")) == 1
    assert sorted(contents(folder / "runs", "note")) == ["of 0", "of 1", "of 2"]
    models = {each.rank: each.path for each in seen(folder / "runs") if each.name == "model.pt"}
    assert {*models} == {None, 1, 2}
    assert len({*models.values()}) == 3
    assert not fsck(folder / "runs").findings
    (run_folder,) = run_folders(folder / "runs")
    shown = command("show", run_folder.name, "--store", "runs").stdout
    assert "rank 2" in shown
    with labtop.open(folder / "runs") as store:
        note = store.value(run_folder.name, "note")
        assert isinstance(note, labtop.Text)
        assert note.text in ("of 0", "of 1", "of 2")


def test_a_rank_that_stands_in_keeps_its_files_in_the_record(folder: Path) -> None:
    """It comes first, rank 0 takes the record over; each file is listed once."""
    waiting = RANK.replace("    print(", "    sys.stdin.readline(); print(", 1)
    third = start(waiting, torchrun(3, 4), stdin=subprocess.PIPE)
    wait_for(lambda: any((folder / "runs").glob("p/*/artifacts/model.pt")))
    launched(RANK, [torchrun(0, 4)])
    assert sorted(contents(folder / "runs", "model.pt")) == ["weights of rank 0\n", "weights of rank 3\n"]
    third.stdin.write("\n")  # type: ignore[union-attr]  # a pipe
    finish([third])
    assert sorted(each.name for each in only_record(folder / "runs").artifacts) == [
        "model.pt", "model.pt", "note", "note", "shape.json",
    ]  # fmt: skip


def test_a_rank_that_is_killed_has_listed_what_it_logged(folder: Path) -> None:
    """When `log_artifact` returns, the file is the run's, whatever becomes of the process."""
    killed = RANK + "    os.kill(os.getpid(), 9)\n"
    process = start(killed, torchrun(1, 2))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    launched(RANK, [torchrun(0, 2)])
    assert sorted(contents(folder / "runs", "model.pt")) == ["weights of rank 0\n", "weights of rank 1\n"]


def test_children_and_workers(folder: Path) -> None:
    """A process of multiprocessing, also one that logs no number, and one that was invited."""
    code = """
import multiprocessing, os, subprocess, sys, labtop

def work(name):
    labtop.log_artifact(f"by {name}\\n", name="out.txt")
    labtop.log({"note": labtop.Text(f"of {name}")})

run = labtop.init(project="p", store="runs")
child = multiprocessing.get_context("fork").Process(target=work, args=("child",))
child.start()
child.join()
assert child.exitcode == 0
worker = "import labtop; labtop.log_artifact('by worker', name='out.txt')"
subprocess.run([sys.executable, "-c", worker], env={**os.environ, **run.invite()}, check=True)
run.log_artifact("by parent\\n", name="out.txt")
run.finish()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
    assert sorted(contents(folder / "runs", "out.txt")) == ["by child\n", "by parent\n", "by worker"]
    assert contents(folder / "runs", "note") == ["of child"]
    assert [each.name for each in only_record(folder / "runs").artifacts].count("out.txt") == 3


def test_fsck_knows_what_other_processes_logged(folder: Path) -> None:
    """A file that only a rank's own list names is missed, and a list that makes no sense is named and put aside."""
    launched(RANK, [torchrun(0, 2)])
    killed = start(RANK + "    os.kill(os.getpid(), 9)\n", torchrun(1, 2))
    killed.communicate(timeout=60)
    (run_folder,) = run_folders(folder / "runs")
    assert len(only_record(folder / "runs").artifacts) == 3
    lists = sorted((run_folder / WRITERS).glob("*.json"))
    theirs = next(each for each in seen(folder / "runs") if each.rank == 1 and each.name == "model.pt")
    (run_folder / str(theirs.path)).unlink()
    missing = [each for each in fsck(folder / "runs").findings if each.is_harmful]
    assert [(each.path, each.kind) for each in missing] == [(run_folder / str(theirs.path), "missing")]
    lists[0].write_text("{")
    assert (lists[0], "damaged") in [(each.path, each.kind) for each in fsck(folder / "runs").findings]
    fsck(folder / "runs", repair=True)
    assert not lists[0].exists()
    assert lists[0] not in [each.path for each in fsck(folder / "runs").findings]


def test_ranks_on_two_machines_that_were_offline(folder: Path) -> None:
    """Each has a spool of its own; files of one name and size stay two files, also when they are synced again."""
    for rank in range(2):
        variables = {
            **torchrun(rank, 2),
            "LABTOP_MODE": "offline",
            "LABTOP_SPOOL": str(folder / f"spool{rank}"),
        }
        launched(RANK, [variables])
    for _ in range(2):
        for rank in range(2):
            states = [each.state for each in sync_spool(folder / f"spool{rank}", keep=True)]
            assert states == ["copied"]
    assert sorted(contents(folder / "runs", "model.pt")) == ["weights of rank 0\n", "weights of rank 1\n"]
    assert not [each for each in fsck(folder / "runs").findings if each.is_harmful]
