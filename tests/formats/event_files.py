"""Writes TensorBoard event files, message by message, as the readers of tests need them."""

from __future__ import annotations

import struct

from labtop.formats.crc32c import masked_crc


def record(content: bytes) -> bytes:
    """One TFRecord."""
    head = struct.pack("<Q", len(content))
    return head + struct.pack("<I", masked_crc(head)) + content + struct.pack("<I", masked_crc(content))


def varint(value: int) -> bytes:
    """A number in base 128."""
    value &= 2**64 - 1
    parts = b""
    while value > 0x7F:
        parts += bytes([value & 0x7F | 0x80])
        value >>= 7
    return parts + bytes([value])


def field(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def event(step: int, time_s: float, *values: bytes) -> bytes:
    """An Event with a summary of these values."""
    summary = b"".join(field(1, value) for value in values)
    return (
        b"\x09" + struct.pack("<d", time_s) + b"\x10" + varint(step) + (field(5, summary) if values else b"")
    )


def simple(tag: str, value: float) -> bytes:
    """A value as PyTorch writes it."""
    return field(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str, value: float) -> bytes:
    """A value as TensorFlow 2 writes it: a float tensor of no dimension."""
    proto = b"\x08\x01" + field(2, b"") + field(4, struct.pack("<f", value))
    return field(1, tag.encode()) + field(8, proto) + field(9, field(1, field(1, b"scalars")))


def header() -> bytes:
    """The first record of every event file."""
    return record(b"\x09" + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))
