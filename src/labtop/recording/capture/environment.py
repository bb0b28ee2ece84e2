"""The software around the code: interpreter, packages, lock file, container, and the variables that matter."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.lock_file import keep_lock_file
from labtop.recording.capture.packages import installed_packages, requirements
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.secret_names import is_secret_name

REQUIREMENTS = "requirements.txt"
_ALLOWED = (
    "CUDA_*", "CUBLAS_*", "CUDNN_*", "NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES", "NCCL_*", "GLOO_*", "UCX_*",
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
    """Record the environment; requirements and the lock file go into `folder`, the run's `environment/`."""
    versions, origins = installed_packages(redactor, root)
    write_file(folder / REQUIREMENTS, requirements(versions, origins).encode(), mode)
    lock_name, lock_sha256 = keep_lock_file(folder, Path.cwd(), root, redactor, mode)
    image, digest = _container()
    libc, libc_version = platform.libc_ver()
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        os=_operating_system(),
        kernel=platform.release() or None,
        libc=f"{libc} {libc_version}".strip() or None,
        packages=versions,
        origins=origins,
        lock_file=lock_name,
        lock_sha256=lock_sha256,
        container_image=image and redactor.uri(image),
        container_digest=digest,
        conda_environment=os.environ.get("CONDA_DEFAULT_ENV") if in_conda() else None,
        variables=allowed_variables(os.environ, redactor, extra_variables),
    )


def allowed_variables(
    environment: Mapping[str, str], redactor: Redactor, extra: Iterable[str] = ()
) -> dict[str, str]:
    """The variables on the allow-list; one with a secret name never, even where `extra` asks for it."""
    patterns = (*_ALLOWED, *extra)
    return {
        name: redactor.text(value)
        for name, value in sorted(environment.items())
        if any(fnmatchcase(name, pattern) for pattern in patterns) and not is_secret_name(name)
    }


def in_conda() -> bool:
    """Whether the interpreter itself belongs to the conda environment that is active."""
    prefix = os.environ.get("CONDA_PREFIX")
    return bool(prefix) and Path(str(prefix)).resolve() == Path(sys.prefix).resolve()


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        release = platform.mac_ver()[0]
        return f"macOS {release}" if release else platform.platform()


def _container() -> tuple[str | None, str | None]:
    """Image and digest, as far as anybody told: a process cannot see its own image."""
    said = os.environ.get
    image = said("LABTOP_CONTAINER_IMAGE") or said("APPTAINER_CONTAINER") or said("SINGULARITY_CONTAINER")
    digest = said("LABTOP_CONTAINER_DIGEST")
    if image is None and (podman := Path("/run/.containerenv")).is_file():
        try:
            facts = dict(line.split("=", 1) for line in podman.read_text().splitlines() if "=" in line)
        except (OSError, ValueError):
            facts = {}
        image = facts.get("image", "").strip('"') or None
    if image and digest is None and "@sha256:" in image:
        digest = image.partition("@")[2]
    return image, digest
