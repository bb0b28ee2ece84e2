"""Which launch this process belongs to, and as which of its ranks: the facts that all ranks of one run agree on.

A launch is named by what its launcher gives to every rank and to nobody else: torchrun's run id, a SLURM job step, the
job of an MPI; where a launcher gives nothing of that kind, the process that started all ranks of this machine.
"""

from __future__ import annotations

import os
import sys
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from labtop.recording.capture.command import launcher_and_ranks
from labtop.store.process import process_started, this_boot_id, this_host

_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_NO_RUN_ID = ("", "none")  # what torchrun says when nobody gave it one


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One rank of a launch.

    `key` is the same for all ranks of a launch, also after a restart. `restarts` counts those of torchrun, `requeues`
    how often SLURM started the job before.
    """

    launcher: str
    key: str
    rank: int = 0
    local_rank: int | None = None
    node_rank: int | None = None
    world_size: int | None = None
    restarts: int = 0
    requeues: int = 0

    @property
    def attempt(self) -> str:
        """What the ranks of one start have in common."""
        return f"{self.key} {self.requeues}.{self.restarts}"

    def run_id(self, number: int = 0) -> str:
        """The id of the launch's first run (0), second run, …: the same in every rank, with no word between them."""
        digest = sha256(f"labtop launch {self.key} {self.requeues} {number}".encode()).digest()
        return b32encode(digest).decode("ascii").lower()[:10]


def this_launch(environment: Mapping[str, str] | None = None) -> Launch | None:
    """The launch that this process is a rank of; None for a process on its own, or the only one of its launch."""
    variables = os.environ if environment is None else environment
    launcher, facts = launcher_and_ranks(variables)
    if launcher is None:
        return _initialised_by_torch(variables)
    world = facts.get("world_size")
    is_torchrun = launcher == "torchrun"  # one rank today may be two after a restart
    if "rank" not in facts or (not is_torchrun and (world is None or world < 2)):
        return None
    return Launch(
        launcher=launcher,
        key=_key(launcher, variables),
        rank=facts["rank"],
        local_rank=facts.get("local_rank"),
        node_rank=facts.get("node_rank"),
        world_size=world,
        restarts=_number(variables, "TORCHELASTIC_RESTART_COUNT") if launcher == "torchrun" else 0,
        requeues=_number(variables, "SLURM_RESTART_COUNT"),
    )


def job_key(environment: Mapping[str, str] | None = None) -> str | None:
    """The job that a requeued process is still part of: `slurm:81234`, `slurm:81234_7` in an array."""
    variables = os.environ if environment is None else environment
    array, task = variables.get("SLURM_ARRAY_JOB_ID"), variables.get("SLURM_ARRAY_TASK_ID")
    if array and task:
        return f"slurm:{array}_{task}"
    job = variables.get("SLURM_JOB_ID") or variables.get("SLURM_JOBID")
    return f"slurm:{job}" if job else None


def launch_name() -> str | None:
    """What the processes of one launch have in common, or the job of a process on its own."""
    launch = this_launch()
    return launch.key if launch else job_key()


def is_requeued(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the scheduler started this job before."""
    return _number(os.environ if environment is None else environment, "SLURM_RESTART_COUNT") > 0


def array_group(environment: Mapping[str, str] | None = None) -> str | None:
    """The group of the tasks of a SLURM array: each is a run of its own."""
    array = (os.environ if environment is None else environment).get("SLURM_ARRAY_JOB_ID")
    return f"slurm-{array}" if array else None


def _key(launcher: str, variables: Mapping[str, str]) -> str:
    job = job_key(variables)
    step = variables.get("SLURM_STEP_ID") or variables.get("SLURM_STEPID")
    in_job = f"{job}.{step}" if job and step else job
    if launcher == "torchrun" and variables["TORCHELASTIC_RUN_ID"] not in _NO_RUN_ID:
        return "/".join(filter(None, (f"torchrun:{variables['TORCHELASTIC_RUN_ID']}", job)))
    if launcher == "mpi":
        for name in ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_ess_jobid"):
            if variables.get(name):
                return "/".join(filter(None, (f"mpi:{variables[name]}", job)))
    if launcher == "mpich" and variables.get("PMI_JOBID"):
        return "/".join(filter(None, (f"mpich:{variables['PMI_JOBID']}", job)))
    if in_job:
        return in_job if launcher == "slurm" else f"{launcher}:{in_job}"
    master = variables.get("MASTER_ADDR", "")
    if master not in _LOCAL and master != this_host() and _spans_nodes(variables):
        return f"{launcher}:{master}:{variables.get('MASTER_PORT', '')}"
    return f"{launcher}:{starter()}"


def _spans_nodes(variables: Mapping[str, str]) -> bool:
    here = variables.get("LOCAL_WORLD_SIZE")
    return here is None or here != variables.get("WORLD_SIZE")


def starter() -> str:
    """The process that started this one, as a name that no other has: machine, boot, number and start."""
    parent = os.getppid()
    return f"{this_host()}/{this_boot_id() or ''}/{parent}/{process_started(parent) or ''}"


def _number(variables: Mapping[str, str], name: str) -> int:
    text = variables.get(name, "")
    return int(text) if text.isdecimal() else 0


def _initialised_by_torch(variables: Mapping[str, str]) -> Launch | None:
    """A rank that only torch.distributed knows of: processes that a script spawned by itself."""
    distributed = sys.modules.get("torch.distributed")
    try:
        if distributed is None or not distributed.is_available() or not distributed.is_initialized():
            return None
        rank, world = int(distributed.get_rank()), int(distributed.get_world_size())
    except Exception:  # whatever a version of torch says
        return None
    if world < 2:
        return None
    return Launch(launcher="torch", key=_key("torch", variables), rank=rank, world_size=world)
