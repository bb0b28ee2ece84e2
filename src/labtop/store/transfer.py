"""Copies files from one store to another and proves each copy before it gets its name."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.opening import NO_FOLLOW, READ
from labtop.store.files import FILES, Files, unlink_quietly, write_all

_PIECE = 2**20
_drafts = itertools.count(1)


def copy_proven(
    source: Path,
    target: Path,
    *,
    most_bytes: int | None = None,
    mtime_ns: int | None = None,
    mode: int = 0o600,
    files: Files = FILES,
) -> str:
    """Copy a file: to a draft, flushed, read back and compared, then renamed over `target`. Gives its SHA-256.

    Arguments:
        most_bytes: of a file that grows, what is copied.
        mtime_ns: the modification time of the copy.

    Raises:
        OSError: the system would not; nothing has changed.
        InputError: what was read back is not what was written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}-{next(_drafts)}.tmp")
    try:
        descriptor = files.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        digest = hashlib.sha256()
        try:
            for piece in _pieces(source, most_bytes):
                digest.update(piece)
                write_all(files, descriptor, piece)
            files.sync_data(descriptor)
        finally:
            files.close(descriptor)
        if sha256_of_file(draft) != digest.hexdigest():
            raise InputError(f"{target}: what was written did not read back the same")
        if mtime_ns is not None:
            os.utime(draft, ns=(mtime_ns, mtime_ns))
        files.rename(draft, target)
        return digest.hexdigest()
    except BaseException:
        unlink_quietly(files, draft)
        raise


def sha256_of_file(path: Path, most_bytes: int | None = None) -> str:
    """The SHA-256 of a regular file, or of its beginning.

    Raises:
        OSError: it cannot be read, or is a link, a pipe or a folder.
    """
    digest = hashlib.sha256()
    for piece in _pieces(path, most_bytes):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path, most_bytes: int | None) -> Iterator[bytes]:
    flags = READ | NO_FOLLOW
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        left = most_bytes
        while left is None or left > 0:
            piece = os.read(descriptor, _PIECE if left is None else min(_PIECE, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece
    finally:
        os.close(descriptor)
