"""Opens files of a run by the paths that its record names, and never leaves the run's folder by them.

A record may come from anybody. So a path is parsed once, walked part by part from an open folder, and no link is
followed below it: nothing can be swapped between the check and the opening.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labtop.errors import InputError

_LONGEST_PATH = 4096
_DEEPEST = 64
_DRIVE = re.compile(r"[A-Za-z]:")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://?")
_CAN_WALK = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


def parse_inside(path: str) -> tuple[str, ...]:
    """The parts of a path that a record names, relative to the run's folder.

    Raises:
        InputError: it is absolute, leads upwards, is an address, or holds what no file name can.
    """
    reason = _why_not(path)
    if reason:
        raise InputError(
            f"the path {path[:200]!r} is refused: {reason}", "the record was changed by somebody"
        )
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _why_not(path: str) -> str:
    parts = path.split("/")
    if len(path) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return "it is too long"
    if any(ord(each) < 32 or ord(each) == 127 for each in path):
        return "it holds control characters"
    if "\\" in path:
        return "it holds a backslash"
    if path.startswith(("/", "~")) or _DRIVE.match(path) or _ADDRESS.match(path):
        return "it is not relative to the run"
    if any(part.strip() in ("..", "...") for part in parts):
        return "it leads upwards"
    if not any(part not in ("", ".") for part in parts):
        return "it names no file"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "it is no text that a file can be named by"
    return ""


@contextmanager
def open_inside(root: Path, path: str) -> Iterator[int]:
    """A descriptor of the regular file `path` below `root`, closed at the end; never follows a link below `root`.

    Raises:
        InputError: the path leads elsewhere, or to a link, pipe, device or folder.
        OSError: it is not there or may not be read.
    """
    parts = parse_inside(path)
    descriptor = _walk(root, parts) if _CAN_WALK else _resolved(root, parts)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"{path!r} is not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def _walk(root: Path, parts: tuple[str, ...]) -> int:
    """Open part by part, each from the folder before it, without following links."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO):
            raise InputError(
                f"{'/'.join(parts)!r} is refused: a link, a pipe or no folder on its way"
            ) from error
        raise
    finally:
        os.close(folder)


def _resolved(root: Path, parts: tuple[str, ...]) -> int:
    """Where folders cannot be walked by descriptors (Windows): resolve, and compare."""
    path = root.joinpath(*parts)
    if not path.resolve(strict=True).is_relative_to(root.resolve()):
        raise InputError(f"{'/'.join(parts)!r} is refused: it leads out of the run")
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def read_inside(root: Path, path: str, most_bytes: int) -> bytes:
    """The content of a file that a record names, as `open_inside` opens it.

    Raises:
        InputError: as there, or it is larger than `most_bytes`.
        OSError: it is not there or may not be read.
    """
    with open_inside(root, path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > most_bytes:
            raise InputError(f"{path!r} is too large to be read at once: {size} bytes")
        content = bytearray()
        while len(content) <= most_bytes and (chunk := os.read(descriptor, 1 << 20)):
            content += chunk
        if len(content) > most_bytes:
            raise InputError(f"{path!r} is too large to be read at once")
        return bytes(content)
