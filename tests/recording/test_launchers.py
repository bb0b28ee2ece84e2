"""Real launchers where they are installed, and everywhere the variables that were seen in their processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.recording.launch import Launch, this_launch
from labtop.store.layout import run_folders
from labtop.store.reader import read_points, read_record
from labtop.store.writers import read_writers

SCRIPT = """
import os, labtop
names = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
rank = next(int(os.environ[name]) for name in names if name in os.environ)
restart = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
with labtop.init(project="p", store="runs") as run:
    for step in range(5):
        run.log({"loss": rank * 100.0 + step})
    if rank == 1 and restart == 0 and "FAIL" in os.environ:
        raise MemoryError("too much")
"""

# as printed by processes of each: torchrun of torch 2.13, mpirun of Open MPI 4.1, srun and sbatch of SLURM 22.05
TORCHRUN = {
    "GROUP_RANK": "0", "GROUP_WORLD_SIZE": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "localhost", "MASTER_PORT": "35323", "RANK": "1", "ROLE_NAME": "default", "ROLE_RANK": "1",
    "ROLE_WORLD_SIZE": "4", "TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_x/attempt_0/1/error.json",
    "TORCHELASTIC_MAX_RESTARTS": "0", "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_RUN_ID": "f4efce7e-9fea-474a-adf1-f732fff53577", "TORCHELASTIC_USE_AGENT_STORE": "True",
    "WORLD_SIZE": "4",
}  # fmt: skip
MPIRUN = {
    "OMPI_COMM_WORLD_LOCAL_RANK": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_COMM_WORLD_NODE_RANK": "1",
    "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_MCA_ess_base_jobid": "1057882113",
    "OMPI_MCA_orte_ess_num_procs": "4", "OMPI_UNIVERSE_SIZE": "2", "PMIX_NAMESPACE": "1057882113", "PMIX_RANK": "1",
}  # fmt: skip
SBATCH = {
    "SLURM_JOBID": "2", "SLURM_JOB_ID": "2", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_NPROCS": "4",
    "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_TASK_PID": "3180", "SLURM_NNODES": "1",
}  # fmt: skip
SRUN = {**SBATCH, "SLURM_LOCALID": "1", "SLURM_PROCID": "1", "SLURM_STEPID": "0", "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "4"}  # fmt: skip
DEEPSPEED = {"RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "8", "MASTER_ADDR": "127.0.0.1"}


SLURM_CONF = {
    name: text for name, text in os.environ.items() if name == "SLURM_CONF"
}  # before tests are kept from it


def facts(launch: Launch | None) -> tuple[object, ...] | None:
    """Launcher, rank, local rank, node and world of a launch."""
    if launch is None:
        return None
    return launch.launcher, launch.rank, launch.local_rank, launch.node_rank, launch.world_size


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (TORCHRUN, ("torchrun", 1, 1, 0, 4)),
        (MPIRUN, ("mpi", 1, 1, None, 4)),
        (SRUN, ("slurm", 1, 1, 0, 4)),
        (SBATCH, None),
        ({**SBATCH, **DEEPSPEED}, ("environment", 3, 3, None, 8)),
        ({**SRUN, **DEEPSPEED}, ("environment", 3, 3, None, 8)),
        ({**SRUN, "RANK": "1", "WORLD_SIZE": "4"}, ("slurm", 1, 1, 0, 4)),
        ({**SRUN, **MPIRUN}, ("mpi", 1, 1, None, 4)),
        ({**SBATCH, **TORCHRUN}, ("torchrun", 1, 1, 0, 4)),
    ],
)
def test_who_a_process_is(variables: dict[str, str], expected: tuple[object, ...] | None) -> None:
    """The script of a job is no rank of it; the launcher that is nearest to the process tells."""
    assert facts(this_launch(variables)) == expected


def test_the_job_is_part_of_the_name_of_a_launch() -> None:
    """So that steps, jobs and launches within them are apart, and all their ranks together."""
    keys = [this_launch(each) for each in (SRUN, {**SRUN, "SLURM_STEP_ID": "1"}, MPIRUN, TORCHRUN)]
    assert [each and each.key for each in keys] == [
        "slurm:2.0", "slurm:2.1", "mpi:1057882113", f"torchrun:{TORCHRUN['TORCHELASTIC_RUN_ID']}",
    ]  # fmt: skip


def launched(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a launcher on the script."""
    (folder / "train.py").write_text(SCRIPT)
    paths = os.pathsep.join(each for each in sys.path if each)  # a launcher of another environment
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


def assert_one_run(folder: Path, ranks: int, launcher: str) -> Path:
    """All ranks recorded one run and no point is lost; gives its folder."""
    (home,) = run_folders(folder / "runs")
    points, problems = read_points(home)
    whole = sorted(rank * 100.0 + step for rank in range(ranks) for step in range(5))
    assert (sorted({each.value for each in points if each.name == "loss"}), problems) == (whole, ())
    writers = read_writers(home)
    assert {each.rank for each in writers} == set(range(ranks))
    assert {(each.launcher, each.world_size) for each in writers} == {(launcher, ranks)}
    assert read_record(home).status is Status.FINISHED
    return home


def _has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


@pytest.mark.skipif(not _has_torch(), reason="torch is not installed")
def test_torchrun_and_its_restart(folder: Path) -> None:
    """Rank 1 fails; torchrun stops all and starts them again: they go on with the same run."""
    run = (
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        "1",
        "train.py",
    )
    done = launched(folder, *run, FAIL="1", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    home = assert_one_run(folder, 2, "torchrun")
    writers = read_writers(home)
    assert sorted((each.generation, each.rank) for each in writers) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    (failed,) = [each for each in writers if each.error is not None]
    assert (failed.rank, failed.generation, failed.status) == (1, 0, Status.FAILED)


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun here")
def test_mpirun(folder: Path) -> None:
    """Open MPI or MPICH."""
    is_open = (
        "Open MPI"
        in subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=True).stdout
    )
    more = ("--allow-run-as-root", "--oversubscribe") if is_open else ()
    done = launched(folder, "mpirun", *more, "-n", "4", sys.executable, "train.py")
    assert done.returncode == 0, done.stderr
    assert_one_run(folder, 4, "mpi" if is_open else "mpich")


def _has_slurm() -> bool:
    if shutil.which("srun") is None:
        return False
    return subprocess.run(["sinfo", "-h"], capture_output=True, check=False, timeout=20).stdout != b""


@pytest.mark.skipif(not _has_slurm(), reason="no SLURM that answers here")
def test_srun(folder: Path) -> None:
    """Two tasks of a step."""
    done = launched(folder, "srun", "--overcommit", "-n", "2", sys.executable, "train.py", **SLURM_CONF)
    assert done.returncode == 0, done.stderr
    assert_one_run(folder, 2, "slurm")
