"""The TensorProto of TensorFlow, as far as it holds one number or some texts.

1 dtype, 2 tensor_shape{2 dim{1 size}}, 4 tensor_content (little-endian), 5 float_val, 6 double_val, 7 int_val,
8 string_val, 10 int64_val, 11 bool_val, 13 half_val (the bits, also of bfloat16), 16 uint32_val, 17 uint64_val.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from labtop.formats.protobuf import BYTES, VARINT, ProtobufError, fields, signed

_HALF, _BFLOAT16, _STRING = 19, 14, 7
_CODES = {
    1: "<f",
    2: "<d",
    3: "<i",
    4: "<B",
    5: "<h",
    6: "<b",
    9: "<q",
    10: "<?",
    17: "<H",
    19: "<e",
    22: "<I",
    23: "<Q",
}  # by DataType
_MOST_TEXTS = 1000


def number_of_tensor(tensor: bytes) -> float | None:
    """The number of a tensor that holds exactly one; None for any other. Raises ProtobufError."""
    kind, content, value = 0, b"", None
    for number, shape, part in fields(tensor):
        if number == 1 and shape == VARINT and isinstance(part, int):
            kind = part
        elif number == 2 and isinstance(part, bytes):
            if any(size != 1 for size in _sizes(part)):
                return None
        elif number == 4 and isinstance(part, bytes):
            content = part
        elif number in (5, 6) and isinstance(part, bytes):  # packed or not
            width, code = (4, "<f") if number == 5 else (8, "<d")
            value = struct.unpack(code, part)[0] if len(part) == width else None
        elif number in (7, 10, 11, 13, 16, 17):
            packed = part if isinstance(part, int) else next(_packed(part), None)
            value = None if packed is None else _of_bits(packed, kind, number)
    if kind not in _CODES and kind != _BFLOAT16:
        return None
    if content:
        value = _of_content(content, kind)
    return None if value is None else float(value)


def texts_of_tensor(tensor: bytes) -> list[bytes]:
    """The texts of a tensor of strings. Raises ProtobufError."""
    kind = 0
    texts: list[bytes] = []
    for number, shape, part in fields(tensor):
        if number == 1 and isinstance(part, int):
            kind = part
        elif number == 8 and shape == BYTES and isinstance(part, bytes) and len(texts) < _MOST_TEXTS:
            texts.append(part)
    return texts if kind == _STRING else []


def _sizes(shape: bytes) -> Iterator[int]:
    """The sizes of the dimensions of a TensorShapeProto."""
    for number, wire, dimension in fields(shape):
        if number == 2 and wire == BYTES and isinstance(dimension, bytes):
            yield next(
                (size for each, _, size in fields(dimension) if each == 1 and isinstance(size, int)), 0
            )


def _of_bits(bits: int, kind: int, number: int) -> float:
    if number == 13:
        if kind == _HALF:
            return float(struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0])
        return float(struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0])
    return float(bits if number in (16, 17) else signed(bits))


def _of_content(content: bytes, kind: int) -> float | None:
    if kind == _BFLOAT16:
        return _of_bits(int.from_bytes(content, "little"), kind, 13) if len(content) == 2 else None
    code = _CODES[kind]
    return float(struct.unpack(code, content)[0]) if len(content) == struct.calcsize(code) else None


def _packed(part: bytes) -> Iterator[int]:
    """Packed varints; the first is enough. Raises ProtobufError."""
    value = shift = 0
    for byte in part[:10]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value & 0xFFFFFFFFFFFFFFFF
            return
    raise ProtobufError("a number is cut off")
