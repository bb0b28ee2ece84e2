"""LevelDB's log format as W&B writes it: blocks of 32 KiB, in them fragments, of which a record has one or several.

A fragment is `u32 crc | u16 length | u8 kind | bytes`, little-endian; none crosses a block, and a rest of a block under
seven bytes is left unused (https://github.com/google/leveldb/blob/main/doc/log_format.md). W&B's checksum is plain
CRC-32 over kind and bytes, neither masked nor Castagnoli's, and the file begins with seven bytes of its own, which
count as part of the first block.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

HEADER = b":W&B\xe1\xbe\x00"
"""How a file begins: its kind, a magic number and a version."""

BLOCK = 32 * 1024
LARGEST_RECORD = 64 * 2**20  # bytes; a longer one is passed over

Entry = tuple[int, int, bytes]
"""Where a record begins, where it ends, and what it holds."""

_FRAGMENT = struct.Struct("<IHB")
_HEAD = _FRAGMENT.size
_READ_AT_ONCE = 64 * BLOCK
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = tuple(crc32(bytes([kind])) for kind in range(5))


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes in which no record could be found."""

    offset: int
    end: int
    reason: str


def read_log(
    file: BinaryIO, size: int, offset: int = len(HEADER), at_once: int = _READ_AT_ONCE
) -> Iterator[Entry | Damage]:
    """The records from `offset` on, which is where one begins.

    After damage it goes on with the next fragment that has its checksum, at the latest in the next block. A record that
    is not all there ends the reading without a word, as the file may still be written: look at the end of the last one.

    Arguments:
        size: of the file; what comes after is not looked at.
        at_once: bytes to read at once, whole blocks.
    """
    for several in read_stretches(file, size, offset, at_once):
        yield from several


def read_stretches(
    file: BinaryIO, size: int, offset: int = len(HEADER), at_once: int = _READ_AT_ONCE
) -> Iterator[list[Entry | Damage]]:
    """The same, as many at a time as end in what is read at once."""
    reading = _Reading(file, size, offset, at_once)
    while reading.at < size:
        yield list(reading.stretch())
    yield list(reading.rest())


class _Reading:
    """What is known between two stretches: where to go on, and the first fragments of a record."""

    def __init__(self, file: BinaryIO, size: int, offset: int, at_once: int) -> None:
        self._file = file
        self._size = size
        self._at_once = at_once
        self.at = offset
        self._begun: list[bytes] | None = None
        self._begun_at = 0
        self._damage: tuple[int, str] | None = None

    def stretch(self) -> Iterator[Entry | Damage]:
        """The records that end in the next blocks."""
        base = self.at - self.at % BLOCK
        self._file.seek(base)
        data = self._file.read(min(self._at_once, self._size - base))
        length_there = len(data)
        position = self.at - base
        if position >= length_there:  # the file became shorter
            self.at = self._size
            return
        if self._is_blank(data, position):
            self._broken(self.at, "zero bytes")
            self.at = self._next_data(base + length_there)
            return
        unpack, head, block, seeds, full = _FRAGMENT.unpack_from, _HEAD, BLOCK, _SEEDS, _FULL
        while True:
            left = block - position % block
            if left < head:
                position += left
                continue
            begin = position + head
            if begin > length_there:
                break
            crc, length, kind = unpack(data, position)
            end = begin + length
            if length > left - head or not 1 <= kind <= 4:
                self._broken(base + position, _reason(crc, length, kind))
                position += left
                continue
            if end > length_there:
                break
            content = data[begin:end]
            if crc32(content, seeds[kind]) != crc:
                self._broken(base + position, "a record does not have its checksum")
                position = end if _is_sound(data, end) else position + left
                continue
            if kind == full and self._damage is None and self._begun is None:
                yield base + position, base + end, content
            else:
                yield from self._fragment(kind, base + position, base + end, content)
            position = end
        self.at = base + position if base + length_there < self._size else self._size

    def _fragment(self, kind: int, start: int, end: int, content: bytes) -> Iterator[Entry | Damage]:
        """Take a fragment; the record, once it is whole."""
        if kind in (_FULL, _FIRST):
            if self._begun is not None:
                self._broken(start, "the end of a record is missing")
            if self._damage is not None:
                yield self._ended(start)
            self._begun, self._begun_at = [], start
        begun = self._begun
        if begun is None:
            self._broken(start, "the beginning of a record is missing")
            return
        begun.append(content)
        if sum(map(len, begun)) > LARGEST_RECORD:
            self._broken(self._begun_at, "a record is too long")
        elif kind in (_FULL, _LAST):
            self._begun = None
            yield self._begun_at, end, b"".join(begun)

    def rest(self) -> Iterator[Damage]:
        """What is to be said at the end."""
        if self._damage is not None:
            yield self._ended(self._size)

    def _broken(self, at: int, reason: str) -> None:
        self._damage = self._damage or (self._begun_at if self._begun else at, reason)
        self._begun = None

    def _ended(self, end: int) -> Damage:
        offset, reason = self._damage or (end, "")
        self._damage = None
        return Damage(offset, end, reason)

    @staticmethod
    def _is_blank(data: bytes, position: int) -> bool:
        return not data[position] and data.count(0, position) == len(data) - position

    def _next_data(self, at: int) -> int:
        """The block in which a sparse file has bytes again, so that a huge hole costs nothing."""
        if at < self._size and hasattr(os, "SEEK_DATA"):
            try:
                found = os.lseek(self._file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                import errno

                return self._size if error.errno == errno.ENXIO else at
            return found - found % BLOCK
        return at


def _reason(crc: int, length: int, kind: int) -> str:
    return "a record has an impossible head" if crc or length or kind else "zero bytes"


def _is_sound(data: bytes, at: int) -> bool:
    """Whether a fragment with its checksum begins at `at`."""
    left = BLOCK - at % BLOCK
    if left < _HEAD or at + _HEAD > len(data):
        return False
    crc, length, kind = _FRAGMENT.unpack_from(data, at)
    end = at + _HEAD + length
    if length > left - _HEAD or not 1 <= kind <= 4 or end > len(data):
        return False
    return bool(crc32(data[at + _HEAD : end], _SEEDS[kind]) == crc)
