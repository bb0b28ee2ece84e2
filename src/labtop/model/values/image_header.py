"""What kind of picture some bytes are, and how large it is, from their first few bytes. Nothing is decoded."""

from __future__ import annotations

from typing import NamedTuple


class Header(NamedTuple):
    """Format (png, jpeg, gif, webp) and size in pixels."""

    format: str
    width: int
    height: int


SUFFIXES = {"png": "png", "jpeg": "jpg", "gif": "gif", "webp": "webp"}
"""How a file of each format ends."""


def read_header(content: bytes) -> Header | None:
    """The header of a picture; None of anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) >= 33:
        return Header("png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 13:
        return Header("gif", int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little"))
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP" and len(content) >= 30:
        return _webp(content)
    return None


def _jpeg(content: bytes) -> Header | None:
    """The size stands in the first start-of-frame segment."""
    at = 2
    for _ in range(1000):
        if at + 9 > len(content) or content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            return Header(
                "jpeg", int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
            )
        at += 2 if marker in (0x01, *range(0xD0, 0xD8)) else 2 + int.from_bytes(content[at + 2 : at + 4])
    return None


def _webp(content: bytes) -> Header | None:
    chunk = content[12:16]
    if chunk == b"VP8X":
        return Header(
            "webp", int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
        )
    if chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 ":
        size = (
            int.from_bytes(content[26:28], "little") & 0x3FFF,
            int.from_bytes(content[28:30], "little") & 0x3FFF,
        )
        return Header("webp", *size)
    return None
