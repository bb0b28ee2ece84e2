"""Processes that join a run by environment: workers of a script, and what `labtop run` starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

import labtop
from labtop.model.run import Command, Life, RunRecord, Status, Writer
from labtop.recording.joining import Invitation, invitation, invite
from labtop.store.layout import create_store, new_run_id, run_folder
from labtop.store.process import this_process
from labtop.store.reader import read_points, read_record
from labtop.store.writer import RunWriter
from labtop.store.writers import read_writers
from tests.recording.conftest import only_record, records


def python(code: str, variables: Mapping[str, str]) -> None:
    """Run code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_an_invitation_is_understood_by_the_child_alone(folder: Path) -> None:
    """The process that invites may have it in its own environment and begin other runs."""
    variables = invite("aaaabbbbcc", folder / "runs", "p", "command", "wwwwwwwwww")
    assert invitation({**variables}) is None
    assert invitation({**variables, "LABTOP_PARENT": "command:vvvvvvvvvv"}) == Invitation(
        "aaaabbbbcc", "command", "vvvvvvvvvv"
    )
    assert invitation({"LABTOP_RUN_ID": "by hand", "LABTOP_PARENT": "nonsense"}) == Invitation("by hand")
    assert invitation({}) is None


@pytest.mark.parametrize("verb", ["init(project='other').log", "log"])
def test_a_worker_writes_points_and_leaves_the_record(folder: Path, verb: str) -> None:
    """By `init` or by `log` alone; what the script logs stays what is shown."""
    with labtop.init(store="runs", config={"lr": 0.1}) as run:
        run.log({"x": 1.0})
        python(f"import labtop; labtop.{verb}({{'x': 5.0}})", run.invite())
    record = only_record(folder / "runs")
    assert (record.status, record.params, record.metrics["x"].count) == (Status.FINISHED, {"lr": 0.1}, 1)
    assert sorted(point.value for point in read_points(run.folder)[0]) == [1.0, 5.0]
    assert [(each.role, each.status) for each in read_writers(run.folder)] == [("worker", Status.FINISHED)]


SPAWNING = """
import multiprocessing, os, labtop

def work(n):
    labtop.log({"load_ms": float(n)})
    labtop.finish()

if __name__ == "__main__":
    with labtop.init(store="runs") as run:
        os.environ.update(run.invite())
        workers = [multiprocessing.get_context("spawn").Process(target=work, args=(n,)) for n in range(2)]
        [each.start() for each in workers]
        [each.join() for each in workers]
    labtop.init(store="runs", name="next").finish()
"""


def test_spawned_workers_join(folder: Path) -> None:
    """What only they log is shown; the script's next run is its own."""
    (folder / "spawning.py").write_text(SPAWNING)
    subprocess.run([sys.executable, "spawning.py"], check=True, timeout=120)
    first, second = sorted(records(folder / "runs"), key=lambda each: each.name == "next")
    assert second.name == "next"
    with labtop.open("runs") as store:
        assert sorted(store.metrics(first.id, "load_ms")["value"]) == [0.0, 1.0]
        assert [each.role for each in store.record(first.id).writers] == ["worker", "worker"]


def wrapped(folder: Path) -> tuple[RunWriter, dict[str, str]]:
    """A run as `labtop run` begins one, and the environment of its command."""
    store = folder / "runs"
    create_store(store)
    record = RunRecord(
        id=new_run_id(),
        name="train.sh",
        project="p",
        started_at=datetime.now(UTC),
        params={"lr": 0.5},
        command=Command(argv=("bash", "train.sh")),
        life=Life(process=this_process()),
    )
    writer = RunWriter(
        run_folder(store, "p", record.id),
        record,
        who=Writer(role="command", wants_record=True, ends_run=True, process=this_process()),
    )
    assert writer.flush()
    variables = invite(record.id, store, "p", "command", writer.writer)
    return writer, {**variables, "LABTOP_CAPTURE_CODE": "false"}


def test_a_program_takes_the_record_and_gives_it_back(folder: Path) -> None:
    """`labtop run`: facts of both are in it; the end is the command's. Two programs, one after another."""
    writer, variables = wrapped(folder)
    program = """
import os, labtop
n = os.environ["N"]
run = labtop.init(project="other", store="elsewhere", config={"width": int(n)}, tags=[f"t{n}"])
assert run.config["lr"] == 0.5
run.log({"loss": float(n)})
run.summary["best"] = 1
"""
    writer.append(0.0, 1, {"printed": 3.0})
    for number in (1, 2):
        python(program, {**variables, "N": str(number)})
        running = read_record(run_folder(folder / "runs", "p", writer.record.id))
        assert (running.status, running.ended_at) == (Status.RUNNING, None)
    writer.close(Status.FAILED)
    (record,) = records(folder / "runs")
    assert (record.status, record.params, record.life.tags) == (
        Status.FAILED,
        {"lr": 0.5, "width": 2},
        ("t1", "t2"),
    )
    assert record.command.argv == ("bash", "train.sh")
    assert {name: each.count for name, each in record.metrics.items() if each.count} == {
        "loss": 2,
        "printed": 1,
    }
    assert record.summary == {"best": 1}
    assert not (folder / "elsewhere").exists()


def test_a_program_that_is_killed_leaves_the_record_to_the_command(folder: Path) -> None:
    """What it logged and said until then is in it."""
    writer, variables = wrapped(folder)
    code = "import labtop, os; r = labtop.init(config={'width': 3}); r.log({'loss': 7.0}); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, timeout=120)
    assert done.returncode == -9
    writer.close(Status.FAILED)
    (record,) = records(folder / "runs")
    assert (record.status, record.params["width"], record.metrics["loss"].last) == (Status.FAILED, 3, 7.0)


def test_ranks_under_a_command_are_one_run_with_it(folder: Path) -> None:
    """`labtop run -- torchrun train.py`: rank 0 tells the record, the command how it ended."""
    writer, variables = wrapped(folder)
    code = """
import os, labtop
with labtop.init(config={"width": 4}) as run:
    run.log({"loss": float(os.environ["RANK"])})
"""
    ranks = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}
    for number in ("1", "0"):
        python(code, {**variables, **ranks, "RANK": number})
    writer.close(Status.FAILED)
    (record,) = records(folder / "runs")
    assert (record.status, record.params) == (Status.FAILED, {"lr": 0.5, "width": 4})
    assert (record.command.argv, record.life.resumed_from) == (("bash", "train.sh"), None)
    assert (record.metrics["loss"].count, record.metrics["loss"].last) == (1, 0.0)
    found = {each.rank: each for each in read_writers(run_folder(folder / "runs", "p", record.id))}
    assert {rank: (each.role, each.generation) for rank, each in found.items()} == {
        None: ("command", 0),
        0: ("rank", 0),
        1: ("rank", 0),
    }


def test_an_id_by_hand_is_shared(folder: Path) -> None:
    """Two programs of a job script, one after another; and one beside a program that still runs."""
    variables = {"LABTOP_RUN_ID": "my job", "LABTOP_STORE": str(folder / "runs")}
    python("import labtop; labtop.init(config={'a': 1}).log({'x': 1.0})", variables)
    python("import labtop; labtop.init(config={'b': 2}).log({'x': 2.0})", variables)
    record = only_record(folder / "runs")
    assert (record.params, record.metrics["x"].count) == ({"a": 1, "b": 2}, 2)
    waiting = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import labtop, sys; labtop.init(); print('up', flush=True); sys.stdin.readline()",
        ],
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    waiting.stdout.readline()  # type: ignore[union-attr]  # a pipe
    python("import labtop; labtop.init().log({'x': 3.0})", variables)
    waiting.communicate(b"\\n", timeout=60)
    run_dir = run_folder(folder / "runs", record.project, record.id)
    assert [each.role for each in read_writers(run_dir)].count("worker") == 1
    assert len(read_points(run_dir)[0]) == 3
