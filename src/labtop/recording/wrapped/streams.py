"""A started command and the ends of its streams, and how it is started where not all of them are one terminal.

There (in pipes, in scripts, in the background) the command stays in our session and process group and keeps our stdin
itself: the keys of a terminal, job control and `/dev/tty` reach it as without us. Only what it writes passes through
us: through a pipe, or a pseudo-terminal where a terminal was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from labtop.recording.wrapped.starting import spawn
from labtop.recording.wrapped.terminal import is_same_file, open_like

STDIN, STDOUT, STDERR = 0, 1, 2
NAMES = {STDOUT: "stdout", STDERR: "stderr"}


class Outlet:
    """One stream of the command: `source` is read by us and goes to `target`; `terminal`: it is a pseudo-terminal."""

    def __init__(self, target: int, source: int, terminal: bool) -> None:
        self.name = NAMES[target]
        self.target = target
        self.source = source
        self.terminal = terminal


class Started:
    """A command that runs.

    `keyboard` is our end of its terminal, to which keys go; -1 where it has our stdin itself. `reports` tells what
    becomes of it (guarded.py), `leash` lets its guard go; both -1 for a child of our own.
    """

    def __init__(
        self, pid: int, outlets: list[Outlet], keyboard: int = -1, reports: int = -1, leash: int = -1
    ) -> None:
        self.pid = pid
        self.outlets = outlets
        self.keyboard = keyboard
        self.reports = reports
        self.leash = leash


def fill_closed_streams() -> None:
    """Take the numbers 0 to 2 where they are free, for us alone: no pipe of ours may get one of them."""
    while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= STDERR:
        pass
    os.close(descriptor)


def open_outlet(target: int) -> tuple[Outlet, int]:
    """A pipe, or a pseudo-terminal, that leads to a stream of ours; and the command's end of it."""
    is_terminal = os.isatty(target)
    ours, theirs = open_like(target, only_output=True) if is_terminal else os.pipe()
    return Outlet(target, ours, is_terminal), theirs


def start_beside(argv: list[str], environment: Mapping[str, str], mask: set[int]) -> Started:
    """Start a command in our own process group.

    Raises:
        NotStarted: there is no such command, or it may not be run.
    """
    outlets: list[Outlet] = []
    streams: dict[int, int] = {}
    for target in (STDOUT, STDERR):
        if not os.get_inheritable(target):  # closed, as `fill_closed_streams` found it
            continue
        if target == STDERR and STDOUT in streams and is_same_file(STDOUT, STDERR):
            streams[STDERR] = streams[STDOUT]  # one stream keeps the order of what is written to both
            continue
        outlet, streams[target] = open_outlet(target)
        outlets.append(outlet)
    try:
        pid = spawn(argv, environment, streams, mask)
    finally:
        for descriptor in {*streams.values()}:
            os.close(descriptor)
    return Started(pid, outlets)
