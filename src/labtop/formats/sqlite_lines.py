"""Undoes what a conversion of line ends does to a SQLite database: Git with `* text`, or FTP in its text mode.

Every line feed gets a carriage return in front, so nothing in the file lies where it did: SQLite finds it malformed or,
worse, finds tables without rows. Taking them out gives the file as it was, unless it had some of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import open_regular, read_bytes

_MOST = 64 * 2**20
_BLOCK = 2**20
_HEADER = 100
_MAGIC = b"SQLite format 3\0"


def is_converted(path: Path) -> bool:
    """Whether a database has a part of a page at its end, and before each line feed a carriage return."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEADER)
            size = os.fstat(file.fileno()).st_size
            page = page_size(head)
            if not head.startswith(_MAGIC) or not page or not size % page:
                return False
            before, seen, block = b"", False, head
            while block:
                if (before + block).count(b"\n") != (before + block).count(b"\r\n"):
                    return False
                seen = seen or b"\n" in block
                before, block = block[-1:] if block.endswith(b"\r") else b"", file.read(_BLOCK)
            return seen
    except (OSError, InputError):
        return False


def restored(path: Path) -> bytes:
    """The database as it was before, to be opened in memory: not in WAL mode. Raises OSError, InputError."""
    try:
        content = bytearray(read_bytes(path, _MOST).replace(b"\r\n", b"\n"))
    except InputError as error:
        raise InputError(
            f"{path}: its line ends were converted (LF to CRLF), and it is too large to undo that"
        ) from error
    content += bytes(-len(content) % page_size(bytes(content[:_HEADER])))
    content[18:20] = b"\1\1"
    return bytes(content)


def page_size(header: bytes) -> int:
    """The bytes of a page as the header of a database tells them; 0 where it cannot be one."""
    size = int.from_bytes(header[16:18], "big")
    size = 65_536 if size == 1 else size
    return size if size >= 512 and not size & (size - 1) else 0
