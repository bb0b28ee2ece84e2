"""Recognises printed lines like those before that can hold no secret: programs print the same words and other numbers.

A line's shape is the line with a 0 for every digit. What a secret may stand by (`secret_looks`) is looked for in the
shape, with a 0 for every digit as well: a shape without any of it is that of no line that holds a secret by its look.
"""

from __future__ import annotations

from collections.abc import Callable

from labtop.recording.capture.secret_looks import hint_table

_LONGEST = 400  # characters
_MOST = 4_096
_ANY_DIGIT = {ord(digit): "0" for digit in "123456789"}
_HINTS = hint_table(lambda hint: hint.translate(_ANY_DIGIT))


class PlainLines:
    """Shapes that were met.

    `names_secret` says whether a text gives a value to a name that announces a secret; the digits in it, and which
    they are, make no difference.
    """

    def __init__(self, names_secret: Callable[[str], bool]) -> None:
        self._names_secret = names_secret
        self._shapes: dict[str, bool] = {}  # and whether a line of that shape is plain

    def has(self, line: str) -> bool:
        """Whether a line is sure to hold nothing that looks like a secret, or is assigned to the name of one."""
        if len(line) > _LONGEST:
            return False
        shape = line.translate(_ANY_DIGIT)
        is_plain = self._shapes.get(shape)
        if is_plain is None:
            if len(self._shapes) >= _MOST:
                self._shapes = {}
            is_plain = self._shapes[shape] = self._is_plain(shape, shape.lower())
        return is_plain

    def _is_plain(self, shape: str, low: str) -> bool:
        if "private key" in low or ("://" in low and "@" in low):
            return False
        if any(hint in low for sign, hints in _HINTS if sign in low for hint in hints):
            return False
        return not self._names_secret(shape)
