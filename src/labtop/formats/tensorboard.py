"""Event files of TensorBoard: one `Event` message a TFRecord, with scalars and other values.

Event: 1 wall_time (double), 2 step (int64), 4 graph, 5 summary, 7 session_log. Summary: 1 value. Value: 1 tag,
2 simple_value (float), 4 image, 5 histogram, 6 audio, 8 tensor, 9 metadata. Two ways to write a scalar are known:
`simple_value` (PyTorch, tensorboardX, TF 1) and a tensor of one number with the plugin `scalars` (TF 2).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from labtop.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, ProtobufError, fields, signed
from labtop.formats.tensor_proto import number_of_tensor, texts_of_tensor
from labtop.formats.tfrecord import Damage, Piece, read_pieces

_LONGEST_TAG = 10_000
_LONGEST_EVENT = 2**20  # bytes; of longer ones only the kind is told
_OTHERS = {3: "histogram", 4: "image", 5: "histogram", 6: "audio"}  # by field of Value
_PLUGINS = {"images": "image", "histograms": "histogram", "text": "text", "hparams": "hparams"}
_SESSION_START = 1
NOT_EVENTS = (".profile-empty", ".gz", ".bz2", ".xz", ".zip", ".tmp", ".json", ".csv")
"""Ends of names that are made after event files: Keras' marker of a profile, copies."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `time_s` is seconds since the epoch."""

    tag: str
    step: int
    time_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Other:
    """A value that is no number.

    Attributes:
        kind: image, audio, histogram, graph, text, hparams, start (all that was logged from `step` on before is void:
            the training begins again there), or the name of a plugin.
        content: texts as they are, each ended by a NUL byte; the plugin's own message for hparams; else empty.
    """

    tag: str
    step: int
    time_s: float
    kind: str
    content: bytes = b""


def is_event_file(name: str) -> bool:
    """Whether a file name is that of an event file: `events.out.tfevents.<time>.<host>…`."""
    return (".tfevents." in name or name.endswith(".tfevents")) and not name.endswith(NOT_EVENTS)


def read_scalars(file: BinaryIO, size: int, offset: int = 0) -> Iterator[Scalar | Damage | int]:
    """The scalars of an event file from `offset` on, in its order, as far as it is complete.

    Yields:
        scalars; damage, after which reading goes on where it can; and from time to time the offset (int) from where
        a file that grows is to be read on.
    """
    for piece in read_pieces(file, size, offset):
        for index in range(len(piece.starts)):
            for each in values_of(piece, index):
                if not isinstance(each, Other):
                    yield each
        yield from piece.damage
        yield piece.end


def time_of(event: bytes) -> float | None:
    """When an event was written, seconds since the epoch; None where it does not say. Its beginning is enough."""
    try:
        for number, shape, value in fields(event, is_cut=True):
            if number == 1 and shape == FIXED64 and isinstance(value, bytes) and len(value) == 8:
                found: float = struct.unpack("<d", value)[0]
                return found if math.isfinite(found) else None
    except ProtobufError:
        pass
    return None


def values_of(piece: Piece, index: int) -> Iterator[Scalar | Other | Damage]:
    """The values of a record, or what is wrong with it."""
    event = piece.content[piece.starts[index] : piece.ends[index]]
    is_cut = piece.is_cut
    if len(event) > _LONGEST_EVENT:
        event, is_cut = event[: 2**16], True
    try:
        yield from _values_of(event, is_cut)
    except (ProtobufError, struct.error) as error:
        offset = piece.base + piece.starts[index]
        yield Damage(offset, f"an event cannot be read: {error}", piece.base + piece.ends[index])


def _values_of(event: bytes, is_cut: bool) -> Iterator[Scalar | Other]:
    time_s, step, parts = 0.0, 0, []
    for number, shape, value in fields(event, is_cut):
        if number == 1 and shape == FIXED64 and isinstance(value, bytes):
            time_s = struct.unpack("<d", value)[0]
        elif number == 2 and shape == VARINT and isinstance(value, int):
            step = signed(value)
        elif shape == BYTES and isinstance(value, bytes):
            parts.append((number, value))
    for number, content in parts:
        if number == 5:
            for inner, shape, value in fields(content, is_cut):
                if inner == 1 and shape == BYTES and isinstance(value, bytes):
                    found = _value_of(value, step, time_s, is_cut)
                    if found is not None:
                        yield found
        elif number in (4, 9):
            yield Other("graph", step, time_s, "graph")
        elif number == 7 and any(each == (1, VARINT, _SESSION_START) for each in fields(content)):
            yield Other("", step, time_s, "start")


def _value_of(content: bytes, step: int, time_s: float, is_cut: bool) -> Scalar | Other | None:
    tag, plugin, about, kind = "", "", b"", ""
    tensor: bytes | None = None
    for number, shape, part in fields(content, is_cut):
        if not isinstance(part, bytes):
            continue
        if number == 1 and shape == BYTES:
            tag = decode_tag(part)
        elif number == 2 and shape == FIXED32:
            return Scalar(tag, step, time_s, float(struct.unpack("<f", part)[0]))
        elif number in _OTHERS:
            kind = _OTHERS[number]
        elif number == 8 and shape == BYTES:
            tensor = part
        elif number == 9 and shape == BYTES:
            plugin, about = plugin_of(part)
    if plugin == "hparams":
        return Other(tag, step, time_s, "hparams", about)
    if tensor is not None and not is_cut and plugin in ("", "scalars"):
        value = number_of_tensor(tensor)
        if value is not None:
            return Scalar(tag, step, time_s, value)
    if tensor is not None and not is_cut and (plugin == "text" or not plugin):
        texts = texts_of_tensor(tensor)
        if texts:
            return Other(tag, step, time_s, "text", b"".join(text + b"\0" for text in texts))
    kind = kind or _PLUGINS.get(plugin, plugin) or ("tensor" if tensor is not None else "")
    return Other(tag, step, time_s, kind) if kind else None


def decode_tag(part: bytes) -> str:
    """A tag as text, of at most 10,000 characters."""
    return part[: 4 * _LONGEST_TAG].decode("utf-8", "replace")[:_LONGEST_TAG]


def plugin_of(metadata: bytes) -> tuple[str, bytes]:
    """Name and content of the plugin that a SummaryMetadata names. Raises ProtobufError."""
    name, about = "", b""
    for number, shape, data in fields(metadata):
        if number == 1 and shape == BYTES and isinstance(data, bytes):
            for inner, inner_shape, value in fields(data):
                if inner_shape == BYTES and isinstance(value, bytes):
                    if inner == 1:
                        name = value[:100].decode("utf-8", "replace")
                    elif inner == 2:
                        about = value
    return name, about
