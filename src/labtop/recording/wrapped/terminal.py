"""The terminal that labtop was started in: its modes, its size, and pseudo-terminals that look like it."""

from __future__ import annotations

import fcntl
import os
import termios

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from typing import Any

_INPUT, _OUTPUT, _CONTROL, _LOCAL, _CHARACTERS = 0, 1, 2, 3, 6
_NO_SIZE = bytes(8)


def modes_of(descriptor: int) -> list[Any] | None:
    """The modes of a terminal; None for what is none."""
    try:
        return termios.tcgetattr(descriptor)
    except termios.error:
        return None


def set_modes(descriptor: int, modes: list[Any]) -> None:
    """Give a terminal modes; one that is gone is no trouble."""
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
    except termios.error:
        pass


def raw(modes: list[Any]) -> list[Any]:
    """Modes in which every byte passes unchanged in both directions."""
    changed = [*modes[:_CHARACTERS], [*modes[_CHARACTERS]]]
    changed[_INPUT] &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
        | termios.ICRNL | termios.IXON | termios.INPCK
    )  # fmt: skip
    changed[_OUTPUT] &= ~termios.OPOST
    changed[_CONTROL] = (changed[_CONTROL] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    changed[_LOCAL] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    changed[_CHARACTERS][termios.VMIN] = 1
    changed[_CHARACTERS][termios.VTIME] = 0
    return changed


def open_like(terminal: int, only_output: bool = False) -> tuple[int, int]:
    """A pseudo-terminal (our end, the command's end) with the modes and size of a terminal.

    `only_output`: nothing is translated in it, since the terminal behind it does that.
    """
    ours, theirs = os.openpty()
    modes = modes_of(terminal)
    if modes is not None:
        if only_output:
            modes[_OUTPUT] &= ~termios.OPOST
            modes[_LOCAL] &= ~termios.ECHO
        set_modes(theirs, modes)
    copy_size(terminal, ours)
    return ours, theirs


def copy_size(terminal: int, ours: int) -> None:
    """Give a pseudo-terminal the size of a terminal; who waits in it for that is told by the system."""
    try:
        size = fcntl.ioctl(terminal, termios.TIOCGWINSZ, _NO_SIZE)
        if size != fcntl.ioctl(ours, termios.TIOCGWINSZ, _NO_SIZE):
            fcntl.ioctl(ours, termios.TIOCSWINSZ, size)
    except OSError:
        pass


def is_in_front(terminal: int) -> bool:
    """Whether our process group is the one that the terminal's keys go to."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False


def is_same_file(one: int, other: int) -> bool:
    """Whether two descriptors lead to one file, pipe or terminal. False where one is closed."""
    try:
        a, b = os.fstat(one), os.fstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino, a.st_rdev) == (b.st_dev, b.st_ino, b.st_rdev)


def is_open(descriptor: int) -> bool:
    """Whether a descriptor leads anywhere."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
