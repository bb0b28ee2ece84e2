"""Starts a command with given streams, as the shell would have: signals, mask and descriptors as they came to us."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

_DEFAULT_AGAIN = tuple(
    getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)
)  # Python ignores these, and a command would inherit that


class NotStarted(Exception):
    """A command could not be started; `exit_code` is what a shell says then."""

    def __init__(self, program: str, number: int) -> None:
        self.program = program
        self.number = number
        self.exit_code = 127 if number in (2, 20) else 126  # ENOENT, ENOTDIR: not found
        reason = "no such command" if self.exit_code == 127 else os.strerror(number)
        super().__init__(f"cannot start {program!r}: {reason}")

    def tell(self) -> int:
        """Say it; gives the exit code."""
        print(f"labtop: {self}", file=sys.stderr)
        return self.exit_code


def spawn(argv: list[str], environment: Mapping[str, str], streams: Mapping[int, int], mask: set[int]) -> int:
    """Start a command in this session and process group; its number.

    Arguments:
        streams: descriptor of the command → ours; the others are inherited.
        mask: the signals that it shall have blocked.

    Raises:
        NotStarted: there is no such command, or it may not be run.
    """
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams.items()]

    def start(file: str, arguments: list[str]) -> int:
        return os.posix_spawnp(
            file, arguments, environment, file_actions=actions, setsigmask=mask, setsigdef=_DEFAULT_AGAIN
        )

    try:
        return start(argv[0], argv)
    except OSError as error:
        if error.errno == 8 and (script := find_program(argv[0])):  # ENOEXEC: a script without a first line
            try:
                return start("/bin/sh", ["/bin/sh", script, *argv[1:]])
            except OSError as again:
                raise NotStarted(argv[0], again.errno or 0) from again
        raise NotStarted(argv[0], error.errno or 0) from error


def become(argv: list[str], environment: Mapping[str, str], mask: set[int]) -> int:
    """Turn this forked process into the command; gives the error number if that cannot be."""
    for number in _DEFAULT_AGAIN:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        if error.errno == 8 and (script := find_program(argv[0])):
            try:
                os.execve("/bin/sh", ["/bin/sh", script, *argv[1:]], environment)
            except OSError as again:
                return again.errno or 1
        return error.errno or 1
    except ValueError:  # an argument with a NUL: none that came from a command line
        return 22


def find_program(name: str) -> str | None:
    """The file that a command's name stands for, as a shell looks it up; None where there is none."""
    if "/" in name:
        return name if os.access(name, os.X_OK) else None
    for folder in os.get_exec_path():
        file = f"{folder or '.'}/{name}"
        if os.access(file, os.X_OK) and os.path.isfile(file):  # noqa: PTH113
            return file
    return None
