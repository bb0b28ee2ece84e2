"""Which packages and variables bear on a result: torch before tqdm, OMP_NUM_THREADS before a job's number."""

from __future__ import annotations

import fnmatch

# fmt: off
HEAVY = (
    "torch", "jax", "jaxlib", "flax", "tensorflow", "keras", "numpy", "scipy", "scikit-learn",
    "xgboost", "lightgbm", "catboost", "transformers", "torchvision", "torchaudio", "torch-xla",
    "triton", "flash-attn", "xformers", "bitsandbytes", "apex", "deepspeed", "accelerate", "lightning",
    "pytorch-lightning", "vllm", "peft", "trl", "diffusers", "timm", "datasets", "tokenizers",
    "sentencepiece", "optax", "orbax-checkpoint", "mxnet", "paddlepaddle", "mlx", "cupy", "cudf",
    "numba", "pandas", "polars", "pyarrow", "opencv-python", "pillow", "albumentations", "kornia",
    "gymnasium", "gym", "ray", "nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cublas-cu11",
    "nvidia-cublas-cu12", "nvidia-nccl-cu12",
)
# fmt: on
"""Packages whose version can change numbers, the most likely first."""

_RANK = {name: place for place, name in enumerate(HEAVY)}

LIGHT = len(HEAVY)
"""The weight of a package that is not expected to change a result."""

_IDENTITY = (
    "SLURM_*",
    "PBS_*",
    "LSB_*",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "*RANK",
    "*RANK_ID",
    "MASTER_ADDR",
    "MASTER_PORT",
    "HOSTNAME",
    "TMPDIR",
    "PWD",
)
_NO_IDENTITY = ("SLURM_NTASKS*", "SLURM_CPUS_PER_TASK")


def package_weight(name: str) -> int:
    """Where a package stands; smaller bears more on a result, `LIGHT` is the rest."""
    return _RANK.get(name.lower().replace("_", "-"), LIGHT)


def is_identity(variable: str) -> bool:
    """Whether a variable says where a run was placed (its job, its device) rather than how it computes."""
    if any(fnmatch.fnmatchcase(variable, pattern) for pattern in _NO_IDENTITY):
        return False
    return any(fnmatch.fnmatchcase(variable, pattern) for pattern in _IDENTITY)
