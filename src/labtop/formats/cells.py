"""What a cell of a table says: a number as people and programs write it, nothing, a truth value.

Knows numbers with thousands set apart, with a comma for a point, per cent, and the words that spreadsheets and
libraries have for infinity, for no number and for nothing at all.
"""

from __future__ import annotations

import re

from labtop.formats.rows import number_of

_NOTHING = frozenset(
    ("", "na", "n/a", "#n/a", "#na", "<na>", "nat", "none", "null", "nil", "-", "--", "---", "–", "—", "?", ".",
     "missing", "undefined", "#div/0!", "#value!", "#ref!", "#name?", "(null)", "\\n")
)  # fmt: skip
"""Words for nothing, in lower case. `nan` is none of them: it is a number, of a loss that blew up."""
_INFINITE = {
    "∞": 1,
    "+∞": 1,
    "-∞": -1,
    "1.#inf": 1,
    "+1.#inf": 1,
    "-1.#inf": -1,
    "1.#inf00": 1,
    "-1.#inf00": -1,
}
_NOT_A_NUMBER = frozenset(
    ("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "-nan", "+nan", "#num!", "-nan(ind)", "nan(ind)")
)
_POINTS_APART = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?")
_COMMAS_APART = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return text.strip().lower() in _NOTHING


def cell_number(text: str, decimal: str = ".") -> float | None:
    """The number that a cell shows; None for any other text.

    Arguments:
        decimal: "," where the table writes a comma for the point.
    """
    text = text.strip()
    if decimal == ",":
        if _WITH_COMMA.fullmatch(text) or _POINTS_APART.fullmatch(text):
            return number_of(text.replace(".", "").replace(",", "."))
    elif "," in text and _COMMAS_APART.fullmatch(text):
        return number_of(text.replace(",", ""))
    number = number_of(text)
    if number is not None:
        return number
    if text.endswith("%"):
        return cell_number(text[:-1], decimal) if text[:-1].strip()[-1:] not in ("", "%") else None
    word = text.lower()
    if word in _NOT_A_NUMBER:
        return float("nan")
    if word in _INFINITE:
        return _INFINITE[word] * float("inf")
    return {"true": 1.0, "false": 0.0}.get(word)


def truth(text: str) -> bool | None:
    """The truth value that a word says, `yes` and `off` among them; None for any other text."""
    return _TRUTHS.get(text.strip().lower())
