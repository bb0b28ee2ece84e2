"""What the reading of a W&B run leaves for the next one, so that a run in progress costs only what is new.

Records that say what a run is are few: where they begin is remembered, and they are read again. Of the summary only
what is not the last value of a metric is kept.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from labtop.sources.wandb.media import Histograms

_SCHEMA = 1
_LARGEST = 64 * 1024
_MOST_BYTES = 4 * 2**20
_GUARD_BYTES = 256


class State(msgspec.Struct, array_like=True):
    """How far a run was read.

    Attributes:
        earlier: versions of all segments but the last.
        offset: in the `.wandb` file of the last segment, behind the last whole record.
        guard: checksum of the bytes before `offset`, which never change.
        marks: by segment, where records begin that are read again.
        last: the last value of each metric.
        summary: encoded names and JSON texts, as `Facts.summary`.
    """

    schema: int = _SCHEMA
    earlier: list[str] = []
    offset: int = 0
    guard: int = 0
    marks: list[list[int]] = []
    rows: int = 0
    samples: int = 0
    last_us: int = 0
    last: dict[str, float] = {}
    summary: list[tuple[bytes, bytes | None]] = []
    histograms: dict[str, Histograms] = {}
    left_out: int = 0
    problems: list[str] = []


def encode(state: State) -> bytes | None:
    """The bytes of a state; None when they would be too many."""
    packed = zlib.compress(msgspec.msgpack.encode(state), 1)
    return packed if len(packed) <= _LARGEST else None


def decode(packed: bytes) -> State | None:
    """The state that bytes hold; None when they are from another version, or nothing of ours."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, _MOST_BYTES)
        state = msgspec.msgpack.decode(content, type=State)
    except (zlib.error, msgspec.MsgspecError):
        return None
    return state if state.schema == _SCHEMA else None


def guard_of(file: BinaryIO, offset: int) -> int:
    """The checksum of what stands before an offset."""
    start = max(0, offset - _GUARD_BYTES)
    file.seek(start)
    return zlib.crc32(file.read(offset - start))


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
