"""CRC-32C (Castagnoli) as TFRecord masks it: of one text in plain Python, of many at once with NumPy.

The checksum of a message is linear: that of its bytes is the exclusive or of what each byte does alone, from where it
stands. So the checksums of thousands of records of one length are a table look-up for each place in them, which is
some fifty times faster than going through each record, and cheap enough that every record of an event file is checked.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78
_BLOCK = 256
"""Bytes of one message that are looked up at once."""


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ _POLYNOMIAL if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)


_TABLE = _make_table()


def masked(crc: int) -> int:
    """A checksum, turned and moved so that the checksum of data that holds checksums stays good."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def masked_crc(data: bytes) -> int:
    """The masked checksum of some bytes."""
    if len(data) > 2 * _BLOCK:
        return masked(_long_crc(data))
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return masked(crc ^ 0xFFFFFFFF)


def masked_crcs(
    content: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """The masked checksums of messages of up to `2 * 256` bytes, from where they end in `content`.

    Zero bytes in front of a message change nothing of its part of the sum, so all get the length of the longest.
    """
    import numpy as np

    width = int(lengths.max(initial=1)) or 1
    if len(ends) and int(ends.min()) < width:
        content, ends = np.concatenate([np.zeros(width, dtype=np.uint8), content]), ends + width
    windows = np.lib.stride_tricks.sliding_window_view(content, width)
    tables = _tables()[:width][::-1].ravel()  # by place: what a byte there does
    places = np.arange(width)
    crcs = np.array([_constant(length) for length in range(width + 1)], dtype=np.uint32)[lengths]
    for begin in range(0, len(ends), _ROWS):  # so that what is gathered stays in the cache
        some = slice(begin, begin + _ROWS)
        index = windows[ends[some] - width].astype(np.intp)
        index[places < (width - lengths[some])[:, None]] = 0
        index += places * 256
        crcs[some] ^= np.bitwise_xor.reduce(tables.take(index), axis=1)
    return (crcs >> np.uint32(15) | crcs << np.uint32(17)) + np.uint32(0xA282EAD8)


_ROWS = 2048
LONGEST_AT_ONCE = 2 * _BLOCK
"""The longest messages that `masked_crcs` takes."""


@lru_cache(maxsize=1)
def _tables() -> npt.NDArray[np.uint32]:
    """Row k: what a byte does to the checksum when k bytes follow it. Shape (512, 256)."""
    import numpy as np

    first = np.array(_TABLE, dtype=np.uint32)
    rows = [first]
    for _ in range(LONGEST_AT_ONCE - 1):
        rows.append(rows[-1] >> np.uint32(8) ^ first[rows[-1] & np.uint32(0xFF)])
    return np.stack(rows)


@cache
def _constant(length: int) -> int:
    """The checksum of as many zero bytes: what the first and the last inversion make of it. `length` is at most 512."""
    crc = 0xFFFFFFFF
    for _ in range(length):
        crc = _TABLE[crc & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _long_crc(data: bytes) -> int:
    """The checksum of one long message: of blocks at once, which are then put together."""
    import numpy as np

    tables = _tables()
    first = (int.from_bytes(data[:4], "little") ^ 0xFFFFFFFF).to_bytes(4, "little")
    whole = b"\0" * (-len(data) % _BLOCK) + first + data[4:]  # zeros in front change nothing
    blocks = np.frombuffer(whole, dtype=np.uint8).reshape(-1, _BLOCK)
    places = np.arange(_BLOCK - 1, -1, -1)
    moved: Any = tables[_BLOCK - 4 : _BLOCK].tolist()
    crc = 0
    for begin in range(0, len(blocks), 1024):  # bounds the memory
        some = np.bitwise_xor.reduce(tables[places, blocks[begin : begin + 1024]], axis=1)
        for block in some.tolist():
            crc = (
                moved[3][crc & 0xFF]
                ^ moved[2][crc >> 8 & 0xFF]
                ^ moved[1][crc >> 16 & 0xFF]
                ^ moved[0][crc >> 24]
                ^ block
            )
    return crc ^ 0xFFFFFFFF
