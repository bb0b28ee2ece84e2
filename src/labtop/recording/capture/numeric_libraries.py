"""What numeric libraries say of themselves once a program has imported them: CUDA, cuDNN, NCCL, ROCm, BLAS, threads.

Nothing is imported for it. What nobody imported is read from the packages that are installed, where those tell.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from labtop.model.run import Hardware
from labtop.recording.capture.visible_gpus import known

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PACKAGES = {
    "cuda": ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu13", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu11"),
    "cudnn": ("nvidia-cudnn-cu13", "nvidia-cudnn-cu12", "nvidia-cudnn-cu11"),
    "nccl": ("nvidia-nccl-cu13", "nvidia-nccl-cu12", "nvidia-nccl-cu11"),
}  # fmt: skip
# which loaded library it is → what of it tells the number of its threads
_THREAD_POOLS = (
    ("openblas", r"openblas", (
        "openblas_get_num_threads", "openblas_get_num_threads64_", "scipy_openblas_get_num_threads64_",
        "scipy_openblas_get_num_threads",
    )),
    ("mkl", r"libmkl_rt", ("MKL_Get_Max_Threads",)),
    ("blis", r"libblis", ("bli_thread_get_num_threads",)),
    ("openmp", r"libgomp|libiomp5|libomp\b", ("omp_get_max_threads",)),
)  # fmt: skip
_HAS_POOL = re.compile("|".join(f"(?:{pattern})" for _, pattern, _ in _THREAD_POOLS))


def with_library_facts(hardware: Hardware, packages: Mapping[str, str] | None = None) -> Hardware:
    """`hardware` and what imported libraries tell, or else the versions of `packages` that bring them."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    variable = next((os.environ[name] for name in _THREAD_VARIABLES if os.environ.get(name)), "")
    installed = packages or {}
    threads = thread_counts()
    blas = next((threads[name] for name in ("openblas", "mkl", "blis") if name in threads), None)
    return replace(
        hardware,
        cuda=_torch_says(torch, "version.cuda") or _tensorflow_says("cuda_version") or _installed(installed, "cuda")
        or hardware.cuda,
        cudnn=_cudnn(torch) or _tensorflow_says("cudnn_version") or _installed(installed, "cudnn") or hardware.cudnn,
        nccl=_nccl(torch) or _installed(installed, "nccl") or hardware.nccl,
        rocm=_torch_says(torch, "version.hip") or hardware.rocm,
        blas=known(lambda: _blas(numpy)) or hardware.blas,
        blas_threads=blas or (int(variable) if variable.isdecimal() else hardware.blas_threads),
        threads=threads or hardware.threads,
    )  # fmt: skip


def _torch_says(torch: Any, path: str) -> str | None:
    value = torch
    for name in path.split("."):
        value = getattr(value, name, None)
    return str(value) if value else None


def _cudnn(torch: Any) -> str | None:
    """9.1.0 for 90100, 8.9.2 for 8902; asking loads the library, so only where there is CUDA."""
    if torch is None or not _torch_says(torch, "version.cuda"):
        return None
    number = known(lambda: torch.backends.cudnn.version())
    if not isinstance(number, int):
        return None
    major = 10_000 if number >= 90_000 else 1000
    return f"{number // major}.{number % major // 100}.{number % 100}"


def _nccl(torch: Any) -> str | None:
    """As torch was built with; asked only where its module is there anyway."""
    nccl = sys.modules.get("torch.cuda.nccl")
    version = known(lambda: nccl.version()) if nccl and _torch_says(torch, "version.cuda") else None
    return ".".join(map(str, version)) if isinstance(version, tuple) else None


def _tensorflow_says(key: str) -> str | None:
    tensorflow: Any = sys.modules.get("tensorflow")
    value = known(lambda: tensorflow.sysconfig.get_build_info().get(key)) if tensorflow else None
    return str(value) if value else None


def _installed(packages: Mapping[str, str], what: str) -> str | None:
    return next((packages[name] for name in _PACKAGES[what] if packages.get(name)), None)


def _blas(numpy: Any) -> str:
    facts = numpy.__config__.show("dicts")["Build Dependencies"]["blas"]
    return f"{facts['name']} {facts.get('version', '')}".strip()


def thread_counts() -> dict[str, int]:
    """Threads that each numeric library of this process uses, by library."""
    counts: dict[str, int] = {}
    for name, count in (*_by_threadpoolctl(), *_by_loaded_libraries()):
        counts.setdefault(name, count)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(count := known(lambda: torch.get_num_threads()), int):
        counts["torch"] = count
    return counts


def _by_threadpoolctl() -> Iterator[tuple[str, int]]:
    """By threadpoolctl where the program brought it; scikit-learn does."""
    threadpoolctl = sys.modules.get("threadpoolctl")
    for pool in known(lambda: threadpoolctl.threadpool_info()) or () if threadpoolctl else ():
        if isinstance(count := pool.get("num_threads"), int):
            yield str(pool.get("internal_api", "unknown")), count


def _by_loaded_libraries() -> Iterator[tuple[str, int]]:
    """By asking the libraries themselves, on Linux: those this process has loaded are listed by the kernel."""
    for name, function in _thread_pools(_foreign_modules()):
        if 0 < (count := function()) < 100_000:
            yield name, count


def _foreign_modules() -> int:
    """How many modules are imported that may have brought a library: not Python's own, not labtop's."""
    return sum(name.partition(".")[0] not in _BRING_NONE for name in [*sys.modules])


_BRING_NONE = sys.stdlib_module_names | {"labtop", "psutil", "pynvml"}


@lru_cache(maxsize=1)
def _thread_pools(imported: int) -> tuple[tuple[str, Callable[[], int]], ...]:
    """Functions that tell numbers of threads, by library. The kernel takes 2 ms for the list: looked at again when
    something was `imported`, since it is asked at the end of every run.
    """
    found = []
    for path in _loaded_libraries():
        file = path.rpartition("/")[2]
        if not _HAS_POOL.search(file):  # nearly all of hundreds
            continue
        for name, pattern, functions in _THREAD_POOLS:
            if re.search(pattern, file) and (function := _function_of(path, functions)):
                found.append((name, function))
    return tuple(found)


def _loaded_libraries() -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_bytes().split(b"\n")
    except OSError:
        return []
    # of a library's four or five lines the one that may be executed
    found = {
        line[line.index(b"/") :] for line in lines if b" r-xp " in line and b".so" in line and b"/" in line
    }
    return sorted(path.decode("utf-8", "replace") for path in found)


def _function_of(path: str, functions: tuple[str, ...]) -> Callable[[], int] | None:
    """The first of these functions that the library has; it is there, and is not loaded again."""
    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD)
    except OSError:
        return None
    for name in functions:
        if (function := getattr(library, name, None)) is not None:
            function.restype, function.argtypes = ctypes.c_int, []
            known_function: Callable[[], int] = function
            return known_function
    return None
