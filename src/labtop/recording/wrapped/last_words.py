"""Why a command failed, as far as its last output tells: the exception at the end of a Python traceback."""

from __future__ import annotations

import re

from labtop.model.run import RunError

_KEPT = 64_000  # characters of each stream
_BEGIN = "Traceback (most recent call last):"
_PLACE = re.compile(r'^  File "([^"\n]{1,4000})", line (\d{1,9})(?:, in (\S{1,200}))?', re.MULTILINE)
_ERROR = re.compile(r"^([A-Za-z_][\w.]{0,200})(?:: (.*))?$")
_LIBRARIES = ("site-packages", "/lib/python", "<frozen")  # the program's own lines say more
_LONGEST_MESSAGE = 10_000


class LastWords:
    """The end of what a command prints, stream by stream."""

    def __init__(self) -> None:
        self._ends: dict[str, str] = {}

    def take(self, stream: str, text: str) -> None:
        """Take printed text."""
        self._ends[stream] = (self._ends.get(stream, "") + text)[-_KEPT:]

    def error(self) -> RunError | None:
        """The exception that was printed last, on stderr or a terminal; None where none was."""
        for stream in ("stderr", "stdout"):
            if found := error_in(self._ends.get(stream, "")):
                return found
        return None


def error_in(text: str) -> RunError | None:
    """The exception of the last traceback in a text; what is printed behind it counts as its message."""
    _, begin, trace = text.replace("\r\n", "\n").rpartition(_BEGIN)
    if not begin:
        return None
    lines = trace.split("\n")[1:]
    at = next((at for at, line in enumerate(lines) if line and not line.startswith(" ")), None)
    found = _ERROR.match(lines[at]) if at is not None else None
    if at is None or found is None:
        return None
    message = "\n".join([found[2] or "", *lines[at + 1 :]]).rstrip()
    places = _PLACE.findall(trace)
    places = [each for each in places if not any(mark in each[0] for mark in _LIBRARIES)] or places
    file, line, function = places[-1] if places else ("", "", "")
    inside = f" in {function}" if function and function != "<module>" else ""
    where = f"{file}:{line}{inside}" if file else ""
    return RunError(type=found[1], message=message[:_LONGEST_MESSAGE], where=where)
