"""The lock of one run's folder: one process at a time brings it to another place.

Where the system has `flock`, the folder itself is locked and nothing is written. Windows locks files only: there it is
a byte of a hidden file beside the folder, which may then be renamed. In both, the end of a process lets go.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOCK_SUFFIX = ".lock"
_BETWEEN_TRIES_S = 0.05
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL)


@contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """Wait until no other process holds this run, and hold it. Where there are no locks, create-once has to do.

    Raises:
        OSError: there is no such folder, or it may not be opened.
    """
    try:
        import fcntl
    except ImportError:
        with _alone_by_file(folder):
            yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                raise
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _alone_by_file(folder: Path) -> Iterator[None]:
    folder.stat()  # as opening it would
    try:
        import importlib

        msvcrt: Any = importlib.import_module("msvcrt")
    except ImportError:  # neither kind of lock
        yield
        return
    path = folder.with_name(f".{folder.name.lstrip('.')}{LOCK_SUFFIX}")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                os.lseek(descriptor, 0, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                break
            except OSError:  # another process holds it
                time.sleep(_BETWEEN_TRIES_S)
        yield
    finally:
        os.close(descriptor)  # which lets go of it
        with suppress(OSError):  # another waits for it: it is theirs to remove
            path.unlink()
