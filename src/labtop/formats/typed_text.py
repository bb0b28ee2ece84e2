"""Values that were stored as text, with their types again."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from labtop.formats.rows import number_of

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
is_decimal = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}(?:e-?[0-9]{1,2})?").fullmatch
"""Matches most of the numbers that are not whole; what it does not match may be one too."""

_WORDS: dict[str, Any] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
}
_LONGEST = 100_000


def typed(text: str) -> Any:
    """The value that `text` says: a number, a boolean, None, a list or mapping (JSON, or Python's own), else itself.

    What would not be told apart any more stays text: "007", "1_000", a number with blanks around it.
    """
    if is_decimal(text):
        return float(text)
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        is_plain = text.lstrip("+-")[:1] != "0" or text.lstrip("+-") == "0"
        return int(text) if is_plain else text
    if text[:1] in "[{(" and text[-1:] in "]})" and len(text) <= _LONGEST:
        return _tree(text)
    if text != text.strip():
        return text
    number = number_of(text)
    return text if number is None or (not math.isfinite(number) and _is_too_large(text)) else number


def _is_too_large(text: str) -> bool:
    """Whether digits stand for a number beyond any double, which is not infinity."""
    return any(each.isdigit() for each in text)


def _tree(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    import ast

    try:
        return _as_json(ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((_as_json(each) for each in value), key=repr)
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)


def is_kept(text: str, value: Any) -> bool:
    """Whether `text` can be had again from the value that was made of it, so that it need not be kept beside it."""
    return value is text or (value is not None and str(value) == text)
