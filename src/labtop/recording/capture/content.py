"""What a file holds: its hashes, its size and its lines, from reading it once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What reading a file once gave. `md5` is None where nobody asked for it, `lines` where the file is no table."""

    sha256: str
    md5: str | None
    bytes: int
    lines: int | None = None


class Changing(OSError):
    """A file that changes while it is read has no content that could be named."""


def read_content(path: Path, md5: bool = False, advance: Callable[[int], None] | None = None) -> Content:
    """Read a file once; again, if it was changed meanwhile. `advance` is told the bytes that were read.

    Raises:
        OSError: it cannot be read; `Changing` where it also changed the second time.
    """
    for _ in range(2):
        with path.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            content = _read(file.read, path.suffix.lower(), md5, advance)
            after = os.fstat(file.fileno())
        if (
            (before.st_size, before.st_mtime_ns)
            == (after.st_size, after.st_mtime_ns)
            == (
                content.bytes,
                after.st_mtime_ns,
            )
        ):
            return content
    raise Changing(None, f"{path.name} changes while it is read")


def _read(
    read: Callable[[int], bytes | None], suffix: str, md5: bool, advance: Callable[[int], None] | None
) -> Content:
    sha256 = hashlib.sha256()
    other = hashlib.md5(usedforsecurity=False) if md5 else None
    lines = _LINES[suffix]() if suffix in _LINES else None
    size = 0
    while chunk := read(_CHUNK):
        sha256.update(chunk)
        size += len(chunk)
        if other is not None:
            other.update(chunk)
        if lines is not None:
            lines.add(chunk)
        if advance is not None:
            advance(len(chunk))
    return Content(
        sha256.hexdigest(), other.hexdigest() if other else None, size, lines.count if lines else None
    )


class _TableLines:
    """Lines of a table of text; a line end inside quotes is none."""

    def __init__(self) -> None:
        self._ends = self._quotes = 0
        self._is_open = False

    def add(self, chunk: bytes) -> None:
        """The next piece of the file."""
        pieces = chunk.split(b'"')
        self._ends += sum(piece.count(b"\n") for piece in pieces[self._quotes % 2 :: 2])
        self._quotes += len(pieces) - 1
        self._is_open = not chunk.endswith(b"\n")

    @property
    def count(self) -> int:
        """How many there are, the last one too where nothing ends it."""
        return self._ends + self._is_open


class _FilledLines:
    """Lines that hold anything; quotes mean nothing to the lines of JSON."""

    def __init__(self) -> None:
        self._count = 0
        self._rest = False  # whether the line that is open holds anything

    def add(self, chunk: bytes) -> None:
        """The next piece of the file."""
        first, *others = chunk.split(b"\n")
        self._rest = self._rest or bool(first.strip())
        for piece in others:
            self._count += self._rest
            self._rest = bool(piece.strip())

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count + self._rest


_LINES: dict[str, type[_TableLines] | type[_FilledLines]] = {
    ".csv": _TableLines,
    ".tsv": _TableLines,
    ".jsonl": _FilledLines,
    ".ndjson": _FilledLines,
}
