"""What a printed Python traceback says: the kind of the error, its message, and where it was raised."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

_FRAME = re.compile(r'^\s*File "(?P<file>[^"\n]{1,500})", line (?P<line>\d{1,9})(?:, in (?P<name>.{1,200}))?')
_ERROR = re.compile(r"^(?P<type>[A-Za-z_][\w.]{0,200})(?:: (?P<message>.*))?$", re.DOTALL)
HEAD = "Traceback (most recent call last)"


class Raised(NamedTuple):
    """An exception as it was printed; `where` is "train.py:12 in step"."""

    type: str
    message: str
    where: str


def raised(lines: list[str]) -> Raised | None:
    """The exception that the last traceback in some lines tells of, or None."""
    starts = [at for at, line in enumerate(lines) if HEAD in line]
    if not starts:
        return None
    where = ""
    for at in range(starts[-1] + 1, len(lines)):
        line = lines[at]
        frame = _FRAME.match(line)
        if frame:
            name = f" in {frame['name'].strip()}" if frame["name"] else ""
            where = f"{PurePath(frame['file']).name}:{frame['line']}{name}"
        elif line.strip() and not line[0].isspace():
            found = _ERROR.match("\n".join(lines[at:]).strip())
            return Raised(found["type"], (found["message"] or "").strip(), where) if found else None
    return None
