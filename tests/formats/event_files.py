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


def text(tag: str, content: str) -> bytes:
    """A text as PyTorch writes it."""
    proto = b"\x08\x07" + field(2, field(2, b"\x08\x01")) + field(8, content.encode())
    return field(1, tag.encode()) + field(8, proto) + field(9, field(1, field(1, b"text")))


def plugin(tag: str, name: str, content: bytes) -> bytes:
    """A value that only has metadata."""
    return field(1, tag.encode()) + field(9, field(1, field(1, name.encode()) + field(2, content)))


def hparams(params: dict[str, float | str | bool | None], group: str = "") -> bytes:
    """The hparams plugin's session_start_info."""
    entries = b""
    for name, value in params.items():
        if isinstance(value, bool):
            shown = b"\x20" + varint(value)
        elif value is None:
            shown = b"\x08\x00"
        elif isinstance(value, str):
            shown = field(3, value.encode())
        else:
            shown = b"\x11" + struct.pack("<d", value)
        entries += field(1, field(1, name.encode()) + field(2, shown))
    entries += field(4, group.encode()) if group else b""
    return plugin("_hparams_/session_start_info", "hparams", field(3, entries))


def experiment(description: str = "") -> bytes:
    """The hparams plugin's definition of an experiment."""
    return plugin("_hparams_/experiment", "hparams", field(2, field(2, description.encode())))


def session_end(status: int, time_s: float = 0.0) -> bytes:
    """The hparams plugin's session_end_info: 1 success, 2 failure, 3 running."""
    content = b"\x08" + varint(status) + b"\x11" + struct.pack("<d", time_s)
    return plugin("_hparams_/session_end_info", "hparams", field(4, content))


def session_start(step: int, time_s: float) -> bytes:
    """The event by which a restarted training voids what it logged from a step on."""
    return event(step, time_s) + field(7, b"\x08\x01")


def events_file(*events: bytes) -> bytes:
    """A whole file."""
    return header() + b"".join(record(each) for each in events)
