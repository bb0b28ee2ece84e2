"""What a process and its descendants take of processor and memory.

On Linux a few small files are read for each of them, found through `/proc/PID/task/*/children`: looking through all
processes of a busy machine, as is usual, would cost a hundred times as much.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

MOST_PROCESSES = 256
MOST_THREADS = 1024  # of the first process that are asked for children
_THREADS_EVERY = 4  # readings; main threads start most processes and are asked each time
_LARGEST = 65536


class Used(NamedTuple):
    """Processor time since the read before, and memory now (resident; what processes share counts for each)."""

    cpu_s: float
    memory_bytes: int


class ProcessTree:
    """A process and, on Linux, all that it started and that still lives."""

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._pid = pid
        self._proc = proc
        self._before: dict[int, float] = {}
        self._reads = 0
        self._of_threads: list[int] = []
        self._is_linux = sys.platform == "linux"
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

    def read(self) -> Used | None:
        """What was used; None when the process is gone."""
        now = dict(self._linux()) if self._is_linux else self._by_psutil()
        if not now:
            return None
        is_first = not self._before
        spent = 0.0 if is_first else sum(cpu - self._before.get(pid, 0.0) for pid, (cpu, _) in now.items())
        self._before = {pid: cpu for pid, (cpu, _) in now.items()}
        return Used(max(spent, 0.0), sum(memory for _, memory in now.values()))

    def _linux(self) -> Iterator[tuple[int, tuple[float, int]]]:
        self._reads += 1
        waiting = [self._pid]
        if self._reads % _THREADS_EVERY == 1:
            self._of_threads = [*self._children_of_threads()]
        seen = {self._pid, *self._of_threads}
        waiting += self._of_threads
        while waiting and len(seen) <= MOST_PROCESSES:
            pid = waiting.pop()
            try:
                # the name, in brackets, may hold anything: what follows begins at field 3
                facts = _read(f"{self._proc}/{pid}/stat").rpartition(b")")[2].split()
                yield pid, ((int(facts[11]) + int(facts[12])) / self._tick, int(facts[21]) * self._page)
            except (OSError, ValueError, IndexError):
                continue
            fresh = [child for child in self._children(pid, pid) if child not in seen]
            seen.update(fresh)
            waiting += fresh

    def _children(self, pid: int, thread: int | str) -> list[int]:
        """What a thread of a process has started."""
        try:
            return [int(each) for each in _read(f"{self._proc}/{pid}/task/{thread}/children").split()]
        except (OSError, ValueError):  # it has ended, or the kernel does not tell
            return []

    def _children_of_threads(self) -> Iterator[int]:
        """What the threads of the process have started, its main thread aside."""
        try:
            with os.scandir(f"{self._proc}/{self._pid}/task") as entries:
                threads = [each.name for each in islice(entries, MOST_THREADS)]
        except OSError:
            return
        for thread in threads:
            if thread != str(self._pid):
                yield from self._children(self._pid, thread)

    def _by_psutil(self) -> dict[int, tuple[float, int]]:
        import psutil

        try:
            process = psutil.Process(self._pid)
            times = process.cpu_times()
            return {self._pid: (times.user + times.system, process.memory_info().rss)}
        except psutil.Error:
            return {}


def _read(path: str) -> bytes:
    """The start of a small file that the kernel makes up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)
