"""The write-ahead log of one writer: frames that survive `kill -9`, and a reader that no damage can mislead.

    frame    "LTW1" | u32 length | u32 crc32 of the payload | payload      (little-endian)
    payload  msgpack  [0, format, run_id, writer]                          first in every file
                      [1, first_seq, time_us, step, {name: value}]         one `log()`; values take consecutive seqs

The mark is what a reader finds its way back by after damage. No frame is longer than 4 MiB.
"""

from __future__ import annotations

import errno
import os
import struct
from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from labtop.store.files import FILES, Files, read_regular, unlink_quietly, write_all
from labtop.store.format import safe_text
from labtop.store.layout import FORMAT

MARK = b"LTW1"
LONGEST_PAYLOAD = 4 * 2**20
SUFFIX = ".wal"

_HEAD = struct.Struct("<4sII")
pack_head = _HEAD.pack
encode_payload = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_points = msgspec.msgpack.Decoder(tuple[int, int, int, float, dict[str, float]]).decode
_MOST_READ_BYTES = 256 * 2**20  # thirty times what a file has before it is sealed
_INT64 = range(-(2**63), 2**63)


class PointFrame(NamedTuple):
    """The points of one `log()`: `values` in order have the numbers `seq`, `seq + 1`, …"""

    seq: int
    time_us: int
    step: float
    values: Mapping[str, float]

    @property
    def end(self) -> int:
        """The first number after this frame."""
        return self.seq + len(self.values)


@dataclass(frozen=True, slots=True)
class WalProblem:
    """Bytes that could not be understood, from `offset` on."""

    offset: int
    reason: str


@dataclass(slots=True)
class WalRead:
    """What a log held. Reading on from `next_offset` gives what is appended later.

    `torn_at` is where a last frame begins that is not whole: being written just now, or cut when the writer died.
    """

    writer: str | None = None
    run_id: str | None = None
    frames: list[PointFrame] = field(default_factory=list)
    problems: list[WalProblem] = field(default_factory=list)
    next_offset: int = 0
    torn_at: int | None = None


def frame_of(payload: bytes) -> bytes:
    """A payload with its head."""
    return pack_head(MARK, len(payload), crc32(payload)) + payload


def payload_of(frame: bytes) -> bytes:
    """A frame without its head."""
    return frame[_HEAD.size :]


def decode_points(payload: bytes) -> PointFrame:
    """The points of a payload that was encoded here and not damaged since."""
    _, seq, time_us, step, values = _decode_points(payload)
    return PointFrame(seq, time_us, step, values)


def encode_header(run_id: str, writer: str) -> bytes:
    """The first frame of a file."""
    return frame_of(encode_payload((0, FORMAT, run_id, writer)))


def encode_points(seq: int, time_us: int, step: float, values: Mapping[str, float]) -> bytes:
    """One frame of points.

    Raises:
        TypeError, UnicodeEncodeError: something in it has to go through `clean_values` first.
        OverflowError: it is longer than a frame may be.
    """
    payload = encode_payload((1, seq, time_us, step, values))
    if len(payload) > LONGEST_PAYLOAD:
        raise OverflowError("the frame is too long")
    return pack_head(MARK, len(payload), crc32(payload)) + payload


def clean_values(values: Mapping[str, float]) -> dict[str, float]:
    """Values as a frame can hold them: true floats under names that UTF-8 can say."""
    return {safe_text(str(name)): float(value) for name, value in values.items()}


class WalWriter:
    """Appends frames to a new file; each goes down with one `write()` unless the system takes less.

    `PointLog.log` does by itself what `append` does: every call less counts there.
    """

    __slots__ = ("_files", "descriptor", "is_unsynced", "path", "write")

    def __init__(self, path: Path, run_id: str, writer: str, files: Files = FILES, mode: int = 0o600) -> None:
        self.path = path
        self._files = files
        self.write = files.write
        self.is_unsynced = False
        self.descriptor = files.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, mode)
        try:
            self.append(encode_header(run_id, writer))
        except BaseException:
            self.discard()
            raise

    def append(self, frame: bytes) -> None:
        """Write one frame."""
        written = self.write(self.descriptor, frame)
        if written != len(frame):
            self.write_rest(frame, written)
        self.is_unsynced = True

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._files.size(self.descriptor)

    def write_rest(self, frame: bytes, written: int) -> None:
        """Write what of a frame the system did not take at once."""
        write_all(self._files, self.descriptor, frame[written:])

    def sync(self) -> None:
        """Return when all that was appended is on the disk."""
        if self.is_unsynced:
            self.is_unsynced = False
            self._files.sync_data(self.descriptor)

    def check(self) -> None:
        """Raise FileNotFoundError when somebody has removed the file: writing to it works, and is in vain."""
        if self._files.is_removed(self.descriptor):
            raise FileNotFoundError(errno.ENOENT, "the log was removed", str(self.path))

    def close(self) -> None:
        """Close the file whatever it says: its points are sealed or in memory, or the process ends."""
        try:
            self._files.close(self.descriptor)
        except OSError:
            pass
        self.descriptor = -1  # the number may soon belong to another file

    def discard(self) -> None:
        """Close and remove the file: all of its points are elsewhere."""
        self.close()
        unlink_quietly(self._files, self.path)


class NoLog(WalWriter):
    """Stands where a log could not be opened: takes nothing."""

    __slots__ = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write = FILES.write
        self.descriptor = -1
        self.is_unsynced = False

    @property
    def size(self) -> int:
        """Nothing is there."""
        return 0

    def append(self, frame: bytes) -> None:
        """Refuse."""
        raise OSError(errno.EBADF, "there is no log to write to")

    def sync(self) -> None:
        """Nothing is there."""

    def check(self) -> None:
        """Nothing is there."""

    def close(self) -> None:
        """Nothing is there."""

    def discard(self) -> None:
        """Nothing is there."""


def read_wal(path: Path, offset: int = 0) -> WalRead:
    """Every whole frame of a log from `offset` on. Content never raises; only an unreadable file does (OSError)."""
    return parse_wal(read_regular(path, _MOST_READ_BYTES, offset), offset)


def parse_wal(content: bytes, offset: int = 0) -> WalRead:
    """Read frames from bytes that begin at `offset` of a file."""
    result = WalRead()
    search = _Search(content)
    at = 0
    while at < len(content):
        payload = search.payload_at(at)
        if isinstance(payload, bytes):
            if (reason := _understand(payload, result)) is not None:
                result.problems.append(WalProblem(offset + at, reason))
            at += _HEAD.size + len(payload)
            continue
        following = search.next_frame(at + 1)
        if following is None:
            result.torn_at = offset + at
            break
        result.problems.append(WalProblem(offset + at, payload.reason))
        at = following
    result.next_offset = offset + at
    return result


class _Search:
    """Finds frames in bytes. A file made of false marks costs no more than reading it a few times."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._may_waste = 4 * len(content) + 16 * LONGEST_PAYLOAD

    def payload_at(self, at: int) -> bytes | WalProblem:
        """The payload of the frame that begins at `at`, or why there is none."""
        content = self._content
        if content[at : at + len(MARK)] != MARK:
            return WalProblem(at, "no frame begins here")
        if len(content) - at < _HEAD.size:
            return WalProblem(at, "the frame is cut")
        _, length, checksum = _HEAD.unpack_from(content, at)
        if length > LONGEST_PAYLOAD:
            return WalProblem(at, f"the frame's length is impossible: {length} bytes")
        payload = content[at + _HEAD.size : at + _HEAD.size + length]
        if len(payload) < length:
            self._may_waste -= len(payload)
            return WalProblem(at, "the frame is cut")
        if crc32(payload) != checksum:
            self._may_waste -= length
            return WalProblem(at, "the frame's checksum is wrong")
        return payload

    def next_frame(self, start: int) -> int | None:
        """Where the next whole frame begins; None when there is none, or too much was in vain."""
        at = self._content.find(MARK, start)
        while at >= 0 and self._may_waste > 0:
            if isinstance(self.payload_at(at), bytes):
                return at
            at = self._content.find(MARK, at + 1)
        return None


def _understand(payload: bytes, result: WalRead) -> str | None:
    """Add a whole frame to the result; a reason when it makes no sense. Kinds added later are passed over."""
    try:
        kind, seq, time_us, step, values = _decode_points(payload)  # nearly all are of this shape
    except msgspec.MsgspecError:
        return _understand_slowly(payload, result)
    return _add_points(PointFrame(seq, time_us, step, values), result) if kind == 1 else None


def _understand_slowly(payload: bytes, result: WalRead) -> str | None:
    try:
        match _decode(payload):
            case [0, int(format_number), str(run_id), str(writer), *_]:
                if format_number > FORMAT:
                    return f"written in format {format_number}; this labtop knows {FORMAT}"
                result.run_id, result.writer = run_id, writer
            case [1, int(seq), int(time_us), int() | float() as step, dict(values), *_]:
                numbers = {safe_text(name): float(value) for name, value in values.items()}
                return _add_points(PointFrame(seq, time_us, float(step), numbers), result)
            case [0 | 1, *_]:
                return "the frame has not the shape of its kind"
    except (
        msgspec.MsgspecError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        return f"the frame cannot be decoded: {error}"
    return None


def _add_points(frame: PointFrame, result: WalRead) -> str | None:
    if frame.seq < 0 or frame.end not in _INT64 or frame.time_us not in _INT64:
        return "the frame's numbers are out of range"
    result.frames.append(frame)
    return None
