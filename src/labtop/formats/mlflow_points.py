"""The lines of a metric in an MLflow file store: `time value step`, with a data set behind or, long ago, no step."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import msgspec

_NO_TIME = -(2**63)
_EXACT = 2**53
_MOST_TOLD = 3
_rows = msgspec.json.Decoder(list[tuple[int, float, int]]).decode  # of each line: time, value, step


class Points(NamedTuple):
    """Columns of one length, and what is wrong with some lines. Times are microseconds."""

    steps: array[float]
    times_us: array[int]
    values: array[float]
    problems: list[str]


def parse_points(content: bytes, first_row: int = 0) -> Points:
    """The points of whole lines. `first_row` counts the lines before these.

    A line without a step, as MLflow wrote before 1.0, gets the number of its row. MLflow itself takes the step of a
    line with five fields for 0; here it is what the line says.
    """
    try:
        points = _usual(content)
    except (ValueError, OverflowError):  # of which a mistake in JSON is one
        lines = content.removesuffix(b"\n").split(b"\n") if content else []
        points = _whole(lines) or _one_by_one(lines, first_row)
    if points.steps and (max(points.steps) >= _EXACT or min(points.steps) <= -_EXACT):
        points.problems.append("steps beyond 2^53 are rounded")
    return points


def _usual(content: bytes) -> Points:
    """The points of lines of three plain numbers, read as JSON. Raises ValueError, OverflowError where it is not so."""
    if b"," in content or b" -0 " in content:  # an integer has no negative zero
        raise ValueError
    text = content.removesuffix(b"\n").replace(b" ", b",").replace(b"\n", b"],[")
    times, values, steps = zip(*_rows(b"[[%b]]" % text), strict=True)
    microseconds = array("q", [each * 1000 for each in times])
    return Points(array("d", steps), microseconds, array("d", values), [])


def _whole(lines: list[bytes]) -> Points | None:
    """The points of lines that all have three numbers, NaN among them; None where some have not."""
    rows = [line.split() for line in lines]
    if min(map(len, rows), default=0) < 3:
        return None
    columns = list(zip(*rows, strict=False))
    try:
        return Points(
            array("d", map(int, columns[2])),
            array("q", [int(each) * 1000 for each in columns[0]]),
            array("d", map(float, columns[1])),
            [],
        )
    except (ValueError, OverflowError):
        return None


def _one_by_one(lines: list[bytes], first_row: int) -> Points:
    """The points of lines among which some are damaged; those are told and left out."""
    points = Points(array("d"), array("q"), array("d"), [])
    bad: list[int] = []
    for row, line in enumerate(lines, first_row):
        fields = line.strip(b"\0\xef\xbb\xbf \t\r").split()
        if not fields:
            if line.strip(b" \t\r\xef\xbb\xbf"):
                bad.append(row)
            continue
        try:
            value = float(fields[1])
            step = _step(fields[2]) if len(fields) > 2 else float(row)
            time = int(fields[0]) * 1000
        except (ValueError, IndexError, OverflowError):
            bad.append(row)
            continue
        points.steps.append(step)
        points.times_us.append(time if abs(time) < 2**63 else _NO_TIME)
        points.values.append(value)
    for row in bad[:_MOST_TOLD]:
        points.problems.append(
            f"line {row + 1} is no point: {lines[row - first_row][:60].decode('latin-1')!r}"
        )
    if len(bad) > _MOST_TOLD:
        points.problems.append(f"{len(bad) - _MOST_TOLD:,} more lines are no points")
    return points


def _step(field: bytes) -> float:
    try:
        return float(int(field))
    except ValueError:
        step = float(field)  # a step of 3.0, written by other clients
        if step != step or step in (float("inf"), float("-inf")):
            raise
        return step
