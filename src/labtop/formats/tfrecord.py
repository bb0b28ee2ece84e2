"""TFRecord files: a row of records, each `u64 length | u32 crc of it | bytes | u32 crc of them`, little-endian.

The format is TensorFlow's (core/lib/io/record_writer.h). Files are read in pieces of some MB. Nothing is read, and no
memory taken, for a length that the file does not have. Behind damage the next sound record is searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from labtop.formats.tfrecord_checks import FRAME, HEAD, LENGTH, MANY, TAIL, check, find_record, is_head

PIECE = 4 * 2**20  # bytes that are read at once
_KEPT_OF_LONG = 2**16  # what is given of a record that is longer than a piece


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, from `offset` to `end`; None: nothing behind them can be found either."""

    offset: int
    reason: str
    end: int | None = None


@dataclass(slots=True)
class Piece:
    """Some records in a row.

    Attributes:
        content: bytes of the file.
        base: where in the file they lie.
        starts, ends: of the records' contents in `content`, sound ones only, in order.
        is_cut: whether this is the beginning of one record that is too long to be read.
        damage: what was found between and behind them.
        end: where in the file the next record begins.
    """

    content: bytes
    base: int
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    is_cut: bool = False
    damage: list[Damage] = field(default_factory=list)
    end: int = 0

    @property
    def is_many(self) -> bool:
        """Whether NumPy is worth its import for these."""
        return len(self.starts) >= MANY


def read_pieces(file: BinaryIO, size: int, offset: int = 0, most: int = PIECE) -> Iterator[Piece]:
    """The records of a file from `offset` on, as far as they are complete.

    A record that is not all there yet (the file is still written, or was cut) ends the reading without a word: what is
    between `Piece.end` of the last piece and the end of the file.

    Arguments:
        size: of the file; nothing beyond it is believed.
        most: bytes that are read at once.
    """
    while size - offset >= FRAME:
        file.seek(offset)
        content = file.read(min(most, size - offset))
        if len(content) < FRAME:  # it shrank
            return
        piece = Piece(content, offset, end=offset)
        _walk(piece)
        problem = "" if piece.starts or piece.damage else _pass_long(piece, size)
        problem = problem or _what_stands_at_end(piece, size)
        if problem:
            end = find_record(file, size, piece.end + 1)
            if problem != _TORN or end is not None:
                piece.damage.append(Damage(piece.end, problem, end))
            if end is None:
                if piece.starts or piece.damage:
                    yield piece
                return
            piece.end = end
        yield piece
        offset = piece.end


_TORN = "a record is longer than what is left of the file"
_BAD_LENGTH = "a record's length does not have its checksum"
_NUL = "NUL bytes follow"


def _walk(piece: Piece) -> None:
    """Find the records of a piece up to a damaged length, and leave out those whose checksums are wrong."""
    content, at, size = piece.content, 0, len(piece.content)
    heads: list[int] = []
    unpack, last, frame = LENGTH.unpack_from, size - FRAME, FRAME
    while at <= last:
        end: int = at + frame + unpack(content, at)[0]
        if end > size:
            break
        heads.append(at)
        at = end
    ends = [*heads[1:], at] if heads else []
    sound, good = check(content, heads, ends)
    if good < len(heads):
        at = heads[good]
        del heads[good:], ends[good:]
    if sound is not None:
        for head, end, is_sound in zip(heads, ends, sound, strict=True):
            if not is_sound:
                reason = "a record does not have its checksum"
                piece.damage.append(Damage(piece.base + head, reason, piece.base + end))
        heads = [head for head, is_sound in zip(heads, sound, strict=True) if is_sound]
        ends = [end for end, is_sound in zip(ends, sound, strict=True) if is_sound]
    lead, tail = HEAD.size, TAIL.size
    piece.starts = [head + lead for head in heads]
    piece.ends = [end - tail for end in ends]
    piece.end = piece.base + at


def _pass_long(piece: Piece, size: int) -> str:
    """Pass over the first record of a piece, which is longer than it; its beginning is kept. Returns a problem."""
    problem = _what_stands_at_end(piece, size)
    if not problem:
        (length,) = LENGTH.unpack_from(piece.content)
        piece.content = piece.content[: HEAD.size + _KEPT_OF_LONG]
        piece.starts, piece.ends, piece.is_cut = [HEAD.size], [len(piece.content)], True
        piece.end = piece.base + FRAME + length
    return problem


def _what_stands_at_end(piece: Piece, size: int) -> str:
    """What is wrong with the record that follows the last one, as far as it can be seen."""
    at = piece.end - piece.base
    if len(piece.content) - at < HEAD.size:
        return ""
    if not is_head(piece.content, at):
        return _BAD_LENGTH if piece.content[at:].strip(b"\0") else _NUL
    (length,) = LENGTH.unpack_from(piece.content, at)
    return _TORN if piece.end + FRAME + length > size else ""
