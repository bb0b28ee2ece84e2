"""The machine: processor, memory, graphics processors, and how much of it this process may use."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

from labtop.model.run import Hardware
from labtop.recording.capture.gpus import find_gpus
from labtop.recording.capture.limits import cpu_limit, cpus_allowed, governor, memory_limit
from labtop.recording.capture.visible_gpus import known


def capture_hardware() -> Hardware:
    """What the machine has; a fact that cannot be found is left out."""
    import psutil

    gpus = find_gpus()
    return Hardware(
        cpu=_cpu_name(),
        architecture=platform.machine() or None,
        cores=known(lambda: psutil.cpu_count(logical=False) or psutil.cpu_count()) or None,
        cpus_allowed=cpus_allowed(),
        cpu_limit=cpu_limit(),
        governor=governor(),
        memory_bytes=known(lambda: psutil.virtual_memory().total),  # a /proc may be shut
        memory_limit_bytes=memory_limit(),
        gpus=gpus.found,
        gpus_hidden=gpus.hidden if gpus.found or gpus.hidden else None,
        cuda_driver=gpus.cuda_driver,
        rocm=gpus.rocm,
    )


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
