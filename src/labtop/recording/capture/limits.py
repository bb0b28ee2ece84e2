"""How much of the machine this process may use: processors by affinity, time and memory by control group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_NO_LIMIT = 2**60  # what version 1 says for no limit is about 2⁶³


def cpus_allowed() -> int | None:
    """How many processors the affinity of this process allows."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def governor(system: Path = Path("/sys")) -> str | None:
    """How the clock of the first processor is governed: performance, powersave, …"""
    return _read(system / "devices/system/cpu/cpu0/cpufreq/scaling_governor")


def cpu_limit(root: Path = Path("/")) -> float | None:
    """Processors' worth of time that the control groups grant; None without a limit."""
    limits: list[float] = []
    for folder in _groups(root, "cpu"):
        quota, _, period = (_read(folder / "cpu.max") or "").partition(" ")
        if not quota:
            quota = _read(folder / "cpu.cfs_quota_us") or ""
            period = _read(folder / "cpu.cfs_period_us") or ""
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(int(quota) / int(period))
    return round(min(limits), 3) if limits else None


def memory_limit(root: Path = Path("/")) -> int | None:
    """Bytes that the control groups grant; None without a limit."""
    words = (
        _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes") or ""
        for folder in _groups(root, "memory")
    )
    limits = [int(word) for word in words if word.isdecimal() and int(word) < _NO_LIMIT]
    return min(limits, default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control group and all above it, in version 2 and in version 1."""
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        inside = Path(group.strip("/"))
        yield from (top / each for each in (inside, *inside.parents) if ".." not in each.parts)


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip() or None
    except OSError:
        return None
