"""Flags to open files with, on every system: what one lacks is 0 there."""

from __future__ import annotations

import os
from collections.abc import Callable

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
OWN: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
"""Not for children, and bytes as they are."""
READ: int = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | OWN
"""Reading that never waits for a pipe or a device."""
FOLDER: int | None = os.O_RDONLY | os.O_DIRECTORY | OWN if hasattr(os, "O_DIRECTORY") else None
"""A folder, to flush its names; None where only files can be opened."""


def _seek_and_read(descriptor: int, size: int, offset: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


read_at: Callable[[int, int, int], bytes] = getattr(os, "pread", _seek_and_read)
"""Up to so many bytes of a descriptor from an offset on. Windows has no `pread`: there the place in the file moves."""
