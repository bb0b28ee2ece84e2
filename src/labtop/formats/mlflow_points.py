"""The lines of a metric in an MLflow file store: `time value step`, with a data set behind or, long ago, no step."""

from __future__ import annotations

from array import array
from typing import NamedTuple

_NO_TIME = -(2**63)
_EXACT = 2**53
_MOST_TOLD = 3


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
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    rows = [line.split() for line in lines]
    if not rows:
        return Points(array("d"), array("q"), array("d"), [])
    problems: list[str] = []
    try:
        if min(map(len, rows)) < 3:
            raise ValueError
        columns = list(zip(*rows, strict=False))
        points = Points(
            array("d", map(int, columns[2])),
            array("q", [int(each) * 1000 for each in columns[0]]),
            array("d", map(float, columns[1])),
            problems,
        )
    except (ValueError, OverflowError):
        points = _one_by_one(lines, first_row, problems)
    if points.steps and (max(points.steps) >= _EXACT or min(points.steps) <= -_EXACT):
        problems.append("steps beyond 2^53 are rounded")
    return points


def _one_by_one(lines: list[bytes], first_row: int, problems: list[str]) -> Points:
    """The points of lines among which some are damaged; those are told and left out."""
    points = Points(array("d"), array("q"), array("d"), problems)
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
        problems.append(f"line {row + 1} is no point: {lines[row - first_row][:60].decode('latin-1')!r}")
    if len(bad) > _MOST_TOLD:
        problems.append(f"{len(bad) - _MOST_TOLD:,} more lines are no points")
    return points


def _step(field: bytes) -> float:
    try:
        return float(int(field))
    except ValueError:
        step = float(field)  # a step of 3.0, written by other clients
        if step != step or step in (float("inf"), float("-inf")):
            raise
        return step
