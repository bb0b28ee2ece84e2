"""The checksums of TFRecords: those of many records at once, and the search for a record by them.

All lengths are checked, and all contents but those of more than 256 KiB: a flipped bit gives no wrong value. With NumPy
that costs a third of a microsecond for a record that holds a scalar.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from labtop.formats.crc32c import LONGEST_AT_ONCE, masked_crc

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

HEAD = struct.Struct("<QI")
LENGTH = struct.Struct("<Q")
TAIL = struct.Struct("<I")
FRAME = HEAD.size + TAIL.size
MANY = 100
"""Records from where on NumPy is worth its import."""

LONGEST_CHECKED = 2**18  # longer ones hold pictures and graphs, of which nothing is read
_FAR = 64 * 2**20  # how far a sound record is searched
_SEARCHED_AT_ONCE = 2**20
_SHORT = 2**12  # bytes up to which a search does without NumPy
_CLASSES = (48, 64, 96, 128, 256, LONGEST_AT_ONCE)  # lengths of contents that are checked together
_TOP = bytes(4)  # the upper half of every length: no record has 4 GiB


def is_head(content: bytes, at: int) -> bool:
    """Whether a length stands there with its checksum."""
    head = content[at : at + HEAD.size]
    return len(head) == HEAD.size and masked_crc(head[: LENGTH.size]) == HEAD.unpack(head)[1]


def check(content: bytes, heads: list[int], ends: list[int]) -> tuple[list[bool] | None, int]:
    """Check records that lie from `heads` to `ends` in `content`.

    Returns:
        whether each before the first damaged length is sound (None: all are), and how many those are.
    """
    if len(heads) >= MANY:
        return _check_many(content, heads, ends)
    sound = []
    for head, end in zip(heads, ends, strict=True):
        if not is_head(content, head):
            break
        sound.append(_is_sound(content, head, end))
    return (None if all(sound) else sound), len(sound)


def _is_sound(content: bytes, head: int, end: int) -> bool:
    if end - head > LONGEST_CHECKED:
        return True
    (crc,) = TAIL.unpack_from(content, end - TAIL.size)
    return bool(masked_crc(content[head + HEAD.size : end - TAIL.size]) == crc)


def _check_many(content: bytes, heads: list[int], ends: list[int]) -> tuple[list[bool] | None, int]:
    import numpy as np

    from labtop.formats.crc32c import masked_crcs

    data = np.frombuffer(content, dtype=np.uint8)
    begins, stops = np.array(heads, dtype=np.int64), np.array(ends, dtype=np.int64)
    eight = np.full(len(heads), LENGTH.size)
    bad = np.flatnonzero(masked_crcs(data, begins + LENGTH.size, eight) != _words(data, begins + LENGTH.size))
    good = int(bad[0]) if len(bad) else len(heads)
    stops = stops[:good] - TAIL.size
    lengths = stops - begins[:good] - HEAD.size
    sound = np.ones(good, dtype=bool)
    shorter = -1
    for longest in _CLASSES:
        which = np.flatnonzero((lengths > shorter) & (lengths <= longest))
        if len(which):
            crcs = masked_crcs(data, stops[which], lengths[which])
            sound[which] = crcs == _words(data, stops[which])
        shorter = longest
    for each in np.flatnonzero(lengths > shorter).tolist():
        sound[each] = _is_sound(content, heads[each], ends[each])
    return (None if sound.all() else sound.tolist()), good


def _words(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The 32-bit numbers at some places."""
    import numpy as np

    word = np.zeros(len(at), dtype=np.uint32)
    for place in range(4):
        word |= data[at + place].astype(np.uint32) << np.uint32(8 * place)
    return word


def find_record(file: BinaryIO, size: int, offset: int) -> int | None:
    """Where the next sound record of a file begins, from `offset` on; None when there is none near."""
    for begin in range(offset, min(size - FRAME + 1, offset + _FAR), _SEARCHED_AT_ONCE):
        file.seek(begin)
        content = file.read(min(_SEARCHED_AT_ONCE + HEAD.size - 1, size - begin))
        for at in _heads_in(content):
            if _is_record(file, size, begin + at, LENGTH.unpack_from(content, at)[0]):
                return begin + at
    return None


def _heads_in(content: bytes) -> list[int]:
    """Where lengths with their checksums stand in some bytes."""
    last = len(content) - HEAD.size
    if last < 0 or not content.strip(b"\0"):
        return []
    if last < _SHORT:
        return [at for at in range(last + 1) if content[at + 4 : at + 8] == _TOP and is_head(content, at)]
    import numpy as np

    from labtop.formats.crc32c import masked_crcs

    data = np.frombuffer(content, dtype=np.uint8)
    is_zero = data == 0
    tops = is_zero[4 : last + 5] & is_zero[5 : last + 6] & is_zero[6 : last + 7] & is_zero[7 : last + 8]
    places = np.flatnonzero(tops).astype(np.int64)
    crcs = masked_crcs(data, places + LENGTH.size, np.full(len(places), LENGTH.size))
    found = crcs == _words(data, places + LENGTH.size)
    return [int(each) for each in places[found]]


def _is_record(file: BinaryIO, size: int, offset: int, length: int) -> bool:
    """Whether the record there, whose length is sound, is whole and sound."""
    if offset + FRAME + length > size:
        return False
    if length > LONGEST_CHECKED:
        return True
    file.seek(offset)
    content = file.read(FRAME + length)
    return len(content) == FRAME + length and _is_sound(content, 0, len(content))
