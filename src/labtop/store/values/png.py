"""PNG over zlib alone: pixels to a file, and back for the plain kinds that this writes and most programs do.

By the specification of PNG, third edition (W3C 2023): https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from labtop.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels → colour type
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SLOW_PIXELS = 1_000_000  # of rows whose filter has to be undone pixel by pixel
_FAST_LEVEL, _GOOD_LEVEL = 2, 6
_LARGE = 4_000_000  # bytes; from there on speed counts more than size


def encode_png(pixels: Pixels) -> bytes:
    """A PNG file of pixels: height x width x channels (grey, grey and alpha, RGB, RGBA)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = _filtered(pixels.reshape(height, width * channels), channels)
    level = _GOOD_LEVEL if pixels.size < _LARGE else _FAST_LEVEL
    body = zlib.compress(rows.tobytes(), level)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _filtered(rows: Pixels, channels: int) -> Pixels:
    """Each row as itself, less its left neighbours or less the row above: whichever is nearest to nothing."""
    import numpy as np

    left, above = rows.copy(), rows.copy()
    left[:, channels:] -= rows[:, :-channels]
    above[1:] -= rows[:-1]
    candidates = np.stack([rows, left, above])
    cost = np.stack([np.minimum(each, 0 - each).sum(axis=1, dtype=np.int64) for each in candidates])
    chosen = cost.argmin(axis=0).astype(np.uint8)
    return np.concatenate([chosen[:, None], candidates[chosen, np.arange(len(rows))]], axis=1)


def decode_png(content: bytes, most_pixels: int) -> Pixels:
    """The pixels of a PNG file of 8 bits, not interlaced.

    Raises:
        InputError: it is another kind, damaged, or larger than `most_pixels`.
    """
    import numpy as np

    header, palette, transparency, body = _chunks(content)
    if len(header) != 13:
        raise InputError("a damaged PNG file")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if (depth, compression, filtering, interlace) != (8, 0, 0, 0) or colour not in _CHANNELS:
        raise InputError("a PNG file of a kind that needs Pillow to be shown")
    if width < 1 or height < 1 or width * height > most_pixels:
        raise InputError(f"a picture of {width} x {height} pixels is too large to be shown")
    channels = _CHANNELS[colour]
    expected = height * (width * channels + 1)
    try:
        raw = zlib.decompressobj().decompress(body, expected)
    except zlib.error as error:
        raise InputError(f"a damaged PNG file: {error}") from error
    if len(raw) != expected:
        raise InputError("a damaged PNG file: it is cut")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, width * channels + 1)
    pixels = _unfiltered(rows, channels).reshape(height, width, channels)
    return _with_palette(pixels, palette, transparency) if colour == 3 else pixels


def _chunks(content: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Header, palette, transparency and image data, their checksums verified."""
    if not content.startswith(SIGNATURE):
        raise InputError("not a PNG file")
    found: dict[bytes, list[bytes]] = {}
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        name, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if len(data) != length or zlib.crc32(name + data) != int.from_bytes(
            content[at + 8 + length : at + 12 + length]
        ):
            raise InputError("a damaged PNG file: a checksum is wrong")
        if name == b"IEND":
            break
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
            found.setdefault(name, []).append(data)
        at += 12 + length
    joined = {name: b"".join(parts) for name, parts in found.items()}
    return tuple(joined.get(name, b"") for name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"))  # type: ignore[return-value]


def _unfiltered(rows: Pixels, channels: int) -> Pixels:
    import numpy as np

    height, length = rows.shape[0], rows.shape[1] - 1
    slow = int(np.isin(rows[:, 0], (3, 4)).sum()) * (length // channels)
    if slow > _SLOW_PIXELS:
        raise InputError("a PNG file of a kind that needs Pillow to be shown")
    pixels = np.empty((height, length), dtype=np.uint8)
    above = np.zeros(length, dtype=np.uint8)
    for at in range(height):
        kind, row = int(rows[at, 0]), rows[at, 1:]
        if kind == 0:
            pixels[at] = row
        elif kind == 1:
            summed = np.cumsum(row.reshape(-1, channels), axis=0, dtype=np.uint64)
            pixels[at] = (summed & 255).astype(np.uint8).ravel()
        elif kind == 2:
            pixels[at] = row + above
        elif kind in (3, 4):
            pixels[at] = _row_by_pixel(kind, row.tolist(), above.tolist(), channels)
        else:
            raise InputError("a damaged PNG file: an unknown filter")
        above = pixels[at]
    return pixels


def _row_by_pixel(kind: int, row: list[int], above: list[int], channels: int) -> list[int]:
    """Undo the filters "average" and "Paeth", in which each pixel rests on the one before."""
    done = [0] * channels + row
    for at in range(len(row)):
        left, up = done[at], above[at]
        if kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[at - channels] if at >= channels else 0
            by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = (
                left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
            )
        done[at + channels] = (row[at] + guess) & 255
    return done[channels:]


def _with_palette(pixels: Any, palette: bytes, transparency: bytes) -> Pixels:
    import numpy as np

    colours = np.frombuffer(palette[: len(palette) // 3 * 3], dtype=np.uint8).reshape(-1, 3)
    if len(colours) == 0 or int(pixels.max()) >= len(colours):
        raise InputError("a damaged PNG file: a colour that its palette has not")
    if transparency:
        alpha = np.full((len(colours), 1), 255, dtype=np.uint8)
        given = np.frombuffer(transparency, dtype=np.uint8)[: len(colours)]
        alpha[: len(given), 0] = given
        colours = np.concatenate([colours, alpha], axis=1)
    return np.asarray(colours[pixels[:, :, 0]], dtype=np.uint8)
