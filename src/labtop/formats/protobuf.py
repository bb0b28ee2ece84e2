"""The wire format of protocol buffers, as far as a reader needs it: numbered fields of four shapes.

https://protobuf.dev/programming-guides/encoding. Every length is checked against the bytes that are there; nesting is
the caller's, so there is no depth to run out of.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class ProtobufError(ValueError):
    """The bytes are no message."""


def fields(message: bytes, is_cut: bool = False) -> Iterator[tuple[int, int, int | bytes]]:
    """The fields of a message: number, shape, and an int (VARINT) or the bytes.

    Arguments:
        is_cut: this is the beginning of a message: the last field holds what is there of it.

    Raises:
        ProtobufError: a length leads beyond the end, or the shape is unknown.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, shape = key >> 3, key & 7
        if number == 0:
            raise ProtobufError("field number 0")
        if shape == VARINT:
            value, at = _varint(message, at)
            yield number, shape, value
            continue
        if shape == BYTES:
            length, at = _varint(message, at)
        elif shape in (FIXED64, FIXED32):
            length = 8 if shape == FIXED64 else 4
        else:
            raise ProtobufError(f"wire type {shape}")
        if length > len(message) - at:
            if is_cut:
                yield number, shape, message[at:]
                return
            raise ProtobufError(f"{length} bytes announced, {len(message) - at} there")
        yield number, shape, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if at >= len(message):
            raise ProtobufError("a number is cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ProtobufError("a number of more than ten bytes")


def signed(value: int) -> int:
    """An int64 from the number that stands for it."""
    return value - 2**64 if value >= 2**63 else value
