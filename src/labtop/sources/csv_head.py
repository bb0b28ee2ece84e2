"""The first lines of a table, to tell whose it is without reading it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from labtop.errors import InputError
from labtop.formats.files import decode_text, open_regular
from labtop.formats.rows import split_header

_MOST_BYTES = 2**16


class Head(NamedTuple):
    """Names of columns, cells of the first row (empty: there is none yet), and the line before them, if it is `#…`."""

    names: tuple[str, ...]
    first: tuple[str, ...]
    comment: str


def read_head(path: Path) -> Head | None:
    """The head of a table; None where it is none or cannot be read."""
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES)
    except (OSError, InputError):
        return None
    lines = [line for line in decode_text(content).text.splitlines() if line.strip()][:3]
    comment = lines.pop(0) if lines and lines[0].startswith("#") else ""
    if not lines:
        return None
    try:
        delimiter, names = split_header(lines[0])
        first = tuple(next(csv.reader(lines[1:2], delimiter=delimiter), []))
    except csv.Error:
        return None
    return Head(names, first, comment)
