"""Which environment variables say where a run was placed rather than how it computes."""

from __future__ import annotations

import fnmatch

_PLACEMENT = (
    "SLURM_*",
    "PBS_*",
    "LSB_*",
    "JOB_ID",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "NVIDIA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "*RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "TORCHELASTIC_*",
    "HOSTNAME",
    "TMPDIR",
    "PWD",
)
_NO_PLACEMENT = ("SLURM_NTASKS", "SLURM_CPUS_PER_TASK")


def is_placement(name: str) -> bool:
    """Whether a variable names a job, a device or a rank: another one next time, and no cause of anything."""
    if name in _NO_PLACEMENT:
        return False
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _PLACEMENT)
