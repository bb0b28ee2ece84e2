"""The records in a `.wandb` file: protocol buffers (wandb/proto/wandb_internal.proto), with values as JSON text.

Nearly all of a file are named numbers, so those are taken out in one go (`named_values`); the few records that say what
a run is are decoded field by field (`decode`). Fields that are not named here are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from labtop.errors import InputError
from labtop.formats.json_text import parse_json
from labtop.formats.protobuf import BYTES, FIXED64, VARINT, ProtobufError, fields, signed
from labtop.formats.wandb_shapes import TIME, Shape

UPDATES, REMOVALS = 1, 2
"""Fields of a summary or a configuration; updates are also what a history has."""

STATS_VALUES = 3

NamedValue = tuple[bytes, bytes]
"""A value's name as it is encoded (`path_of` reads it), and its JSON text."""

_VALUE = b"\x82\x01"
"""What stands before the JSON text of an item: field 16, so many bytes."""

_BEFORE_KIND = frozenset((1, 16, 19, 200))


def record_of(content: bytes) -> tuple[int, bytes]:
    """The kind of a record (as in `wandb_shapes`) and its message; 0 for what is not known. Raises ProtobufError."""
    at = 0
    end = len(content)
    if end > 10 and content[0] == 8:  # its number, a varint
        at = 1
        while content[at] & 0x80 and at < 10:
            at += 1
        at += 1
    if at + 6 < end and content[at] & 0x87 == BYTES:
        start, size = at + 2, content[at + 1]
        if size & 0x80:
            start, size = at + 3, size & 0x7F | content[at + 2] << 7
            if size & 0x4000:
                start, size = at + 4, size & 0x3FFF | content[at + 3] << 14
                if size & 0x200000:
                    start, size = at + 5, size & 0x1FFFFF | content[at + 4] << 21
        if size < 0x10000000 and start + size <= end:
            return content[at] >> 3, content[start : start + size]
    for number, shape, value in fields(content):
        if shape == BYTES and isinstance(value, bytes) and number not in _BEFORE_KIND:
            return number, value
    return 0, b""


def named_values(message: bytes, number: int = UPDATES) -> list[NamedValue]:
    """The items of a history, a summary, a configuration or of statistics: each a name and JSON text.

    Arguments:
        number: of the field that holds items.

    Raises:
        ProtobufError: the message is none.
    """
    found: list[NamedValue] = []
    add, known, mark = found.append, _PATHS, _VALUE
    tag = number << 3 | BYTES
    at, end = 0, len(message)
    while at + 1 < end:
        here, size, start = message[at], message[at + 1], at + 2
        if size & 0x80:
            size = size & 0x7F | message[start] << 7 if start < end else end
            start += 1
        at = start + size
        if here & 0x87 != BYTES or size & 0x4000 or at > end:
            return [_exact(item) for item in _messages(message, number)]
        if here == tag:
            item = message[start:at]
            name, there, value = item.partition(mark)
            length = len(value)
            if not there or name not in known or length < 2:
                add(_exact(item))
            elif value[0] == length - 1 < 0x80:
                add((name, value[1:]))
            elif value[0] & 0x80 and value[1] < 0x80 and (value[0] & 0x7F | value[1] << 7) == length - 2:
                add((name, value[2:]))
            else:
                add(_exact(item))
    return found


def _messages(message: bytes, number: int) -> list[bytes]:
    """The messages in a field, whatever else is there."""
    return [
        value
        for each, shape, value in fields(message)
        if each == number and shape == BYTES and isinstance(value, bytes)
    ]


_PATHS: dict[bytes, tuple[str, ...]] = {}
"""Names as they are encoded, and what they say; these were checked field by field."""

_MOST_NAMES = 100_000


def _exact(item: bytes) -> NamedValue:
    """An item, field by field."""
    key, nested, json_text = b"", [], b""
    for number, shape, value in fields(item):
        if shape != BYTES or not isinstance(value, bytes):
            continue
        if number == 1:
            key = value
        elif number == 2:
            nested.append(value)
        elif number == 16:
            json_text = value
    name = b"".join(b"\x12" + _varint(len(each)) + each for each in nested) or b"\n" + _varint(len(key)) + key
    path_of(name)
    return name, json_text


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def path_of(name: bytes) -> tuple[str, ...]:
    """What an encoded name says: one part for a key ("a.b"), several for a key within others. Raises ProtobufError."""
    path = _PATHS.get(name)
    if path is None:
        if len(_PATHS) > _MOST_NAMES:
            _PATHS.clear()
        parts = [value.decode("utf-8", "replace") for _, _, value in fields(name) if isinstance(value, bytes)]
        path = _PATHS[name] = tuple(parts)
    return path


def is_name(name: bytes) -> bool:
    """Whether these bytes are how `named_values` gives a name: nothing else stands before the value of an item."""
    try:
        return name in _PATHS or _exact(name + _VALUE + b"\0")[0] == name
    except ProtobufError:
        return False


def name_of(*path: str) -> bytes:
    """An encoded name, as current SDKs write it."""
    return b"".join(
        b"\x12" + _varint(len(part)) + part for part in (each.encode("utf-8", "replace") for each in path)
    )


def value_of(json_text: bytes) -> Any:
    """The value that a JSON text says; what is no JSON stays text."""
    text = json_text.decode("utf-8", "replace")
    try:
        return parse_json(text)
    except InputError:
        return text


def history_step(message: bytes) -> float | None:
    """The step of a history record, which is also there when no value says it."""
    for number, shape, value in fields(message):
        if number == 2 and shape == BYTES and isinstance(value, bytes):
            return float(
                next((signed(step) for n, _, step in fields(value) if n == 1 and isinstance(step, int)), 0)
            )
    return None


def time_us(time: Mapping[str, int] | None) -> int | None:
    """Microseconds since 1970 of a decoded time."""
    if not time:
        return None
    microseconds = time.get("seconds", 0) * 1_000_000 + time.get("nanos", 0) // 1000
    return microseconds if 0 < microseconds < 2**62 else None


def stats_time(message: bytes) -> int | None:
    """When statistics were taken, in microseconds since 1970."""
    for number, shape, value in fields(message):
        if number == 2 and shape == BYTES and isinstance(value, bytes):
            return time_us(decode(value, TIME))
        if number > 2:
            return None
    return None


def decode(message: bytes, shape: Shape) -> dict[str, Any]:
    """The fields of a message that `shape` names; those it does not have are not there, lists always are.

    What comes before damage is kept.
    """
    found: dict[str, Any] = {name: [] for name, kind in shape.values() if isinstance(kind, list)}
    try:
        for number, wire, value in fields(message):
            known = shape.get(number)
            if known is None:
                continue
            name, kind = known
            decoded = _decoded(value, wire, kind[0] if isinstance(kind, list) else kind)
            if decoded is None:
                continue
            if isinstance(kind, list):
                found[name].append(decoded)
            else:
                found[name] = decoded
    except ProtobufError:
        pass
    return found


def _decoded(value: int | bytes, wire: int, kind: Any) -> Any:
    """One value of a kind; None where the wire says another."""
    if isinstance(value, int):
        return signed(value) if kind is int else bool(value) if kind is bool and wire == VARINT else None
    if wire == FIXED64:
        return struct.unpack("<d", value)[0] if kind is float else None
    if kind is str:
        return value.decode("utf-8", "replace")
    if kind is bytes:
        return value
    return decode(value, kind) if isinstance(kind, Mapping) else None
