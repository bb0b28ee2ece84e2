"""The machine: processor, memory, NVIDIA GPUs, and what the numeric libraries say of themselves once imported."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from labtop.model.run import Gpu, Hardware

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def capture_hardware() -> Hardware:
    """What the machine has; a fact that cannot be found is left out."""
    import psutil

    return Hardware(
        cpu=_cpu_name(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or None,
        memory_bytes=psutil.virtual_memory().total,
        gpus=_gpus(),
    )


def with_library_facts(hardware: Hardware) -> Hardware:
    """`hardware` and what imported libraries tell: CUDA and cuDNN by torch, BLAS by numpy. Imports nothing."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    threads = next((os.environ[name] for name in _THREAD_VARIABLES if os.environ.get(name)), "")
    return replace(
        hardware,
        cuda=_text(lambda: torch.version.cuda) if torch else hardware.cuda,
        cudnn=_text(lambda: torch.backends.cudnn.version()) if torch else hardware.cudnn,
        blas=_text(lambda: _blas(numpy)) if numpy else hardware.blas,
        blas_threads=int(threads) if threads.isdecimal() else hardware.blas_threads,
    )


def _text(ask: Callable[[], Any]) -> str | None:
    try:
        answer = ask()
    except Exception:  # half-imported libraries and odd builds raise anything
        return None
    return None if answer is None else str(answer)


def _blas(numpy: Any) -> str:
    facts = numpy.__config__.show("dicts")["Build Dependencies"]["blas"]
    return f"{facts['name']} {facts.get('version', '')}".strip()


def _cpu_name() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    if sys.platform == "darwin":
        ask = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        try:
            return subprocess.run(ask, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    return platform.processor() or platform.machine() or None


def _gpus() -> tuple[Gpu, ...]:
    """The GPUs the driver shows; none where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, no permission: there is nothing to record
        return ()
    try:
        driver = _decoded(pynvml.nvmlSystemGetDriverVersion())
        handles = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(
                name=_decoded(pynvml.nvmlDeviceGetName(handle)),
                memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
                driver=driver,
            )
            for handle in handles
        )
    except Exception:  # a driver that fails half-way
        return ()
    finally:
        pynvml.nvmlShutdown()


def _decoded(text: str | bytes) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
