"""Points of one metric as DVCLive writes them: tab-separated lines of step and value, with a timestamp where asked."""

from __future__ import annotations

import csv
from array import array
from dataclasses import dataclass

from labtop.formats.files import decode_text
from labtop.formats.rows import number_of
from labtop.sources.source import NO_TIME, Curve

_INDEX = ("timestamp", "step")
_MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a file are; -1 is nowhere. `end` is where the first line of points begins, in bytes."""

    time: int
    step: int
    value: int
    end: int

    @classmethod
    def of(cls, content: bytes) -> Header | None:
        """The header at the beginning of a file, or None where it is none of DVCLive."""
        line, newline, _ = content[:65_536].partition(b"\n")
        names = _cells(decode_text(line).text.strip("\r"))
        if not newline or "step" not in names or not 2 <= len(names) <= 3:
            return None
        others = [at for at, name in enumerate(names) if name not in _INDEX]
        at_value = others[-1] if others else len(names) - 1  # a metric may be called "step" itself
        return cls(
            names.index("timestamp") if "timestamp" in names and others else -1,
            names.index("step"),
            at_value,
            len(line) + 1,
        )


def points(
    content: bytes, header: Header, from_step: int = 0, is_whole: bool = True
) -> tuple[Curve, int, list[str]]:
    """The points in whole lines of a file that follow its header, the bytes that they took, and what is wrong.

    A step that is missing is the number of the row; `from_step` is that of the first. `is_whole`: nothing follows.
    """
    end = content.rfind(b"\n") + 1
    curve = Curve()
    wrong: list[str] = []
    if is_whole and len(content) > end and not content[end:].isspace():
        wrong.append("its last line has no end: it is cut off, or still being written")
    text, problem = decode_text(content[:end])
    if problem:
        wrong.append(problem)
    columns = max(header.time, header.step, header.value) + 1
    if (whole := _columns(text, header, columns)) is not None:
        return whole, end, wrong
    for at, line in enumerate(text.split("\n")):
        if not line or line == "\r":
            continue
        cells = line.rstrip("\r").split("\t") if '"' not in line else _cells(line.rstrip("\r"))
        value = number_of(cells[header.value]) if len(cells) == columns else None
        if value is None:
            wrong.append(f"line {at + 2 + from_step}: {line[:40]!r} is no point")
            continue
        step = number_of(cells[header.step])
        curve.add(
            float(from_step + len(curve)) if step is None else step,
            value,
            _milliseconds(cells[header.time]) if header.time >= 0 else NO_TIME,
        )
    more = len(wrong) - _MOST_SAID
    return curve, end, wrong[:_MOST_SAID] + ([f"{more} more lines are no points"] if more > 0 else [])


def _columns(text: str, header: Header, columns: int) -> Curve | None:
    """All points at once, where every line is one; else None."""
    if '"' in text or "_" in text:
        return None
    rows = [line.split("\t") for line in text.splitlines()]
    if not rows or any(len(row) != columns for row in rows):
        return None
    try:
        return Curve(
            array("d", [float(row[header.step]) for row in rows]),
            array("q", [_milliseconds(row[header.time]) if header.time >= 0 else NO_TIME for row in rows]),
            array("d", [float(row[header.value]) for row in rows]),
        )
    except ValueError:
        return None


def _milliseconds(text: str) -> int:
    """Milliseconds since the epoch in microseconds."""
    return int(text) * 1000 if text.isascii() and text.isdigit() and len(text) <= 15 else NO_TIME


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter="\t"), [])
    except csv.Error:
        return []
