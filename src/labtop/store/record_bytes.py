"""Reads records by the thousand: the one-row Parquet files that labtop writes, page by page, without a Parquet library.

A general reader needs 400 microseconds for such a file, most of it to find out what is always the same; this one needs
a third. Whatever is not exactly as `record_parquet` writes it is left to a general reader. Page checksums are checked.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection
from typing import TypeAlias

Cell: TypeAlias = bytes | int | None
"""The text of a column as UTF-8, or a time in microseconds since 1970."""

Shape: TypeAlias = tuple[tuple[str, bool], ...]
"""The columns of a file in order, and whether each is a text."""

_MOST_REPEATED = 4096
_LARGEST_PAGE = 2**28
_ONE_ROW = (
    b"\x16\x02\x19\x1c\x19"  # in a footer, behind the schema: one row, one row group, a list of columns
)
_VARINT = rb"([\x80-\xff]{0,4}[\x00-\x7f])"
_PAGE = re.compile(
    # a data page: its sizes and its CRC-32; one value, plain, levels run-length encoded, no statistics
    rb"\x15\x00\x15" + _VARINT + rb"\x15" + _VARINT + rb"\x15" + _VARINT
    + rb"\x1c\x15\x02\x15\x00\x15\x06\x15\x06\x1c\x00\x00\x00",
    re.DOTALL,
)  # fmt: skip
_GZIP = b"\x1f\x8b"
_NULL, _VALUE = b"\x02\x00\x00\x00\x02\x00", b"\x02\x00\x00\x00\x02\x01"


class OddRecordError(Exception):
    """A file that is not as labtop writes records: for a general reader to judge."""


class RecordBytes:
    """Reads wanted columns of many records. `repeated` are those whose content is the same in many runs."""

    def __init__(self, columns: Collection[str], repeated: Collection[str]) -> None:
        import pyarrow

        self._codec = pyarrow.Codec("zstd")
        self._columns = frozenset(columns)
        self._repeated = frozenset(repeated)
        self._shapes: dict[bytes, Shape] = {}  # the part of a footer that tells the columns
        self._known: dict[bytes, Cell] = {}  # a page of a repeated column, compressed

    def read(self, content: bytes) -> dict[str, Cell]:
        """The cells of the wanted columns, all of which must be there. Raises OddRecordError."""
        end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        if end < 4 or content[:4] != b"PAR1" or content[-4:] != b"PAR1":
            raise OddRecordError("no Parquet file")
        cells: dict[str, Cell] = {}
        at = 4
        for name, is_text in self._shape(content, end):
            header = _PAGE.match(content, at, end)
            if header is None:
                raise OddRecordError("another kind of page")
            begin = header.end()
            at = begin + _number(header[2])
            if at > end:
                raise OddRecordError("a page is too long")
            if name in self._columns:
                page = content[begin:at]
                if name in self._repeated and page in self._known:
                    cells[name] = self._known[page]
                else:
                    cells[name] = self._cell(page, header, name, is_text)
        if at != end or len(cells) < len(self._columns):
            raise OddRecordError("other columns")
        return cells

    def _cell(self, page: bytes, header: re.Match[bytes], name: str, is_text: bool) -> Cell:
        if zlib.crc32(page) != _number(header[3]) & 0xFFFFFFFF:
            raise OddRecordError("a checksum is wrong")
        cell = _cell(self._decompressed(page, _number(header[1])), is_text)
        if name in self._repeated:
            if len(self._known) >= _MOST_REPEATED:
                self._known.clear()
            self._known[page] = cell
        return cell

    def _decompressed(self, page: bytes, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_PAGE:
            raise OddRecordError("a page is too large")
        try:
            if page.startswith(_GZIP):  # of a run that ended before it needed the library
                return _unzipped(page, size)
            content: bytes = self._codec.decompress(page, size, asbytes=True)
        except OSError as error:  # what pyarrow makes of an error in the compression
            raise OddRecordError(str(error)) from error
        return content

    def _shape(self, content: bytes, end: int) -> Shape:
        """The columns of a file, in order."""
        shape = content[end : content.find(_ONE_ROW, end)]
        if shape not in self._shapes:
            self._shapes[shape] = _shape_of(content)
        return self._shapes[shape]


def _unzipped(page: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(page, size + 1)
    except zlib.error as error:
        raise OddRecordError(str(error)) from error
    if len(content) != size:
        raise OddRecordError("another size of a page")
    return content


def _shape_of(content: bytes) -> Shape:
    import pyarrow
    import pyarrow.parquet

    texts, numbers = {pyarrow.string()}, {pyarrow.timestamp("us"), pyarrow.int32()}
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        schema, counted = file.schema_arrow, (file.metadata.num_rows, file.metadata.num_row_groups)
    except (pyarrow.ArrowException, OSError) as error:
        raise OddRecordError(str(error)) from error
    if counted != (1, 1) or {*schema.types} - texts - numbers:
        raise OddRecordError("another schema")
    return tuple((each.name, each.type in texts) for each in schema)


def _cell(page: bytes, is_text: bool) -> Cell:
    """What a page holds: whether there is a value, then a number, or a text with its length before it."""
    if page == _NULL:
        return None
    if not page.startswith(_VALUE):
        raise OddRecordError("another kind of levels")
    if not is_text:
        return int.from_bytes(page[6:], "little", signed=True)
    if int.from_bytes(page[6:10], "little") != len(page) - 10:
        raise OddRecordError("another kind of value")
    return page[10:]


def _number(varint: bytes) -> int:
    """A zigzag variable-length integer."""
    if len(varint) == 2:  # by far the most
        number = varint[0] & 0x7F | varint[1] << 7
        return (number >> 1) ^ -(number & 1)
    number = 0
    for place, byte in enumerate(varint):
        number |= (byte & 0x7F) << 7 * place
    return (number >> 1) ^ -(number & 1)
