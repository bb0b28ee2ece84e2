"""The bytes of a young run's `run.parquet`, made without a Parquet library: importing one takes half of a short run.

The same columns, types and page checksums as `format.record_parquet` writes, but for the compression, which is the one
that Python has. Layouts are those of Apache Parquet's `parquet.thrift`, in Thrift's compact protocol.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from labtop.store.format import RECORD_COLUMNS

_MARK = b"PAR1"
_FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 2, 5, 6, 8, 9, 12  # Thrift's types
_INT32, _INT64, _BYTE_ARRAY = 1, 2, 6  # Parquet's
_OPTIONAL, _PLAIN, _RLE, _GZIP = 1, 0, 3, 2
_NULL, _VALUE = (
    b"\x02\x00\x00\x00\x02\x00",
    b"\x02\x00\x00\x00\x02\x01",
)  # levels of the one value: a run of one


class _Field(NamedTuple):
    """A field of a Thrift structure."""

    number: int
    kind: int
    content: bytes


def first_record_parquet(row: Mapping[str, Any]) -> bytes:
    """The bytes of a file with one record, a row as `format.encode_record` gives it."""
    content, chunks, size = bytearray(_MARK), list[bytes](), 0
    for name, type_name in RECORD_COLUMNS.items():
        data = _NULL if row[name] is None else _VALUE + _plain(row[name], type_name)
        stored = _gzip(data)
        head = _page_head(len(data), stored)
        chunks.append(_chunk(name, type_name, len(content), len(head) + len(data), len(head) + len(stored)))
        content += head + stored
        size += len(head) + len(data)
    footer = _footer(chunks, size)
    return bytes(content) + footer + struct.pack("<I", len(footer)) + _MARK


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def _page_head(size: int, stored: bytes) -> bytes:
    values = _structure(
        _Field(1, _I32, _number(1)),
        _Field(2, _I32, _number(_PLAIN)),
        _Field(3, _I32, _number(_RLE)),
        _Field(4, _I32, _number(_RLE)),
        _Field(5, _STRUCT, _structure()),  # no statistics, as the library says it
    )
    checksum = zlib.crc32(stored)
    return _structure(
        _Field(1, _I32, _number(0)),  # a data page
        _Field(2, _I32, _number(size)),
        _Field(3, _I32, _number(len(stored))),
        _Field(4, _I32, _number(checksum - 2**32 if checksum >= 2**31 else checksum)),
        _Field(5, _STRUCT, values),
    )


def _plain(value: Any, type_name: str) -> bytes:
    if type_name == "INTEGER":
        return struct.pack("<i", value)
    if type_name == "TIMESTAMP":
        return struct.pack("<q", _microseconds(value))
    text = str(value).encode("utf-8")
    return struct.pack("<I", len(text)) + text


def _microseconds(time: datetime) -> int:
    since = time.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _chunk(name: str, type_name: str, start: int, size: int, stored_size: int) -> bytes:
    about = _structure(
        _Field(1, _I32, _number(_physical(type_name))),
        _Field(2, _LIST, _listed(_I32, (_number(_PLAIN), _number(_RLE)))),
        _Field(3, _LIST, _listed(_BINARY, (_text(name),))),
        _Field(4, _I32, _number(_GZIP)),
        _Field(5, _I64, _number(1)),
        _Field(6, _I64, _number(size)),
        _Field(7, _I64, _number(stored_size)),
        _Field(9, _I64, _number(start)),
    )
    return _structure(_Field(2, _I64, _number(0)), _Field(3, _STRUCT, about))


def _footer(chunks: list[bytes], size: int) -> bytes:
    root = _structure(_Field(4, _BINARY, _text("schema")), _Field(5, _I32, _number(len(chunks))))
    columns = (_column(name, type_name) for name, type_name in RECORD_COLUMNS.items())
    group = _structure(
        _Field(1, _LIST, _listed(_STRUCT, chunks)),
        _Field(2, _I64, _number(size)),
        _Field(3, _I64, _number(1)),
    )
    return _structure(
        _Field(1, _I32, _number(2)),
        _Field(2, _LIST, _listed(_STRUCT, (root, *columns))),
        _Field(3, _I64, _number(1)),
        _Field(4, _LIST, _listed(_STRUCT, (group,))),
        _Field(6, _BINARY, _text("labtop")),
    )


def _column(name: str, type_name: str) -> bytes:
    fields = [
        _Field(1, _I32, _number(_physical(type_name))),
        _Field(3, _I32, _number(_OPTIONAL)),
        _Field(4, _BINARY, _text(name)),
    ]
    if type_name == "TIMESTAMP":
        unit = _structure(_Field(2, _STRUCT, _structure()))  # microseconds
        time = _structure(_Field(1, _FALSE, b""), _Field(2, _STRUCT, unit))  # of no time zone
        fields.append(_Field(10, _STRUCT, _structure(_Field(8, _STRUCT, time))))
    elif type_name != "INTEGER":
        fields += (
            _Field(6, _I32, _number(0)),  # UTF-8, as old readers know it, and as new ones do
            _Field(10, _STRUCT, _structure(_Field(1, _STRUCT, _structure()))),
        )
    return _structure(*fields)


def _physical(type_name: str) -> int:
    return {"INTEGER": _INT32, "TIMESTAMP": _INT64}.get(type_name, _BYTE_ARRAY)


# -- Thrift's compact protocol ---------------------------------------------------------------------------------------


def _structure(*fields: _Field) -> bytes:
    content, last = bytearray(), 0
    for number, kind, inner in fields:
        content.append((number - last) << 4 | kind)
        content += inner
        last = number
    return bytes(content) + b"\x00"


def _listed(kind: int, items: Iterable[bytes]) -> bytes:
    each = [*items]
    head = bytes((len(each) << 4 | kind,)) if len(each) < 15 else bytes((0xF0 | kind,)) + _varint(len(each))
    return head + b"".join(each)


def _text(text: str) -> bytes:
    content = text.encode("utf-8")
    return _varint(len(content)) + content


def _number(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)
