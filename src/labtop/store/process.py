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
    """When process `pid` was started, in seconds since this machine was: no clock change moves that.

    None: it is gone, or the system does not tell.
    """
    try:
        return _started(pid)
    except OSError:
        return None


def is_gone(process: Process) -> bool | None:
    """Whether a process has surely ended; None where that cannot be seen from here."""
    if process.pid is None or process.host != this_host():
        return None
    if process.boot_id and this_boot_id() and process.boot_id != this_boot_id():
        return True
    try:
        started = _started(process.pid)
    except OSError:
        return None
    if started is None:
        return True
    if process.pid_started is None:
        return None
    return abs(started - process.pid_started) > _TOLERANCE_S


def _started(pid: int) -> float | None:
    """As `process_started`, but None only for what is gone.

    Raises:
        OSError: the system does not tell: a `/proc` that is shut, or a process of somebody else.
    """
    import psutil

    try:
        booted = psutil.boot_time()  # asked first: psutil may remember it for create_time
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        started: float = process.create_time() - booted
    except psutil.AccessDenied as error:
        raise PermissionError(str(error)) from error
    except psutil.Error:
        if _is_hidden(pid):
            raise PermissionError(f"process {pid} is hidden") from None
        return None
    except RuntimeError as error:  # a /proc without the line that tells when the machine was started
        raise OSError(str(error)) from error
    return round(started, 2)


def _is_hidden(pid: int) -> bool:
    """Whether a process that is not shown is there all the same: others' processes with `hidepid`."""
    if os.name != "posix":  # elsewhere signal 0 is no question
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
