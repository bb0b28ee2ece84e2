"""Many processes, one run: real processes that are started as a launcher starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from labtop.model.run import Status, Writer
from labtop.store.layout import run_folders
from labtop.store.live import read_record_live
from labtop.store.reader import read_points
from labtop.store.writers import read_writers
from tests.recording.conftest import only_record, records
from tests.store.runs import wait_for

RANK = """
import os, sys, labtop
rank = int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0)
with labtop.init(project="p", config={"lr": 0.1}, store="runs") as run:
    for step in range(5):
        run.log({"loss": rank * 10.0 + step})
    print("done", rank, run.id)
"""


def torchrun(rank: int, world: int, run_id: str = "job-1", restart: int = 0) -> dict[str, str]:
    """The environment that torchrun gives to one rank."""
    return {
        "TORCHELASTIC_RUN_ID": run_id,
        "TORCHELASTIC_RESTART_COUNT": str(restart),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "GROUP_RANK": "0",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": "29500",
    }


def srun(rank: int, world: int, job: str = "81234", step: str = "0", **more: str) -> dict[str, str]:
    """The environment that srun gives to one task."""
    return {
        "SLURM_JOB_ID": job,
        "SLURM_STEP_ID": step,
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": str(rank),
        "SLURM_NTASKS": str(world),
        "SLURM_NODEID": "0",
        **more,
    }


def start(code: str, variables: Mapping[str, str], *, stdin: int | None = None) -> subprocess.Popen[str]:
    """One process of a launch."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """What the processes printed; none of them failed."""
    said = [each.communicate(timeout=120) for each in processes]
    assert [each.returncode for each in processes] == [0] * len(processes), said
    return [out for out, _ in said]


def launched(code: str, environments: Sequence[Mapping[str, str]]) -> list[str]:
    """Start all ranks at once and wait for them."""
    return finish([start(code, each) for each in environments])


def run_folders_of(folder: Path) -> list[Path]:
    """The folders of runs, also while there is no store yet."""
    store = folder / "runs"
    return list(run_folders(store)) if store.is_dir() else []


def writers_of(folder: Path) -> dict[int | None, Writer]:
    """The writers of the only run in a store by rank."""
    (run_folder,) = run_folders(folder / "runs")
    return {each.rank: each for each in read_writers(run_folder)}


@pytest.mark.parametrize("launcher", [torchrun, srun])
def test_all_ranks_record_one_run(folder: Path, launcher: object) -> None:
    """Every point is kept by its writer; the summaries are those of rank 0; each writer says who it was."""
    launched(RANK, [launcher(rank, 4) for rank in range(4)])  # type: ignore[operator]  # torchrun or srun
    record = only_record(folder / "runs")
    points, problems = read_points(next(run_folders(folder / "runs")))
    assert (record.status, record.params) == (Status.FINISHED, {"lr": 0.1})
    assert (record.metrics["loss"].count, record.metrics["loss"].max, record.metrics["loss"].rank) == (
        5,
        4.0,
        None,
    )
    assert (len(points), len({each.writer for each in points}), problems) == (20, 4, ())
    writers = writers_of(folder)
    assert sorted(writers) == [0, 1, 2, 3]  # type: ignore[type-var]  # none is None
    assert {each.status for each in writers.values()} == {Status.FINISHED}
    assert writers[3].world_size == 4
    assert writers[3].process is not None
    assert {each.writer for each in points if each.value >= 30} == {writers[3].writer}


def test_a_later_rank_that_comes_first_keeps_the_record_for_rank_0(folder: Path) -> None:
    """The run is complete from its first moment on, and is rank 0's as soon as that is there."""
    waiting = RANK.replace("    print(", "    sys.stdin.readline(); print(", 1)
    third = start(waiting, torchrun(3, 4), stdin=subprocess.PIPE)
    wait_for(lambda: any((each / "run.parquet").exists() for each in run_folders_of(folder)))
    alone = read_record_live(run_folders_of(folder)[0])
    assert (alone.status, alone.params) == (Status.RUNNING, {"lr": 0.1})
    launched(RANK, [torchrun(0, 4)])
    record = only_record(folder / "runs")
    assert (record.status, record.metrics["loss"].max) == (Status.FINISHED, 4.0)
    third.stdin.write("\n")  # type: ignore[union-attr]  # a pipe
    finish([third])
    record = only_record(folder / "runs")
    assert (record.status, record.metrics["loss"].max, record.started_at) == (
        Status.FINISHED,
        4.0,
        alone.started_at,
    )


def test_what_only_the_last_rank_logs_is_in_the_summaries(folder: Path) -> None:
    """Pipeline parallel training: the last stage alone knows the loss. Also where that rank ends last."""
    code = RANK.replace('{"loss": rank * 10.0 + step}', '{f"stage{rank}": rank * 10.0 + step}')
    waiting = code.replace("    print(", "    sys.stdin.readline(); run.log({'stage1': 99.0}); print(", 1)
    last = start(waiting, torchrun(1, 2), stdin=subprocess.PIPE)
    launched(code, [torchrun(0, 2)])
    last.stdin.write("\n")  # type: ignore[union-attr]  # a pipe
    finish([last])
    metrics = only_record(folder / "runs").metrics
    assert (metrics["stage0"].count, metrics["stage0"].rank) == (5, None)
    assert (metrics["stage1"].count, metrics["stage1"].max, metrics["stage1"].rank) == (6, 99.0, 1)


def test_only_the_last_rank_begins_a_run(folder: Path) -> None:
    """`if rank == world_size - 1: labtop.init()`: its end is the end of the run."""
    launched(RANK, [torchrun(3, 4)])
    record = only_record(folder / "runs")
    assert (record.status, record.metrics["loss"].max, record.metrics["loss"].rank) == (
        Status.FINISHED,
        34.0,
        3,
    )


def test_a_script_with_several_runs_gives_as_many(folder: Path) -> None:
    """A loop over configurations: the ranks agree on each."""
    code = """
import labtop
for lr in (0.1, 0.2):
    with labtop.init(project="p", config={"lr": lr}, store="runs") as run:
        run.log({"loss": lr})
"""
    launched(code, [torchrun(rank, 2) for rank in range(2)])
    found = records(folder / "runs")
    assert sorted(each.params["lr"] for each in found) == [0.1, 0.2]  # type: ignore[type-var]  # numbers
    assert [len(read_writers(each)) for each in run_folders(folder / "runs")] == [2, 2]


def test_launches_are_runs_of_their_own(folder: Path) -> None:
    """Another torchrun without a run id of its own, from another process; another job step; a job of one task."""
    none = {**torchrun(0, 1), "TORCHELASTIC_RUN_ID": "none"}
    launched(RANK, [none])
    runner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {RANK!r}], check=True)"
    launched(runner, [none, srun(0, 2), srun(0, 2, step="1"), srun(0, 1, step="2")])
    assert len(records(folder / "runs")) == 5


def test_the_tasks_of_an_array_are_runs_of_one_group(folder: Path) -> None:
    """Each has its own parameters; the array is what they have in common."""
    array = {"SLURM_ARRAY_JOB_ID": "700"}
    launched(
        RANK,
        [
            srun(0, 1, job="701", SLURM_ARRAY_TASK_ID="1", **array),
            srun(0, 1, job="702", SLURM_ARRAY_TASK_ID="2", **array),
        ],
    )
    found = records(folder / "runs")
    assert {each.life.group for each in found} == {"slurm-700"}
    assert sorted(each.command.launch or "" for each in found) == ["slurm:700_1", "slurm:700_2"]


def test_an_elastic_restart_goes_on_with_the_run(folder: Path) -> None:
    """Rank 1 fails, torchrun stops rank 0 and starts both again; here with two writers more and one record."""
    failing = RANK.replace(
        "    print(", "    if rank: raise RuntimeError('CUDA out of memory')\n    print(", 1
    )
    processes = [start(failing, torchrun(rank, 2)) for rank in range(2)]
    for each in processes:
        each.communicate(timeout=120)
    before = writers_of(folder)
    assert before[1].error is not None
    assert (before[1].status, before[1].error.message) == (Status.FAILED, "CUDA out of memory")
    launched(RANK, [torchrun(rank, 2, restart=1) for rank in (1, 0)])
    record = only_record(folder / "runs")
    (run_folder,) = run_folders(folder / "runs")
    assert (record.status, record.metrics["loss"].count, record.metrics["loss"].max) == (
        Status.FINISHED,
        10,
        4.0,
    )
    assert record.life.resumed_from is not None
    assert sorted((each.generation, each.rank) for each in read_writers(run_folder)) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    assert max(each.step for each in read_points(run_folder)[0]) == 9


def test_a_requeued_job_resumes_its_own_run(folder: Path) -> None:
    """SLURM preempts: SIGTERM, later the same job again. `resume="auto"` finds the job's run among others."""
    code = RANK.replace('store="runs"', 'store="runs", resume="auto"')
    stopped = code.replace("    print(", "    print('up', flush=True); sys.stdin.readline(); print(", 1)
    ranks = [start(stopped, srun(rank, 2), stdin=subprocess.PIPE) for rank in range(2)]
    for each in ranks:
        each.stdout.readline()  # type: ignore[union-attr]  # a pipe
        each.send_signal(signal.SIGTERM)
    for each in ranks:
        each.communicate(timeout=60)
    (first,) = records(folder / "runs")
    assert (first.status, first.life.signal) == (Status.KILLED, "SIGTERM")
    other = start(stopped.replace('"auto"', "None"), srun(0, 2, job="99999"), stdin=subprocess.PIPE)
    other.stdout.readline()  # type: ignore[union-attr]  # a pipe
    other.kill()
    other.communicate(timeout=60)
    launched(code, [srun(rank, 2, SLURM_RESTART_COUNT="1") for rank in range(2)])
    again = {each.id: each for each in records(folder / "runs")}
    assert len(again) == 2
    assert (again[first.id].status, again[first.id].metrics["loss"].count) == (Status.FINISHED, 10)


def test_resume_auto_without_a_launcher_id_is_one_choice_for_all_ranks(folder: Path) -> None:
    """A new job goes on with the newest run that did not finish, and every rank with the same."""
    launched(
        "import labtop, os; labtop.init(project='p', store='runs').log({'loss': 1.0}); os._exit(0)", [{}]
    )
    (left,) = records(folder / "runs")
    launched(
        RANK.replace('store="runs"', 'store="runs", resume="auto"'), [torchrun(rank, 3) for rank in range(3)]
    )
    record = only_record(folder / "runs")
    assert (record.id, record.status, record.metrics["loss"].count) == (left.id, Status.FINISHED, 6)


def test_rank_0_dying_early_is_told(folder: Path) -> None:
    """The others go on and lose nothing; the run counts as crashed, and who is missing can be read."""
    killed = RANK.replace("    print(", "    os.kill(os.getpid(), 9)\n    print(", 1)
    processes = [start(killed if rank == 0 else RANK, torchrun(rank, 3)) for rank in range(3)]
    for each in processes:
        each.communicate(timeout=120)
    (run_folder,) = run_folders(folder / "runs")
    writers = writers_of(folder)
    assert {rank: each.status for rank, each in writers.items()} == {
        0: None,
        1: Status.FINISHED,
        2: Status.FINISHED,
    }
    assert len(read_points(run_folder)[0]) == 15
    assert read_record_live(run_folder).metrics["loss"].max == 4.0
