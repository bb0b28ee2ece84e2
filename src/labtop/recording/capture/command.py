"""What was started, how, and as which of several processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from labtop.model.run import Command
from labtop.recording.capture.redact import Redactor

# launcher → the variable that tells it, and where it keeps rank facts
_LAUNCHERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "torchrun": (
        "TORCHELASTIC_RUN_ID",
        {
            "rank": "RANK",
            "local_rank": "LOCAL_RANK",
            "world_size": "WORLD_SIZE",
            "local_world_size": "LOCAL_WORLD_SIZE",
            "node_rank": "GROUP_RANK",
        },
    ),
    "horovod": (
        "HOROVOD_RANK",
        {"rank": "HOROVOD_RANK", "local_rank": "HOROVOD_LOCAL_RANK", "world_size": "HOROVOD_SIZE"},
    ),
    "mpi": (
        "OMPI_COMM_WORLD_RANK",
        {
            "rank": "OMPI_COMM_WORLD_RANK",
            "local_rank": "OMPI_COMM_WORLD_LOCAL_RANK",
            "world_size": "OMPI_COMM_WORLD_SIZE",
        },
    ),
    "mpich": ("PMI_RANK", {"rank": "PMI_RANK", "world_size": "PMI_SIZE"}),
    "slurm": (
        "SLURM_PROCID",
        {
            "rank": "SLURM_PROCID",
            "local_rank": "SLURM_LOCALID",
            "world_size": "SLURM_NTASKS",
            "node_rank": "SLURM_NODEID",
        },
    ),
    "environment": ("WORLD_SIZE", {"rank": "RANK", "local_rank": "LOCAL_RANK", "world_size": "WORLD_SIZE"}),
}


def capture_command(redactor: Redactor, root: Path | None) -> Command:
    """The command of this process; paths are relative to `root`, the top of the repository."""
    launcher, ranks = launcher_and_ranks(os.environ)
    return Command(
        argv=redactor.argv(sys.orig_argv),
        cwd=redactor.text(relative_to(Path.cwd(), root)),
        executable=redactor.text(sys.executable) or None,
        entry_point=redactor.text(entry_point(root) or "") or None,
        launcher=launcher,
        ranks=ranks,
    )


def launcher_and_ranks(environment: Mapping[str, str]) -> tuple[str | None, dict[str, int]]:
    """Who started this process as one of many, and which of them it is."""
    is_task = not _is_no_task(environment)
    for launcher, (sign, names) in _LAUNCHERS.items():
        if sign in environment and (is_task or launcher != "slurm"):
            ranks = {
                fact: int(environment[name])
                for fact, name in names.items()
                if environment.get(name, "").isdecimal()
            }
            return launcher, ranks
    return ("slurm" if "SLURM_PROCID" in environment else None), {}


def _is_no_task(environment: Mapping[str, str]) -> bool:
    """Whether SLURM says which task this is without having started it by itself.

    The script of `sbatch` is told that it is task 0 of all that it may start, and hands that on to what it starts by
    other means: a single process, or a launcher that tells ranks of its own. Within a step a launcher may start several
    ranks a task.
    """
    if "SLURM_STEP_ID" not in environment and "SLURM_STEPID" not in environment:
        return True
    world, tasks = environment.get("WORLD_SIZE", ""), environment.get("SLURM_NTASKS", "")
    return environment.get("RANK", "").isdecimal() and world.isdecimal() and world != tasks


def script_path() -> Path | None:
    """The file of the program that runs, if it is one."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve() if isinstance(file, str) and Path(file).is_file() else None


def entry_point(root: Path | None) -> str | None:
    """`-m module` or the path of the script; None in a notebook or an interactive shell."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and isinstance(spec.name, str):
        return f"-m {spec.name.removesuffix('.__main__')}"
    script = script_path()
    return relative_to(script, root) if script else None


def relative_to(path: Path, root: Path | None) -> str:
    """`path` as seen from `root` where it lies inside; absolute where not."""
    path = path.resolve()
    if root is not None and path.is_relative_to(root.resolve()):
        return path.relative_to(root.resolve()).as_posix()
    return path.as_posix()


def program_name(argv: Sequence[str]) -> str:
    """A short word for what runs, to name runs by: `train` for `python train.py`."""
    script = script_path()
    name = script.stem if script and script.stem != "__main__" else Path(argv[0] if argv else "run").stem
    return name or "run"
