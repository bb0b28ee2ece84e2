"""The software around the code: interpreter, packages, lock file, container, and the variables that matter."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.capture.conda import conda_environment
from labtop.recording.capture.container import find_container
from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.lock_file import keep_lock_files
from labtop.recording.capture.name_patterns import NamePatterns
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.secret_names import is_secret_name

REQUIREMENTS = "requirements.txt"
_ALLOWED = (
    "CUDA_*", "CUBLAS_*", "CUDNN_*", "NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_BUILD_ID",
    "NVIDIA_*_VERSION", "NCCL_*", "GLOO_*", "UCX_*",
    "HIP_*", "ROCR_*", "HSA_*", "OMP_*", "MKL_*", "OPENBLAS_*", "BLIS_*", "NUMEXPR_*", "VECLIB_*", "GOTO_*",
    "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONUNBUFFERED", "PYTHONWARNINGS", "PYTORCH_*", "TORCH_*", "TORCHDYNAMO_*",
    "TORCHINDUCTOR_*", "TF_CONFIG", "TF_CPP_*", "TF_CUDNN_*", "TF_DETERMINISTIC_*", "TF_DISABLE_*", "TF_ENABLE_*",
    "TF_FORCE_*", "TF_GPU_*", "TF_NUM_*", "TF_USE_*", "TF_XLA_*", "KERAS_BACKEND", "XLA_*", "JAX_*", "TPU_*",
    "LIBTPU_*", "TOKENIZERS_PARALLELISM",
    "TRANSFORMERS_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "ACCELERATE_*", "DS_ACCELERATOR", "FSDP_*",
    "WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "MASTER_PORT",
    "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_PARTITION",
    "SLURM_JOB_NUM_NODES", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_CPUS_PER_TASK",
    "SLURM_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_MEM_PER_NODE", "SLURM_RESTART_COUNT", "PBS_JOBID", "LSB_JOBID",
    "JOB_ID", "KMP_*", "LC_ALL", "LANG", "TZ",
)  # fmt: skip


def capture_environment(
    folder: Path,
    redactor: Redactor,
    root: Path | None,
    extra_variables: Iterable[str] = (),
    mode: int = 0o600,
) -> Environment:
    """Record the environment but for its packages; the lock files go into `folder`, the run's `environment/`."""
    locks = keep_lock_files(folder, Path.cwd(), root, redactor, mode)
    container = find_container(os.environ)
    libc, libc_version = platform.libc_ver()
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        os=_operating_system(),
        kernel=platform.release() or None,
        libc=f"{libc} {libc_version}".strip() or None,
        lock_file=locks[0].name if locks else None,
        lock_sha256=locks[0].sha256 if locks else None,
        lock_files=locks,
        container=container.kind,
        container_id=container.id,
        container_image=container.image and redactor.uri(container.image),
        container_digest=container.digest,
        container_image_id=container.image_id,
        conda_environment=conda_environment(),
        variables=allowed_variables(os.environ, redactor, extra_variables),
    )


def with_packages(
    environment: Environment,
    folder: Path,
    redactor: Redactor,
    root: Path | None,
    mode: int = 0o600,
    path: Sequence[str] | None = None,
) -> Environment:
    """The same with its packages, those that are found on `path` (this Python's); requirements go into `folder`."""
    from labtop.recording.capture.packages import installed_packages, requirements

    versions, origins = installed_packages(redactor, root, path)
    write_file(folder / REQUIREMENTS, requirements(versions, origins).encode(), mode)
    return replace(environment, packages=versions, origins=origins)


def allowed_variables(
    environment: Mapping[str, str], redactor: Redactor, extra: Iterable[str] = ()
) -> dict[str, str]:
    """The variables on the allow-list; one with a secret name never, even where `extra` asks for it."""
    wanted = NamePatterns((*_ALLOWED, *extra))
    return {
        name: redactor.text(value)
        for name, value in sorted(environment.items())
        if wanted.match(name) and not is_secret_name(name)
    }


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        release = platform.mac_ver()[0]
        return f"macOS {release}" if release else platform.platform()
