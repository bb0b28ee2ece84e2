"""Who a process is, so that a reader on the same host can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

from labtop.model.run import Process

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TOLERANCE_S = 1.5  # the kernel tells the boot time in whole seconds


def this_process() -> Process:
    """The process that asks, as its run's record should name it."""
    pid = os.getpid()
    return Process(host=this_host(), pid=pid, boot_id=this_boot_id(), pid_started=process_started(pid))


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


@cache
def this_boot_id() -> str | None:
    """What changes with every start of this machine; None where the system does not say."""
    try:
        return _BOOT_ID.read_text("ascii").strip() or None
    except OSError:
        return None


def process_started(pid: int) -> float | None:
    """When process `pid` was started, in seconds since this machine was: no clock change moves that. None: gone."""
    import psutil

    try:
        booted = psutil.boot_time()  # asked first: psutil may remember it for create_time
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        started: float = process.create_time() - booted
    except psutil.Error:
        return None
    return round(started, 2)


def is_gone(process: Process) -> bool | None:
    """Whether a process has surely ended; None where that cannot be seen from here."""
    if process.pid is None or process.host != this_host():
        return None
    if process.boot_id and this_boot_id() and process.boot_id != this_boot_id():
        return True
    started = process_started(process.pid)
    if started is None:
        return True
    if process.pid_started is None:
        return None
    return abs(started - process.pid_started) > _TOLERANCE_S
