"""Rows of numbers by name, from lines of CSV, from JSON values and from text that people print.

Text cells are left out; NaN and infinities stay what they are. Nothing here knows what a metric or a step is.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NUMBER = r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?|[iI]nf(?:inity)?\b|[nN]a[nN]\b|INF\b|NAN\b)"
_TEXT_NUMBER = re.compile(_NUMBER)
_PAIR = re.compile(
    r"(?:(?<![\w./%@-])(?P<name>[A-Za-z_][\w./%@-]{0,199})[ \t]?=[ \t]?"
    r"|(?P<quote>[\"'])(?P<quoted>[A-Za-z_][\w ./%@-]{0,199})(?P=quote)[ \t]?:[ \t]?)"
    r"[\"']?(?P<value>" + _NUMBER + r")(?!\w|\.\d)"
)  # `loss=0.3`, `loss = 0.3`, and a printed dictionary: `'loss': 0.3`
_DELIMITERS = (",", "\t", ";")
_DEEPEST = 20
Row = Mapping[str, float]


def number_of(text: str) -> float | None:
    """The number that a text is, and nothing else; None for any other text."""
    text = text.strip()
    try:
        return float(text) if _TEXT_NUMBER.fullmatch(text) else None
    except ValueError:
        return None


def pairs_in(line: str) -> dict[str, float]:
    """The `name=number` pairs of a printed line, and those of a printed dictionary. The last of a name counts."""
    return {found["name"] or found["quoted"]: float(found["value"]) for found in _PAIR.finditer(line)}


def split_header(line: str) -> tuple[str, tuple[str, ...]]:
    """Delimiter and column names of the first line of a CSV file."""
    delimiter = max(_DELIMITERS, key=line.count)
    return delimiter, tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter), []))


def csv_row(line: str, delimiter: str, names: Sequence[str]) -> dict[str, float] | None:
    """The numbers of a line of CSV by column; None where it has not as many cells as the header."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return None
    if len(cells) != len(names):
        return None
    numbers = ((name, number_of(cell)) for name, cell in zip(names, cells, strict=True))
    return {name: number for name, number in numbers if number is not None and name}


def json_rows(value: Any) -> Iterator[dict[str, float]]:
    """A row for a JSON object, one for each object of a list, nothing for anything else. Nested names join with `/`."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield dict(_numbers(each, "", 0))


def parse_json(text: str) -> Any:
    """A JSON value.

    Raises:
        ValueError: it is none, or too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _numbers(tree: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, float]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            try:
                yield name, float(value)
            except OverflowError:  # an integer beyond any double
                continue
        elif isinstance(value, str):
            if value in ("NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"):
                yield name, float(value)
        elif isinstance(value, dict) and depth < _DEEPEST:
            yield from _numbers(value, f"{name}/", depth + 1)
