"""Every touch of the file system by a writer, in one object, so that a test can make the Nth one fail."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from labtop.formats.opening import FOLDER, OWN, READ

_drafts = itertools.count(1)
_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has none


class Files:
    """The file system as it is. Each method raises OSError as the system call behind it does."""

    write = staticmethod(os.write)
    """Write bytes to a descriptor; may write fewer than asked. Static: it is on the path of every `log()`."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """Open a file and give its descriptor; children of this process don't inherit it."""
        return os.open(path, flags | OWN, mode)

    def sync_data(self, descriptor: int) -> None:
        """Return when the bytes of a file are on the disk."""
        _sync_data(descriptor)

    def is_removed(self, descriptor: int) -> bool:
        """Whether a file has lost its last name: what is written to it is nowhere."""
        return os.fstat(descriptor).st_nlink == 0

    def size(self, descriptor: int) -> int:
        """How many bytes a file has; 0 if the system will not say."""
        try:
            return os.fstat(descriptor).st_size
        except OSError:
            return 0

    def close(self, descriptor: int) -> None:
        """Close a descriptor. Network file systems report a failed write only here."""
        os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Put a file in the place of another, all at once."""
        old.replace(new)

    def unlink(self, path: Path) -> None:
        """Remove a file that may be gone already."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""
        if FOLDER is None:  # Windows has no such thing, and writes names down by itself
            return
        descriptor = os.open(folder, FOLDER)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


FILES = Files()


def write_all(files: Files, descriptor: int, content: bytes) -> None:
    """Write every byte: a full disk may take some of them without an error."""
    rest = memoryview(content)
    while rest:
        written = files.write(descriptor, rest)
        if written == 0:
            time.sleep(0.001)  # not forbidden by POSIX; never spin on it
        rest = rest[written:]


def replace_file(
    path: Path,
    content: bytes,
    *,
    files: Files = FILES,
    mode: int = 0o600,
    sync: bool = True,
    check: Callable[[Path], None] = lambda _: None,
) -> None:
    """Write `path` whole: a draft in the same folder, flushed, checked and renamed over. On failure nothing changes.

    The draft's name is never used twice, so that a signal handler may interrupt this and do the same again.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{next(_drafts)}.tmp")
    try:
        descriptor = files.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            write_all(files, descriptor, content)
            if sync:
                files.sync_data(descriptor)
        except BaseException:
            _close_quietly(files, descriptor)
            raise
        files.close(descriptor)
        check(draft)
        files.rename(draft, path)
    except BaseException:
        unlink_quietly(files, draft)
        raise


def unlink_quietly(files: Files, path: Path) -> None:
    """Remove a file that nobody needs; when that fails it stays, which readers bear."""
    try:
        files.unlink(path)
    except OSError:
        pass


def _close_quietly(files: Files, descriptor: int) -> None:
    try:
        files.close(descriptor)
    except OSError:
        pass


def read_regular(path: Path, most_bytes: int, offset: int = 0) -> bytes:
    """Up to `most_bytes` of a file from `offset` on; a pipe or device never makes the reader wait.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    descriptor = os.open(path, READ)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if offset:
            os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, min(most_bytes, max(status.st_size - offset, 0)))
    finally:
        os.close(descriptor)
