"""Seeds the random libraries a program has imported, and tells which of them nobody seeded."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from labtop.model.run import Randomness, Value
from labtop.recording.capture.visible_gpus import known

_LIBRARIES = {
    "python": "random",
    "numpy": "numpy",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "cupy": "cupy",
}
"""Libraries that keep a state to seed. JAX keeps none: its programs make every key from a number of their own."""
_USES_NUMPY = ("sklearn", "pandas", "scipy", "torch", "tensorflow", "jax", "xgboost", "lightgbm")
_TORCH_DEFAULT_SEED = 67280421310721
_LARGEST_GIVEN_SEED = 2**53  # torch's newer versions begin with 64 random bits; people write smaller numbers


@dataclass(frozen=True, slots=True)
class Seeded:
    """What seeding did: the seeds by library, flags that were set, and words about what it could not do."""

    seeds: Mapping[str, int]
    flags: Mapping[str, Value] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


def seed_libraries(seed: int, deterministic: bool) -> Seeded:
    """Seed python and every imported library.

    `deterministic` also asks torch and tensorflow for operations that give the same answer twice. JAX keeps no
    state to seed: its seed is recorded, and `jax.random.key` is the program's to call.
    """
    random.seed(seed)
    seeds = {"python": seed}
    flags: dict[str, Value] = {}
    advice: list[str] = []
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
        seeds["numpy"] = seed % 2**32
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)  # CUDA and MPS with it
        seeds["torch"] = seed
        if deterministic:
            advice += _make_torch_deterministic(torch)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.random.set_seed(seed)
        seeds["tensorflow"] = seed
        if deterministic:
            tensorflow.config.experimental.enable_op_determinism()
            flags["tensorflow.op_determinism"] = True
    if cupy := sys.modules.get("cupy"):
        cupy.random.seed(seed % 2**32)
        seeds["cupy"] = seed % 2**32
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(seed % 2**32)  # Keras 3 draws from a generator of its own on any backend
        seeds["keras"] = seed % 2**32
    if "jax" in sys.modules:
        seeds["jax"] = seed
    if deterministic and not os.environ.get("PYTHONHASHSEED", "").isdecimal():
        advice.append(
            "the order of sets of texts still changes from run to run: start Python with PYTHONHASHSEED=0 to fix it"
        )
    return Seeded(seeds, flags, tuple(advice))


def seed_worker(worker_id: int) -> None:
    """Seed python and numpy in a worker of a DataLoader from the seed that torch gave the worker.

    Torch seeds only itself there; without this, workers that are forked draw the same numbers from numpy.

        DataLoader(data, num_workers=4, worker_init_fn=labtop.seed_worker, generator=torch.Generator().manual_seed(42))
    """
    torch: Any = sys.modules.get("torch")
    seed = int(torch.initial_seed()) % 2**32 if torch is not None else worker_id
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed)


def _make_torch_deterministic(torch: Any) -> list[str]:
    advice = []
    if "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is not deterministic without
        if known(lambda: torch.cuda.is_initialized()) is True:
            advice.append(
                "CUDA was in use before seed(deterministic=True): call it first, or set CUBLAS_WORKSPACE_CONFIG=:4096:8"
            )
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    return advice


def already_imported() -> frozenset[str]:
    """The random libraries a program had imported before labtop brought in any of its own."""
    return frozenset(
        name for name, module in _LIBRARIES.items() if name != "python" and module in sys.modules
    )


def unseeded(randomness: Randomness) -> tuple[str, ...]:
    """The libraries that were imported and never seeded."""
    return tuple(name for name in randomness.imported if name not in randomness.seeds)


def hash_seed() -> str:
    """What Python orders sets of texts by in this process: PYTHONHASHSEED, or "random"."""
    return os.environ.get("PYTHONHASHSEED") or "random"


def randomness_now(recorded: Randomness, imported_before: frozenset[str]) -> Randomness:
    """`recorded` completed by what can be seen of the libraries now: flags, torch's own seed, who was imported."""
    seeds, flags = dict(recorded.seeds), dict(recorded.flags)
    flags["PYTHONHASHSEED"] = hash_seed()
    if torch := sys.modules.get("torch"):
        flags |= _torch_flags(torch)
        if "torch" not in seeds and (own := _torch_seed(torch)) is not None:
            seeds["torch"] = own
    if "tensorflow" not in seeds and (own := _tensorflow_seed()) is not None:
        seeds["tensorflow"] = own
    imported = {*recorded.imported, *imported_before, *_used_by_program()}
    if "numpy" in imported and "numpy" not in seeds and _numpy_was_seeded():
        flags["numpy.seeded"] = "by the program"
        imported.remove("numpy")
    return replace(recorded, seeds=seeds, flags=flags, imported=tuple(sorted(imported)))


def _tensorflow_seed() -> int | None:
    """The seed that the program gave to `tensorflow.random.set_seed`."""
    context: Any = sys.modules.get("tensorflow.python.eager.context")
    seed = known(lambda: context.global_seed()) if context is not None else None
    return seed if isinstance(seed, int) and abs(seed) < 2**63 else None


def _numpy_was_seeded() -> bool:
    """Whether the program seeded numpy's global generator itself: then it no longer has the entropy it began with.

    Which seed it was cannot be known; that the program sets it each time is enough to have the numbers again.
    """
    numpy: Any = sys.modules.get("numpy")
    generator = known(lambda: numpy.random.mtrand._rand._bit_generator)
    return generator is not None and getattr(generator, "_seed_seq", generator) is None


def _torch_flags(torch: Any) -> dict[str, Value]:
    try:
        return {
            "torch.deterministic_algorithms": bool(torch.are_deterministic_algorithms_enabled()),
            "cudnn.deterministic": bool(torch.backends.cudnn.deterministic),
            "cudnn.benchmark": bool(torch.backends.cudnn.benchmark),
            **_torch_precision(torch),
        }
    except Exception:  # a torch that is half imported, or built without
        return {}


def _torch_precision(torch: Any) -> dict[str, Value]:
    """How exactly matrices are multiplied, where that was changed."""
    precision = known(lambda: torch.get_float32_matmul_precision())
    return {"torch.float32_matmul_precision": precision} if precision in ("high", "medium") else {}


def _torch_seed(torch: Any) -> int | None:
    """The seed somebody gave torch with `manual_seed`; None where it still has its own."""
    try:
        seed = int(torch.initial_seed())
    except Exception:
        return None
    return seed if seed != _TORCH_DEFAULT_SEED and abs(seed) < _LARGEST_GIVEN_SEED else None


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
    modules: dict[str, ModuleType | None] = {**sys.modules}  # None blocks an import
    return [
        module
        for name, module in modules.items()
        if module is not None and (name == "__main__" or not _is_installed(getattr(module, "__file__", None)))
    ]


_INSTALLED = frozenset(("site-packages", "dist-packages"))
_LIBRARIES_AT = (sys.prefix, sys.base_prefix, str(Path(os.__file__).parent), str(Path(__file__).parents[2]))


@cache  # this is asked of every module at the end of every run
def _is_installed(file: str | None) -> bool:
    if file is None:  # built in
        return True
    return file.startswith(_LIBRARIES_AT) or not _INSTALLED.isdisjoint(file.replace("\\", "/").split("/"))


def _comes_from(value: object, library: str) -> bool:
    if isinstance(value, ModuleType):
        return value.__name__ == library or value.__name__.startswith(f"{library}.random")
    owner = getattr(value, "__self__", None)  # random.shuffle is a method of a hidden generator
    return (
        callable(value)
        and isinstance(getattr(value, "__module__", None), str)
        and (type(owner).__module__ == library or str(value.__module__).startswith(f"{library}.random"))
    )
