"""JSON as programs really write it: with NaN and infinities, a byte order mark, cut off. Depth and size are bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import MOST_BYTES, read_text

NUMBER_WORDS = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "Inf": float("inf"),
    "-Inf": float("-inf"),
}
"""How a number that JSON cannot say is written as text."""


def parse_json(text: str) -> Any:
    """The value of a JSON text; bare NaN and Infinity are numbers. Raises InputError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("nested too deep") from None
    except ValueError as error:
        # also an integer of more digits than Python converts
        raise InputError(f"no JSON: {error}" if text.strip() else "is empty") from error


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """The value of a JSON file. Raises OSError, InputError."""
    return parse_json(read_text(path, most).text)


def as_number(value: Any) -> float | None:
    """A number of JSON, also where it is said by a word ("NaN"); None for anything else, booleans among it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    return NUMBER_WORDS.get(value) if isinstance(value, str) else None
