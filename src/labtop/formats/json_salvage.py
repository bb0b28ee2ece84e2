"""What can still be read of a JSON text that is cut off or damaged: all that stands whole before the damage."""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<mark>[{}\[\],:])"
    r'|(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")'
    r"|(?P<word>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)(?=[ \t\r\n,\]}]))"
)
_MOST = 16 * 2**20
_DEEPEST = 500
_CLOSED = {"{": "}", "[": "]"}


def salvage(text: str) -> Any:
    """The value with everything after the last whole part left out; None where nothing is left.

    Only objects and lists can be cut; a text of more than 16 million characters is given up.
    """
    if len(text) > _MOST:
        return None
    end, closing = _whole(text)
    if not end:
        return None
    try:
        return json.loads(text[:end] + closing)
    except (ValueError, RecursionError):
        return None


def _whole(text: str) -> tuple[int, str]:
    """Where the last whole value ends, and what closes the containers around it there."""
    open_marks: list[str] = []
    wanted = "value"  # value, first (value or the end of a list), key, first-key, colon, comma
    at, safe = 0, (0, "")
    while (found := _TOKEN.match(text, at)) is not None:
        at = found.end()
        mark = found["mark"]
        if mark in ("{", "[") and wanted in ("value", "first"):
            open_marks.append(mark)
            if len(open_marks) > _DEEPEST:
                return 0, ""
            wanted = "first-key" if mark == "{" else "first"
        elif mark in ("}", "]"):
            if (
                not open_marks
                or _CLOSED[open_marks[-1]] != mark
                or wanted not in ("comma", "first", "first-key")
            ):
                break
            open_marks.pop()
            wanted = "comma"
        elif mark == "," and wanted == "comma" and open_marks:
            wanted = "key" if open_marks[-1] == "{" else "value"
            continue
        elif mark == ":" and wanted == "colon":
            wanted = "value"
            continue
        elif found["text"] is not None and wanted in ("key", "first-key"):
            wanted = "colon"
            continue
        elif mark is None and wanted in ("value", "first"):
            wanted = "comma"
        else:
            break
        if not open_marks:
            return at, ""
        safe = (at, "".join(_CLOSED[each] for each in reversed(open_marks)))
    return safe
