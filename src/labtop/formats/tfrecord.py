"""TFRecord files: a row of records, each `u64 length | u32 crc of it | bytes | u32 crc of them`, little-endian.

The format is TensorFlow's (core/lib/io/record_writer.h); both checksums are CRC-32C, rotated and offset so that a
checksum of data that holds checksums stays good. Nothing is read, and no memory taken, for a length that the file
does not have.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
LARGEST_RECORD = 64 * 2**20  # bytes; a longer one is passed over


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)


_TABLE = _make_table()


def masked_crc(data: bytes) -> int:
    """The checksum of a record's bytes: CRC-32C (Castagnoli), masked as TFRecord does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, from `offset` to `end`; None: nothing behind them can be found either."""

    offset: int
    reason: str
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The content of one record, and where the next one begins."""

    content: bytes
    end: int


def read_records(
    file: BinaryIO, size: int, offset: int = 0, checked_bytes: int = LARGEST_RECORD
) -> Iterator[Record | Damage]:
    """The records of a file from `offset` on, as far as they are complete.

    A record that is not all there yet (the file is still written, or was cut) ends the reading without a word: look at
    `Record.end` of the last one. Where a length is damaged, nothing after it can be found.

    Arguments:
        size: of the file; nothing beyond it is believed.
        checked_bytes: records up to this size have the checksum of their content verified.
    """
    while size - offset >= _HEAD.size + _TAIL.size:
        file.seek(offset)
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        length, crc = _HEAD.unpack(head)
        if masked_crc(head[:8]) != crc:
            yield Damage(offset, "a record's length does not have its checksum")
            return
        end = offset + _HEAD.size + length + _TAIL.size
        if end > size:
            return
        if length > LARGEST_RECORD:
            yield Damage(offset, f"a record of {length} bytes was passed over", end)
        else:
            content = file.read(length)
            tail = file.read(_TAIL.size)
            if len(content) < length or len(tail) < _TAIL.size:
                return
            if length <= checked_bytes and masked_crc(content) != _TAIL.unpack(tail)[0]:
                yield Damage(offset, "a record does not have its checksum", end)
            else:
                yield Record(content, end)
        offset = end
