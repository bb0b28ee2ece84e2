"""Seeds the random libraries a program has imported, and tells which of them nobody seeded."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from labtop.model.run import Randomness, Value

_LIBRARIES = {
    "python": "random",
    "numpy": "numpy",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
}
_USES_NUMPY = ("sklearn", "pandas", "scipy", "torch", "tensorflow", "jax", "xgboost", "lightgbm")
_TORCH_DEFAULT_SEED = 67280421310721


def seed_libraries(seed: int, deterministic: bool) -> tuple[dict[str, int], dict[str, Value]]:
    """Seed python and every imported library; the seeds set and the flags.

    `deterministic` also asks torch and tensorflow for operations that give the same answer twice. JAX keeps no
    state to seed: its seed is recorded, and `jax.random.key` is the program's to call.
    """
    random.seed(seed)
    seeds = {"python": seed}
    flags: dict[str, Value] = {}
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
        seeds["numpy"] = seed % 2**32
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)  # CUDA and MPS with it
        seeds["torch"] = seed
        if deterministic:
            _make_torch_deterministic(torch)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.random.set_seed(seed)
        seeds["tensorflow"] = seed
        if deterministic:
            tensorflow.config.experimental.enable_op_determinism()
            flags["tensorflow.op_determinism"] = True
    if "jax" in sys.modules:
        seeds["jax"] = seed
    return seeds, flags


def _make_torch_deterministic(torch: Any) -> None:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not deterministic without
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def already_imported() -> frozenset[str]:
    """The random libraries a program had imported before labtop brought in any of its own."""
    return frozenset(
        name for name, module in _LIBRARIES.items() if name != "python" and module in sys.modules
    )


def randomness_now(known: Randomness, imported_before: frozenset[str]) -> Randomness:
    """`known` completed by what can be seen of the libraries now: flags, torch's own seed, who was imported."""
    seeds, flags = dict(known.seeds), dict(known.flags)
    flags["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED") or "random"
    if torch := sys.modules.get("torch"):
        flags |= _torch_flags(torch)
        if "torch" not in seeds and (own := _torch_seed(torch)) is not None:
            seeds["torch"] = own
    imported = {*known.imported, *imported_before, *_used_by_program()}
    return replace(known, seeds=seeds, flags=flags, imported=tuple(sorted(imported)))


def _torch_flags(torch: Any) -> dict[str, Value]:
    try:
        return {
            "torch.deterministic_algorithms": bool(torch.are_deterministic_algorithms_enabled()),
            "cudnn.deterministic": bool(torch.backends.cudnn.deterministic),
            "cudnn.benchmark": bool(torch.backends.cudnn.benchmark),
        }
    except Exception:  # a torch that is half imported, or built without
        return {}


def _torch_seed(torch: Any) -> int | None:
    """The seed somebody gave torch with `manual_seed`; None where it still has its own."""
    try:
        seed = int(torch.initial_seed())
    except Exception:
        return None
    return seed if seed != _TORCH_DEFAULT_SEED and abs(seed) < 2**63 else None


def _used_by_program() -> set[str]:
    """The random libraries that the program itself uses.

    labtop's own imports bring in numpy, and half of the standard library brings in random; so what counts is whether
    the program's modules hold the library, or another library is there that draws from it.
    """
    used = {
        name
        for name, module in _LIBRARIES.items()
        if name not in ("python", "numpy") and module in sys.modules
    }
    if not sys.modules.keys().isdisjoint(_USES_NUMPY):
        used.add("numpy")
    for module in _own_modules():
        names: Mapping[str, object] = dict(vars(module))
        for name in ("python", "numpy"):
            if name not in used and any(_comes_from(each, _LIBRARIES[name]) for each in names.values()):
                used.add(name)
    return used & {name for name, module in _LIBRARIES.items() if module in sys.modules}


def _own_modules() -> list[ModuleType]:
    """The program's own modules: `__main__`, and what was not installed, be it for the user or for an outer venv."""
    libraries = (sys.prefix, sys.base_prefix, str(Path(os.__file__).parent), str(Path(__file__).parents[2]))
    modules: dict[str, ModuleType | None] = {**sys.modules}  # None blocks an import
    return [
        module
        for name, module in modules.items()
        if module is not None
        and (name == "__main__" or not _is_installed(getattr(module, "__file__", None), libraries))
    ]


def _is_installed(file: str | None, libraries: tuple[str, ...]) -> bool:
    if file is None:  # built in
        return True
    return file.startswith(libraries) or not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _comes_from(value: object, library: str) -> bool:
    if isinstance(value, ModuleType):
        return value.__name__ == library or value.__name__.startswith(f"{library}.random")
    owner = getattr(value, "__self__", None)  # random.shuffle is a method of a hidden generator
    return (
        callable(value)
        and isinstance(getattr(value, "__module__", None), str)
        and (type(owner).__module__ == library or str(value.__module__).startswith(f"{library}.random"))
    )
