"""A file descriptor whose number stays the same while it leads to one file after another.

Who has read the number may use it a moment later, in another thread, when the file it meant has been closed. The
number must never be given to another file of the program then: what is written to it would land there.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress

from labtop.formats.opening import OWN

_parked: deque[tuple[float, int]] = deque()
"""Numbers that lead nowhere, the oldest first, each with the time at which it was parked. Later runs take them."""
_RESTS_S = 5.0  # nobody is late by that much


def another_number(descriptor: int) -> int:
    """A number of its own for the file of `descriptor`; leads nowhere where that is -1. -1 when none is to be had."""
    number = _rested()
    if number < 0:
        number = _nowhere()
    redirect(number, descriptor)
    return number


def redirect(number: int, descriptor: int) -> None:
    """Let the number lead to the file of `descriptor` from now on; nothing happens where one of them is -1."""
    if number >= 0 and descriptor >= 0:
        os.dup2(descriptor, number, inheritable=False)


def park(number: int) -> None:
    """Let the number lead nowhere, until a later run needs one."""
    nowhere = _nowhere()
    with suppress(OSError):  # the last close of a file on a network may say that it failed: nobody needs it
        redirect(number, nowhere)
    if nowhere >= 0:
        os.close(nowhere)
    _parked.append((time.monotonic(), number))


def _rested() -> int:
    try:
        since, number = _parked.popleft()
    except IndexError:
        return -1
    if time.monotonic() - since >= _RESTS_S:
        return number
    _parked.appendleft((since, number))
    return -1


def _nowhere() -> int:
    try:
        return os.open(os.devnull, os.O_WRONLY | OWN)
    except OSError:  # too many files are open, or there is no such device
        return -1
