"""A part of a file, as a file."""

from __future__ import annotations

import io
import sys
from typing import Any, BinaryIO


class Stretch(io.RawIOBase):
    """The bytes of a file from `start` to `end` (None: its end)."""

    def __init__(self, raw: BinaryIO, start: int, end: int | None) -> None:
        self._raw = raw
        self._left = sys.maxsize if end is None else max(end - start, 0)
        raw.seek(start)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As of any raw file."""
        content = self._raw.read(min(len(buffer), self._left))
        buffer[: len(content)] = content
        self._left -= len(content)
        return len(content)
