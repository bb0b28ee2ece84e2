"""How a CSV file is written: encoding, delimiter, quotes, decimal comma, what stands above the header, and the header.

Told by the first lines; nothing here knows runs. What programs do to CSV that is read here: spreadsheets write
semicolons with decimal commas, a line `sep=;`, UTF-16; loggers write lines of comment, blanks around cells, a delimiter
at the end of each line; R names rows without naming their column; numpy puts the header into a comment.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labtop.formats.files import decode_text
from labtop.formats.rows import number_of

_DELIMITERS = (",", "\t", ";", "|")
_LOOKED_AT = 60  # lines
_MOST_ABOVE = 30  # lines above the header
_SEPARATOR = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)
_COMMENT = "#"
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?|[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
BLANKS = " "
"""The delimiter of columns that are set apart by any number of blanks."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    Attributes:
        names: of the columns, each once; `column 3` where there is none.
        delimiter: a character; `BLANKS` for any number of blanks.
        decimal: "," where numbers have a comma for the point.
        comment: lines that begin so are left out; empty where there are none.
        start: the byte at which rows begin, in the file as it is or, of UTF-16, in UTF-8.
        encoding: of UTF-16; empty for bytes that are read as they are.
        has_header: whether the names stand in the file.
    """

    names: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    comment: str = ""
    start: int = 0
    encoding: str = ""
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    end: int  # the byte behind its end


def utf16_of(content: bytes) -> str:
    """The encoding of UTF-16 by its byte order mark, or by zeros in every other byte; empty for any other."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    some = content[:200]
    if (len(some) >= 8 and len(some) % 2 == 0) or len(some) == 200:
        even, odd = some[::2].count(0), some[1::2].count(0)
        if odd * 4 > len(some) and not even:
            return "utf-16-le"
        if even * 4 > len(some) and not odd:
            return "utf-16-be"
    return ""


def dialect_of(content: bytes, is_tabs: bool = False) -> tuple[Dialect, str] | None:
    """The dialect of a table by its beginning, and the text of the rows behind the header; None where it is no table.

    Arguments:
        content: whole lines.
        is_tabs: the name of the file says that tabs delimit.
    """
    encoding = utf16_of(content)
    if encoding:
        content = content[: len(content) // 2 * 2].decode(encoding, "replace").lstrip("\ufeff").encode()
    lines = _lines(content)
    told, lines = _told_delimiter(lines)
    comment = _comment(lines)
    rows = [each for each in lines if each.text.strip() and not (comment and each.text.startswith(comment))]
    if not rows:
        return None
    delimiter = "\t" if is_tabs and "\t" in rows[0].text else told or _delimiter(rows)
    is_single = delimiter is None and _is_single(rows)
    if delimiter is None:
        delimiter = ","
        if not is_single:
            return None
    quote = "'" if _is_quoted(rows[0].text, "'") else '"'
    header, start = _header(lines, rows, delimiter, quote, comment)
    text = decode_text(content[start:]).text
    body = parse(text, delimiter, quote, comment, 1 + _LOOKED_AT)
    if header is None:
        start = _above(lines, rows[0])
        text = decode_text(content[start:]).text
        body = parse(text, delimiter, quote, comment, 1 + _LOOKED_AT)
        width = Counter(map(len, body)).most_common(1)[0][0] if body else 0
        names = tuple(f"column {number}" for number in range(1, width + 1))
    else:
        names = unique_names(_widened(header, body))
    if len(names) < 2 and not is_single:
        return None
    dialect = Dialect(
        names, delimiter, quote, _decimal(body, delimiter), comment, start, encoding, header is not None
    )
    return dialect, text


def parse(
    text: str, delimiter: str, quote: str, comment: str = "", most: int | None = None
) -> list[list[str]]:
    """The rows of a text that are not blank. Raises csv.Error."""
    lines: Sequence[str] = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
    if comment:
        lines = [line for line in lines if not line.startswith(comment)]
    if delimiter == BLANKS:
        found = (line.split() for line in lines)
        return [row for row, _ in zip((row for row in found if row), range(most or len(lines)), strict=False)]
    kept = (line if line.endswith(("\n", "\r")) else line + "\n" for line in lines if line.strip())
    rows: list[list[str]] = []
    for row in csv.reader(kept, delimiter=delimiter, quotechar=quote, skipinitialspace=True):
        rows.append(row)
        if most is not None and len(rows) >= most:
            break
    return rows


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: one without a name, or with that of another, gets its number."""
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        name = " ".join(cell.split()) or f"column {number}"
        names[name if name not in names else f"{name} ({number})"] = None
    return tuple(names)


def _lines(content: bytes) -> list[_Line]:
    """The first lines of a file, without their ends. Line ends are LF, CR LF, or CR alone."""
    mark = b"\n" if b"\n" in content else b"\r"
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    found: list[_Line] = []
    while at < len(content) and len(found) < _LOOKED_AT:
        end = content.find(mark, at) + 1 or len(content)
        found.append(_Line(decode_text(content[at:end]).text.rstrip("\r\n"), end))
        at = end
    return found


def _told_delimiter(lines: list[_Line]) -> tuple[str | None, list[_Line]]:
    """What a first line `sep=;` says, and the lines below it."""
    found = _SEPARATOR.fullmatch(lines[0].text.strip("\ufeff ")) if lines else None
    return (found[1], lines[1:]) if found else (None, lines)


def _comment(lines: Sequence[_Line]) -> str:
    """`#` where lines begin with it, the first or a few: where most do, it is a part of their first cell."""
    count = sum(1 for each in lines if each.text.startswith(_COMMENT))
    return _COMMENT if count and (lines[0].text.startswith(_COMMENT) or count * 2 <= len(lines)) else ""


def _delimiter(rows: Sequence[_Line]) -> str | None:
    """The delimiter by which most lines have as many cells as the first that has some."""
    text = "\n".join(each.text for each in rows)
    best: tuple[float, int] = (0.0, 0)
    found = None
    for each in (*_DELIMITERS, BLANKS):
        try:
            widths = [len(row) for row in parse(text, each, '"')]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
        if each == BLANKS and (found is not None or len(widths) < 2):
            continue  # blanks are in texts and in headers of all kinds
        if width > 1 and (share := round(count / len(widths), 1), width) > best and share >= 0.3:
            best, found = (share, width), each
    return found


def _is_single(rows: Sequence[_Line]) -> bool:
    """Whether lines are one column: a number each, but for a name above them."""
    texts = [each.text.strip().strip('"') for each in rows]
    return len(texts) > 2 and all(number_of(each) is not None for each in texts[1:])


def _is_quoted(line: str, quote: str) -> bool:
    return line.startswith(quote) and line.rstrip().endswith(quote) and line.count(quote) > 2


def _header(
    lines: Sequence[_Line], rows: Sequence[_Line], delimiter: str, quote: str, comment: str
) -> tuple[list[str] | None, int]:
    """The cells of the header and where it ends; None where there is none."""
    cells = [next(iter(parse(each.text, delimiter, quote)), []) for each in rows]
    common = Counter(len(row) for row in cells).most_common(1)[0][0]
    at = next((at for at, row in enumerate(cells[:_MOST_ABOVE]) if len(row) > 1 or common < 2), 0)
    if all(len(row) < common - 1 for row in cells[:at]) and at:
        # lines of text above a table: its header is the first line as wide as the table
        at = next((each for each, row in enumerate(cells) if len(row) >= common - 1), at)
    first = cells[at]
    if not _is_of_names(first):
        above = [
            each.text
            for each in lines
            if comment and each.end <= rows[at].end and each.text.startswith(comment)
        ]
        told = next(iter(parse(above[-1].lstrip(comment + " "), delimiter, quote)), []) if above else []
        if len(told) == len(first) and _is_of_names(told):
            return told, _above(lines, rows[at])
        return None, 0
    end = rows[at].end
    if rows[at].text.count(quote) % 2:  # a name with a line end in it
        text = "\n".join(each.text for each in rows[at:])
        whole = parse(text, delimiter, quote, most=1)[0]
        spent = sum(cell.count("\n") for cell in whole)
        return whole, rows[min(at + spent, len(rows) - 1)].end
    return first, end


def _above(lines: Sequence[_Line], row: _Line) -> int:
    """Where a line begins: behind the one above it."""
    return max((each.end for each in lines if each.end < row.end), default=0)


def _is_of_names(cells: Sequence[str]) -> bool:
    """Whether cells are names: none is a number, or the numbers among them count columns (`run,0,1,2`)."""
    numbers = [number for cell in cells if (number := number_of(cell)) is not None]
    if not numbers:
        return any(cell.strip() for cell in cells)
    counted = [numbers[0] + each for each in range(len(numbers))]
    return numbers == counted and numbers[0] in (0, 1) and len(numbers) > 2 and len(numbers) < len(cells)


def _widened(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """The names as wide as most rows: R leaves out the name of the first column, others end lines with a delimiter."""
    width = Counter(map(len, body)).most_common(1)[0][0] if body else len(header)
    if width == len(header) + 1 and any(row[-1].strip() for row in body if len(row) == width):
        return ["", *header]
    return list(header)


def _decimal(body: Sequence[Sequence[str]], delimiter: str) -> str:
    """Whether numbers have a comma for the point: more have one than a point, and it sets no thousands apart."""
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in body for cell in row]
    with_comma = [cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)]
    points = sum(1 for cell in cells if _POINT_NUMBER.fullmatch(cell))
    if not with_comma or len(with_comma) < points:
        return "."
    return "." if points and all(map(_THOUSANDS.fullmatch, with_comma)) else ","
