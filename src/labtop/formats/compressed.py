"""Files that may be packed (`.gz`, `.bz2`, `.xz`, `.zst`), read as what is in them, and no more of it than is sound."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from labtop.errors import InputError
from labtop.formats.files import open_regular

PACKED = frozenset((".gz", ".bz2", ".xz", ".zst"))
MOST_UNPACKED = 4 * 2**30
"""A kilobyte may claim to hold terabytes."""
_PIECE = 2**18


def unpacked_name(name: str) -> str:
    """The name of what is in a packed file; that of any other stays."""
    path = Path(name)
    return path.stem if path.suffix.lower() in PACKED else name


def is_packed(path: Path) -> bool:
    """Whether a file is packed, by its name."""
    return path.suffix.lower() in PACKED


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked where its name says that it is packed.

    Raises:
        OSError: it cannot be read.
        InputError: it is no regular file. What is damaged or cut off in a packed file ends it; see `damage`.
    """
    with open_regular(path) as raw:
        if not is_packed(path):
            yield raw
            return
        with _Bounded(_unpacking(raw, path.suffix.lower())) as file:
            yield io.BufferedReader(file)


def damage(file: BinaryIO) -> str:
    """What ended an unpacked file too soon; empty as a rule."""
    return str(getattr(getattr(file, "raw", None), "problem", ""))


def _unpacking(raw: BinaryIO, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if suffix == ".bz2":
        return bz2.BZ2File(raw)
    if suffix == ".xz":
        return lzma.LZMAFile(raw)
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(raw, mode="r"), "zstd")


def as_utf8(raw: BinaryIO, encoding: str) -> BinaryIO:
    """A file of UTF-16 as one of UTF-8, without its byte order mark, a piece at a time."""
    return io.BufferedReader(_Bounded(_Decoding(raw, encoding)))


class _Decoding:
    """Reads UTF-16 as UTF-8."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = b""
        self._is_begun = False

    def read(self, size: int) -> bytes:
        while not self._rest and (content := self._raw.read(_PIECE)):
            text = self._decoder.decode(content)
            if not self._is_begun and text:
                text, self._is_begun = text.removeprefix("\ufeff"), True
            self._rest = text.encode("utf-8", "replace")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def close(self) -> None:
        """The file below is closed by who opened it."""


class _Bounded(io.RawIOBase):
    """A stream that is read from its beginning on, and ends where it becomes absurd."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._read = getattr(stream, "read1", stream.read)  # what is sound before damage is given
        self._at = 0
        self.problem = ""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Forward from the beginning only, as a stretch of a file asks for."""
        if whence != io.SEEK_SET or offset < self._at:
            raise io.UnsupportedOperation("a packed file is read from its beginning on")
        while self._at < offset and self.readinto(bytearray(min(offset - self._at, 2**20))):
            pass
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= MOST_UNPACKED:
            raise InputError(f"more than {MOST_UNPACKED:,} bytes are packed in it")
        try:
            content = self._read(min(len(buffer), 2**20))
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            self.problem = f"what is packed is damaged or cut off: {error}"
            return 0
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
