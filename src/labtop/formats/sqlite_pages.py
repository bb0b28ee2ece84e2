"""Columns of many rows of a SQLite table, taken from the pages of its file: several times as fast as row by row.

For tables of numbers and short texts that nobody is writing to. Whatever is unusual (a row that does not fit into its
page, another encoding, rows with fewer columns than the table has) is given up: SQLite itself can always be asked.
The layout is that of https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from labtop.formats.files import open_regular
from labtop.formats.opening import read_at

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes: TypeAlias = npt.NDArray[np.uint8]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Floats: TypeAlias = npt.NDArray[np.float64]

_INTERIOR, _LEAF = 0x05, 0x0D
_DEEPEST = 12
_UTF8 = 1
_FIRST_TEXT = 13
_REAL, _ZERO, _ONE = 7, 8, 9


class UnusualError(Exception):
    """There is something in the pages that is left to SQLite."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: for each row the number of its text in `distinct`."""

    codes: Integers
    distinct: tuple[bytes, ...]


class Cells:
    """Rows of a table in the order of their numbers. Columns are decoded when they are asked for."""

    def __init__(self, pages: Bytes, starts: Integers, room: int, columns: int) -> None:
        import numpy as np

        self._pages = pages
        size, at = _varints(pages, starts)
        self.rowids, at = _varints(pages, at)
        if len(size) and int(size.max()) > room - 35:
            raise UnusualError("a row goes on in another page")
        header, after = _varints(pages, at)
        body = at + header
        self._types: list[Integers] = []
        self._starts: list[Integers] = []
        for _ in range(columns):
            kind, after = _varints(pages, after)
            self._types.append(kind)
            self._starts.append(body)
            body = body + np.where(kind >= 12, (kind - 12) >> 1, _sizes()[np.minimum(kind, 12)])
        if len(starts) and (bool((after != at + header).any()) or bool((body != at + size).any())):
            raise UnusualError("rows of other columns")

    def integers(self, column: int) -> Integers:
        """A column of whole numbers."""
        import numpy as np

        found = np.zeros(len(self.rowids), np.int64)
        for kind in np.unique(self._types[column]).tolist():
            rows = np.flatnonzero(self._types[column] == kind)
            if kind in (_ZERO, _ONE):
                found[rows] = kind - _ZERO
            elif 1 <= kind <= 6:
                found[rows] = self._whole(column, rows, kind)
            else:
                raise UnusualError("no whole number")
        return found

    def numbers(self, column: int) -> Floats:
        """A column of numbers; NULL is NaN."""
        import numpy as np

        found = np.full(len(self.rowids), np.nan)
        for kind in np.unique(self._types[column]).tolist():
            rows = np.flatnonzero(self._types[column] == kind)
            if kind == _REAL:
                found[rows] = self._gathered(column, rows, 8).view(">f8")[:, 0]
            elif kind in (_ZERO, _ONE):
                found[rows] = kind - _ZERO
            elif 1 <= kind <= 6:
                found[rows] = self._whole(column, rows, kind)
            elif kind != 0:
                raise UnusualError("no number")
        return found

    def texts(self, column: int) -> Texts:
        """A column of texts of which there are not many different ones."""
        import numpy as np

        codes = np.zeros(len(self.rowids), np.int64)
        distinct: list[bytes] = []
        for kind in np.unique(self._types[column]).tolist():
            if kind < _FIRST_TEXT or not kind % 2:
                raise UnusualError("no text")
            rows = np.flatnonzero(self._types[column] == kind)
            content = self._gathered(column, rows, (kind - _FIRST_TEXT) >> 1)
            factors = (
                np.random.default_rng(kind).integers(2**63, size=content.shape[1], dtype=np.uint64) * 2 + 1
            )
            hashes = (content * factors).sum(axis=1, dtype=np.uint64)
            _, first, code = np.unique(hashes, return_index=True, return_inverse=True)
            if not bool((content[first][code] == content).all()):
                raise UnusualError("texts of one hash")
            codes[rows] = code + len(distinct)
            distinct += [content[each].tobytes() for each in first]
        return Texts(codes, tuple(distinct))

    def _gathered(self, column: int, rows: Integers, width: int) -> Bytes:
        """The bytes of some rows of a column."""
        import numpy as np

        places = self._starts[column][rows][:, None] + np.arange(width)
        return np.ascontiguousarray(self._pages[places])

    def _whole(self, column: int, rows: Integers, kind: int) -> Integers:
        """Big-endian whole numbers of 1, 2, 3, 4, 6 or 8 bytes."""
        import numpy as np

        content = self._gathered(column, rows, int(_sizes()[kind]))
        found: Integers = content[:, 0].view(np.int8).astype(np.int64)
        for each in range(1, content.shape[1]):
            found = (found << 8) | content[:, each]
        return found


def _sizes() -> Integers:
    """Bytes of a value by its kind, up to that from which on it is in the kind itself."""
    import numpy as np

    return np.array((0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0, 0), np.int64)


def _varints(pages: Bytes, starts: Integers) -> tuple[Integers, Integers]:
    """Variable-length numbers and where each ends."""
    import numpy as np

    byte = pages[starts]
    found: Integers = (byte & 0x7F).astype(np.int64)
    ends = starts + 1
    rows = np.flatnonzero(byte & 0x80)
    for _ in range(7):
        if not len(rows):
            return found, ends
        byte = pages[ends[rows]]
        found[rows] = (found[rows] << 7) | (byte & 0x7F)
        ends[rows] += 1
        rows = rows[(byte & 0x80) != 0]
    if len(rows):
        raise UnusualError("a number of nine bytes")
    return found, ends


def read_cells(path: Path, root: int, columns: int, first: int, last: int, most: int) -> Cells:
    """The rows numbered `first` to `last` of the table whose tree begins at page `root`; at most `most` pages.

    Raises:
        UnusualError: SQLite has to be asked.
        OSError, InputError: the file cannot be read.
    """
    import numpy as np

    with open_regular(path) as file:
        head = file.read(100)
        size = int.from_bytes(head[16:18], "big")
        size = 65536 if size == 1 else size
        if len(head) < 100 or size < 512 or int.from_bytes(head[56:60], "big") != _UTF8:
            raise UnusualError("another encoding")
        numbers = _leaves(file.fileno(), size, root, first, last, most)
        content = bytearray()
        for begin, count in _stretches(numbers):
            content += read_at(file.fileno(), count * size, (begin - 1) * size)
        file.seek(24)
        if file.read(4) != head[24:28] or len(content) != len(numbers) * size:
            raise UnusualError("it is being written")
    pages = np.frombuffer(content, np.uint8)
    try:
        cells = Cells(pages, _cell_starts(pages, len(numbers), size), size - head[20], columns)
    except IndexError:
        raise UnusualError("a cell ends outside of its page") from None
    return cells


def _cell_starts(pages: Bytes, count: int, size: int) -> Integers:
    """Where the cells of leaf pages begin, in their order."""
    import numpy as np

    table = pages.reshape(count, size)
    if count and bool((table[:, 0] != _LEAF).any()):
        raise UnusualError("no leaf of a table")
    cells = table[:, 3].astype(np.int64) << 8 | table[:, 4]
    if int(cells.max(initial=0)) * 2 + 8 > size:
        raise UnusualError("too many cells in a page")
    page = np.repeat(np.arange(count), cells)
    cell = np.arange(len(page)) - np.repeat(np.cumsum(cells) - cells, cells)
    pointer = page * size + 8 + 2 * cell
    offsets = pages[pointer].astype(np.int64) << 8 | pages[pointer + 1]
    found: Integers = page * size + offsets
    return found


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First number and count of each stretch of numbers that follow one another."""
    begin = count = 0
    for number in numbers:
        if count and number == begin + count:
            count += 1
            continue
        if count:
            yield begin, count
        begin, count = number, 1
    if count:
        yield begin, count


def _leaves(file: int, size: int, root: int, first: int, last: int, most: int) -> list[int]:
    """The leaf pages of a table that hold rows from `first` to `last`, in order."""
    left = most
    level = [root]
    for _ in range(_DEEPEST):
        left -= len(level)
        if left < 0:
            raise UnusualError("too many pages")
        if not level or _kind(file, size, level[0]) == _LEAF:
            return level  # the tree is as deep everywhere; that all are leaves shows when they are read
        level = [child for number in level for child in _children(file, size, number, first, last)]
    raise UnusualError("too deep")


def _kind(file: int, size: int, number: int) -> int:
    """What kind of page it is. The first page is never that of a table that matters: it is the schema's."""
    content = read_at(file, 1, (number - 1) * size)
    if not content or number == 1:
        raise UnusualError("a page beyond the end")
    return content[0]


def _children(file: int, size: int, number: int, first: int, last: int) -> Iterator[int]:
    """The pages below one that hold rows from `first` to `last`."""
    page = read_at(file, size, (number - 1) * size)
    if len(page) < size or page[0] != _INTERIOR:
        raise UnusualError("no page of a table")
    before = -(2**63)
    for each in range(int.from_bytes(page[3:5], "big")):
        at = int.from_bytes(page[12 + 2 * each : 14 + 2 * each], "big")
        key = _varint(page, at + 4)
        if key >= first and before < last:
            yield int.from_bytes(page[at : at + 4], "big")
        before = key
    if before < last:
        yield int.from_bytes(page[8:12], "big")


def _varint(page: bytes, at: int) -> int:
    found = 0
    for each in page[at : at + 8]:
        found = found << 7 | each & 0x7F
        if not each & 0x80:
            return found
    raise UnusualError("a number of nine bytes")
