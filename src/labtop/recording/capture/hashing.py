"""Files read and hashed in one pass, never through a link that leads elsewhere; and small files written whole."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from labtop.formats.opening import NO_FOLLOW, READ

_CHUNK = 1 << 20


def open_regular(path: Path) -> int:
    """A descriptor of a regular file; a link, a pipe or a device is an OSError and never blocks."""
    descriptor = os.open(path, READ | NO_FOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def chunks(descriptor: int) -> Iterator[bytes]:
    """The content behind a descriptor, piece by piece; closes it at the end."""
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def sha256_of(path: Path, also: Callable[[bytes], object] | None = None) -> tuple[str, int]:
    """SHA-256 and size of a regular file; `also` is given each piece that was read, to copy in the same pass."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(open_regular(path)):
        digest.update(chunk)
        size += len(chunk)
        if also is not None:
            also(chunk)
    return digest.hexdigest(), size


def write_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file under a temporary name and give it its own; nothing is ever half there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
