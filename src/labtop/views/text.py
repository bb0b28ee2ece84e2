"""Makes text from runs safe to show: the one place where foreign text becomes display text.

Terminals obey control characters, bidirectional marks reorder what a person reads, and zero-width characters
make two names look the same. Textual and rich pass all of them through. What came out of a run goes
through `clean()` before it is drawn or printed; what is stored or exported as JSON stays raw.

`csv_safe()` does the same for the other program that executes text: a spreadsheet.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MARKS_PER_LETTER = 3
"""Combining marks kept on one letter; more only paint over the neighbouring lines."""

_DOT = "·"
_HOLDER = "◌"  # carries a combining mark that has no letter of its own
_SPACES = " \u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff"
_FORMULA = re.compile(rf"(?:^|(?<=\r\n)|(?<=\n)|(?<=\r)(?!\n))(?=[{_SPACES}]*[=+\-@\t\r＝＋－＠])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|[iI]nf(inity)?|[nN]a[nN])")


def clean(text: str, limit: int | None = None, newline: str = "⏎", *, ascii: bool = False) -> str:
    """`text` with everything a terminal would obey made visible, at most `limit` characters long.

    Line ends become `newline` (give "\\n" to keep them), other control characters their pictures (␛),
    invisible characters a dot. A text that was cut ends in "…". With `ascii`, what is not printable ASCII is
    written as an escape: \\x1b.
    """
    if text.isascii() and text.isprintable():
        return text if limit is None or len(text) <= limit else _cut(text, limit, ascii)
    if limit is not None:  # a name of a megabyte costs no more than one of a line
        text = text[: 8 * limit + 64]
    text = text.replace("\r\n", "\n")
    shown = _visible_ascii(text, newline) if ascii else _visible(text, newline)
    return shown if limit is None or len(shown) <= limit else _cut(shown, limit, ascii)


def csv_safe(text: str) -> str:
    """`text` as a CSV cell that no spreadsheet runs: a quote before each line that would start a formula.

    Numbers stay as they are, so that -0.5 is still one.
    """
    if _NUMBER.fullmatch(text):
        return text
    return _FORMULA.sub("'", text)


def _cut(text: str, limit: int, ascii: bool) -> str:
    mark = "..." if ascii else "…"
    return text[: max(0, limit - len(mark))] + mark[:limit]


def _visible(text: str, newline: str) -> str:
    shown: list[str] = []
    marks = MARKS_PER_LETTER  # a mark at the very start has no letter
    for character in text:
        picture = _picture(character)
        if picture is None:
            marks += 1
            if not shown or shown[-1] == newline:
                shown.append(_HOLDER)
                marks = 1
            if marks <= MARKS_PER_LETTER:
                shown.append(character)
            continue
        marks = 0
        if picture == "\n":
            shown.append(newline)
        elif picture:
            shown.append(picture)
    return "".join(shown)


def _visible_ascii(text: str, newline: str) -> str:
    line_end = newline if newline.isascii() else "\\n"
    return "".join(line_end if _picture(each) == "\n" else _escape(each) for each in text)


@lru_cache(4096)
def _escape(character: str) -> str:
    """One character in printable ASCII: itself, a space for any space, else an escape."""
    if _picture(character) == " ":
        return " "
    if character.isascii():
        return character if character.isprintable() else f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


@lru_cache(4096)
def _picture(character: str) -> str | None:
    """What stands for a character: itself, its picture, "\\n" for a line end, "" for nothing; None: a mark."""
    code = ord(character)
    if character in "\n\x85\u2028\u2029":
        return "\n"
    if character == "\t":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:04x}"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""  # variation selectors: terminals disagree about the width they give
    if character in "\u034f\u115f\u3164\uffa0":  # letters and marks that draw nothing
        return _DOT
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return None  # parts of a Korean syllable: no width of their own
    category = unicodedata.category(character)
    if category[0] == "M":
        return None
    if category == "Cf":  # bidirectional marks, joiners, zero-width spaces, tags
        return _DOT
    if category == "Zs":
        return " "
    return character


def cell_width(text: str) -> int:
    """About how many cells `text` takes in a terminal: two for wide characters, none for combining marks.

    For choosing widths; what is drawn is cut by the terminal library's own measure.
    """
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


@lru_cache(4096)
def _cells(character: str) -> int:
    if _picture(character) is None:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
