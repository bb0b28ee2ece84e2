"""Names of packages, and which packages bear on a result: torch before tqdm."""

from __future__ import annotations

import re

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

NUMERIC = (
    "torch", "jax", "jaxlib", "tensorflow", "keras", "numpy", "scipy", "scikit-learn", "xgboost", "lightgbm",
    "catboost", "transformers", "lightning", "numba", "cupy", "mlx",
)  # fmt: skip
"""Packages that compute: runs that differ in one of these are not the same but for the seed."""

_RANK = {name: place for place, name in enumerate(HEAVY)}

LIGHT = len(HEAVY)
"""The weight of a package that is not expected to change a result."""


def package_weight(name: str) -> int:
    """Where a package stands; smaller bears more on a result, `LIGHT` is the rest."""
    return _RANK.get(normal_name(name), LIGHT)


def normal_name(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
