"""Scalars of TensorBoard event files: one `Event` message a TFRecord.

Event: 1 wall_time (double), 2 step (int64), 5 summary. Summary: 1 value. Value: 1 tag, 2 simple_value (float),
8 tensor, 9 metadata. Two ways to write a scalar are known: `simple_value` (PyTorch, tensorboardX, TF 1) and a tensor of
no dimension with the plugin `scalars` (TF 2). Everything else (images, histograms, graphs) is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from labtop.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, ProtobufError, fields, signed
from labtop.formats.tfrecord import Damage, read_records

_FLOAT, _DOUBLE, _INT32, _INT64, _HALF = 1, 2, 3, 9, 19  # DataType of a TensorProto
_NUMBERS = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q", _HALF: "<e"}
_LARGEST_SCALAR_EVENT = 2**20  # bytes; larger ones hold something else
_LONGEST_TAG = 1000


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `time_s` is seconds since the epoch."""

    tag: str
    step: int
    time_s: float
    value: float


def read_scalars(
    file: BinaryIO, size: int, offset: int = 0, checked_bytes: int = _LARGEST_SCALAR_EVENT
) -> Iterator[Scalar | Damage | int]:
    """The scalars of an event file from `offset` on, in its order, as far as it is complete.

    Yields:
        scalars; damage, after which reading goes on where it can; and after each event the offset of the next (int),
        from where a file that grows is to be read on.
    """
    for record in read_records(file, size, offset, checked_bytes):
        if isinstance(record, Damage):
            yield record
        elif len(record.content) <= _LARGEST_SCALAR_EVENT:
            try:
                yield from _scalars_of(record.content)
            except (ProtobufError, struct.error) as error:
                yield Damage(offset, f"an event cannot be read: {error}", record.end)
        if record.end is not None:
            offset = record.end
            yield offset


def is_event_file(name: str) -> bool:
    """Whether a file name is that of an event file: `events.out.tfevents.<time>.<host>…`."""
    return ".tfevents." in name or name.endswith(".tfevents")


def _scalars_of(event: bytes) -> Iterator[Scalar]:
    time_s, step, summary = 0.0, 0, []
    for number, shape, value in fields(event):
        if number == 1 and shape == FIXED64 and isinstance(value, bytes):
            time_s = struct.unpack("<d", value)[0]
        elif number == 2 and shape == VARINT and isinstance(value, int):
            step = signed(value)
        elif number == 5 and shape == BYTES and isinstance(value, bytes):
            summary.append(value)
    for each in summary:
        for number, shape, content in fields(each):
            if number == 1 and shape == BYTES and isinstance(content, bytes):
                found = _tag_and_value(content)
                if found is not None:
                    yield Scalar(found[0], step, time_s, found[1])


def _tag_and_value(content: bytes) -> tuple[str, float] | None:
    tag, value = "", None
    for number, shape, part in fields(content):
        if not isinstance(part, bytes):
            continue
        if number == 1 and shape == BYTES:
            tag = part[: 4 * _LONGEST_TAG].decode("utf-8", "replace")[:_LONGEST_TAG]
        elif number == 2 and shape == FIXED32:
            value = struct.unpack("<f", part)[0]
        elif number == 8 and shape == BYTES:
            value = _number_of_tensor(part)
    return (tag, float(value)) if value is not None else None


def _number_of_tensor(tensor: bytes) -> float | None:
    """The number in a TensorProto of no dimension; None for any other tensor."""
    kind, content, value = 0, b"", None
    for number, shape, part in fields(tensor):
        if number == 1 and shape == VARINT and isinstance(part, int):
            kind = part
        elif number == 2 and isinstance(part, bytes) and any(each == 2 for each, _, _ in fields(part)):
            return None  # it has dimensions
        elif number == 4 and isinstance(part, bytes):
            content = part
        elif number in (5, 6) and isinstance(part, bytes):  # float_val, double_val; packed or not
            width, shown = (4, "<f") if number == 5 else (8, "<d")
            value = struct.unpack(shown, part)[0] if len(part) == width else None
        elif number in (7, 10):  # int_val, int64_val
            packed = part if isinstance(part, int) else None
            if isinstance(part, bytes):
                packed = next((each for each in _packed(part)), None)
            value = None if packed is None else float(signed(packed))
    if content and (code := _NUMBERS.get(kind)) and len(content) == struct.calcsize(code):
        value = struct.unpack(code, content)[0]
    return value


def _packed(part: bytes) -> Iterator[int]:
    """Packed varints, as the fields of a message that has field 1 before each."""
    value = shift = 0
    for byte in part[:10]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            return
