"""CSV as loggers write it: a header, then rows that come while it is read. Read in pieces, and on from where it ended.

Known are commas, semicolons and tabs, quotes, CRLF, a byte order mark, UTF-16, Latin-1, NUL bytes that a crash left
(their lines are left out), rows of another width than the header (left out and counted), and a header that comes again
with more names.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from labtop.formats.rows import split_header

PIECE = 2**20  # bytes that are read at once
_LONGEST_ROW = 8 * 2**20
_NAN = float("nan")
_TRUTH = {"True": 1.0, "False": 0.0}  # as Python writes them


@dataclass(frozen=True, slots=True)
class Block:
    """Rows in a row under one header: as many cells each as there are names."""

    names: tuple[str, ...]
    rows: list[list[str]]


@dataclass(slots=True)
class CsvTable:
    """A table and how far it was read: to `at`, behind the last whole line.

    Attributes:
        comment: lines that begin so are left out.
        names, delimiter: of the header that counts at `at`.
        unfinished: the last row where it has no end of line but all cells; it may lack digits, so it is in no block.
        has_tail: whether anything but blanks follows the last end of line, be it an unfinished row or a piece of one.
        ragged: rows of another width than the header; `first_ragged` is the line of the first, counted from `at` where
            reading began.
        problems: what else is wrong.
    """

    comment: str = ""
    at: int = 0
    names: tuple[str, ...] = ()
    delimiter: str = ","
    unfinished: list[str] | None = None
    has_tail: bool = False
    ragged: int = 0
    first_ragged: int = 0
    problems: list[str] = field(default_factory=list)
    _line: int = 0

    def read(self, file: BinaryIO, size: int) -> Iterator[Block]:
        """The rows from `at` on, in blocks. `size` is the size of the file; what comes later waits."""
        rest, encoding = b"", ""
        file.seek(self.at)
        while self.at + len(rest) < size:
            content = file.read(min(PIECE, size - self.at - len(rest)))
            if not content:
                break
            if not self.at and not rest and content.startswith((b"\xff\xfe", b"\xfe\xff")):
                yield from self._read_utf16(content + file.read(_LONGEST_ROW))
                return
            rest += content
            end = _closed(rest)
            if not end and len(rest) < _LONGEST_ROW:
                continue
            if not end:
                self._say(f"line {self._line + 1} is longer than {_LONGEST_ROW:,} bytes")
                return
            text, encoding = self._decode(rest[:end], encoding)
            yield from self._blocks(text)
            self.at += end
            rest = rest[end:]
        yield from self._last(rest, encoding)

    def _last(self, rest: bytes, encoding: str) -> Iterator[Block]:
        """What is behind the last end of line, or within quotes that do not end: it waits."""
        end = _closed(rest)
        if end:
            text, encoding = self._decode(rest[:end], encoding)
            yield from self._blocks(text)
            self.at += end
        if b"\n" in rest[end:].rstrip(b"\r\n"):
            self._say(f"a quote is not closed in the line at byte {self.at:,}")
            return
        text, _ = self._decode(rest[end:], encoding)
        self.has_tail = bool(text.strip())
        if text.strip() and self.names and not (self.comment and text.startswith(self.comment)):
            row = next(iter(self._parse(text)), [])
            self.unfinished = row if len(row) == len(self.names) else None

    def _read_utf16(self, content: bytes) -> Iterator[Block]:
        """A file of a spreadsheet: read as a whole, never on from within."""
        yield from self._blocks(content.decode("utf-16", "replace"))

    def _decode(self, content: bytes, encoding: str) -> tuple[str, str]:
        if b"\0" in content:
            self._say("it holds NUL bytes; lines with such are left out")
            content = b"".join(line for line in content.splitlines(keepends=True) if b"\0" not in line)
        if not self.at:
            content = content.removeprefix(b"\xef\xbb\xbf")
        try:
            return content.decode(encoding or "utf-8"), encoding
        except UnicodeDecodeError:
            self._say("it is not UTF-8; read as Latin-1")
            return content.decode("latin-1"), "latin-1"

    def _parse(self, text: str) -> list[list[str]]:
        """The rows of some lines. What csv does not take is left out and counted."""
        lines = text.split("\n")
        try:
            return list(csv.reader((line + "\n" for line in lines if line.strip()), delimiter=self.delimiter))
        except csv.Error as error:
            self._say(f"not all of it is CSV: {error}")
        rows: list[list[str]] = []
        for line in lines:
            try:
                rows += csv.reader([line], delimiter=self.delimiter)
            except csv.Error:
                self._count_ragged(len(rows))
        return rows

    def _blocks(self, text: str) -> Iterator[Block]:
        """Rows of whole lines; a header begins a new block."""
        if self.comment:
            text = "\n".join(line for line in text.split("\n") if not line.startswith(self.comment))
        if not self.names:
            first = next((line for line in text.splitlines() if line.strip()), "")
            if not first:
                return
            self.delimiter = split_header(first)[0]
        rows: list[list[str]] = []
        for index, row in enumerate(self._parse(text)):
            if not self.names or (row and row[0].strip() == self.names[0] and _is_header(row)):
                if rows:
                    yield Block(self.names, rows)
                self.names, rows = tuple(cell.strip() for cell in row), []
            elif len(row) == len(self.names):
                rows.append(row)
            elif any(cell.strip() for cell in row):
                self._count_ragged(index)
        self._line += text.count("\n")
        if rows:
            yield Block(self.names, rows)

    def _count_ragged(self, index: int) -> None:
        self.ragged += 1
        self.first_ragged = self.first_ragged or self._line + index + 1

    def _say(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _closed(content: bytes) -> int:
    """Where the last line ends that is not within quotes; 0 where there is none."""
    end = content.rfind(b"\n") + 1
    if not content.count(b'"', 0, end) % 2:
        return end
    at = end = quotes = 0
    for line in content.split(b"\n")[:-1]:
        at += len(line) + 1
        quotes += line.count(b'"')
        if not quotes % 2:
            end = at
    return end


def numbers_of(cells: Sequence[str]) -> tuple[array[float], list[bool] | None]:
    """The numbers of a column, truth values as 1 and 0, NaN for none; and which cells are numbers (None: all)."""
    try:
        numbers = array("d", map(float, cells))
    except ValueError:
        pass
    else:
        if not any(map(_is_odd, cells)):
            return numbers, None
    found = [_number(cell) for cell in cells]
    return array("d", [_NAN if each is None else each for each in found]), [
        each is not None for each in found
    ]


def _number(cell: str) -> float | None:
    if _is_odd(cell):
        return None
    try:
        return float(cell)
    except ValueError:
        return _TRUTH.get(cell)


def _is_odd(cell: str) -> bool:
    """Whether Python takes a text for a number that no logger writes so: `1_000`, digits of other scripts."""
    return "_" in cell or not cell.isascii()


def _is_header(row: Sequence[str]) -> bool:
    return all(_number(cell) is None for cell in row)
