"""The points of a run in a file store, read whole, or from where the last reading of its files ended.

Points come in the order by which MLflow itself takes one for the latest: by step, then by time, then by value.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import lt
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import open_regular, read_whole
from labtop.formats.mlflow_points import Points, parse_points
from labtop.sources.mlflow.folder import Logged, files_of
from labtop.sources.source import Curve

_WHOLE = 16 * 2**20
_BLOCK = 8 * 2**20
_WORTH_BYTES = 256 * 1024
_MOST_FILES = 300
_TAIL = 64
_MOST_POINTS = 1_000_000
NO_END = "its last line has no end: it is cut off, or still being written"


def in_order(curve: Curve) -> Curve:
    """The points of a metric by step, time and value, which takes no time where they were logged so."""
    steps = curve.steps
    if len(steps) < 2 or all(map(lt, steps, islice(steps, 1, None))):
        return curve
    rows = list(zip(steps, curve.times_us, curve.values, strict=True))
    ordered = sorted(rows, key=_rank)
    if ordered == rows:
        return curve
    columns = list(zip(*ordered, strict=True))
    return Curve(array("d", columns[0]), array("q", columns[1]), array("d", columns[2]))


def _rank(row: tuple[float, int, float]) -> tuple[float, int, float]:
    step, time, value = row
    return step, time, value if value == value else 0.0  # NaN has no order; MLflow's databases keep it as 0


class Pieces:
    """Reads the points of a run, at most a million at a time.

    After `read`, `state` says where each file ended, for a run that is large enough for that to pay.
    """

    def __init__(self, run: str, problems: list[str]) -> None:
        self.run = run
        self.problems = problems
        self.state: bytes | None = None
        self._ends: dict[str, tuple[int, bytes, Curve]] | None = {}
        self._bytes = 0

    def read(self) -> Iterator[dict[str, Curve]]:
        """All points. A metric with a file of many megabytes comes in several pieces, in the order of its lines."""
        curves: dict[str, Curve] = {}
        points = 0
        for each in files_of(self.run, "metrics"):
            for curve in self._curves(each):
                if each.key in curves or points > _MOST_POINTS:
                    yield curves
                    curves, points = {}, 0
                curves[each.key] = curve
                points += len(curve)
        if self._ends is not None and self._bytes >= _WORTH_BYTES and len(self._ends) <= _MOST_FILES:
            ends = {
                key: (size, zlib.crc32(tail), max(curve.steps))
                for key, (size, tail, curve) in self._ends.items()
            }
            self.state = json.dumps(ends).encode()
        yield curves

    def _curves(self, file: Logged) -> Iterator[Curve]:
        try:
            content = read_whole(file.path, _WHOLE)
        except InputError:
            self._ends = None
            yield from self._blocks(file)  # larger than that, or no regular file, which is told there
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(f"metrics/{file.key}: {error.strerror or error}")
        else:
            curve = self._curve(file.key, parse_points(content))
            if not content[-1:].isspace():
                self.problems.append(f"metrics/{file.key}: {NO_END if content else 'is empty'}")
            self._ended(file.key, content, curve)
            yield in_order(curve)

    def _blocks(self, file: Logged) -> Iterator[Curve]:
        """A large file, by blocks of whole lines."""
        rest, rows = b"", 0
        try:
            with open_regular(Path(file.path)) as opened:
                while block := opened.read(_BLOCK):
                    lines, newline, rest = (rest + block).rpartition(b"\n")
                    if not newline:
                        if len(rest) > _BLOCK:
                            self.problems.append(f"metrics/{file.key}: a line has no end after row {rows}")
                            return
                        continue
                    yield self._curve(file.key, parse_points(lines, rows))
                    rows += lines.count(b"\n") + 1
            if rest:
                yield self._curve(file.key, parse_points(rest, rows))
                self.problems.append(f"metrics/{file.key}: {NO_END}")
        except (OSError, InputError) as error:
            self.problems.append(f"metrics/{file.key}: {getattr(error, 'strerror', None) or error}")

    def _curve(self, key: str, points: Points) -> Curve:
        self.problems.extend(f"metrics/{key}: {problem}" for problem in points.problems)
        return Curve(points.steps, points.times_us, points.values)

    def _ended(self, key: str, content: bytes, curve: Curve) -> None:
        self._bytes += len(content)
        if self._ends is None:
            return
        if not content.endswith(b"\n") or not curve:
            self._ends = None  # a line is half written: what comes next has to be read with it
            return
        self._ends[key] = (len(content), content[-_TAIL:], curve)

    def read_on(self, state: bytes) -> dict[str, Curve] | None:
        """What was added since `state`; None where it cannot be told, or belongs before what was there."""
        ends = _checked(state)
        files = files_of(self.run, "metrics")
        if ends is None or not set(ends) <= {each.key for each in files}:
            return None
        curves: dict[str, Curve] = {}
        after: dict[str, tuple[int, int, float]] = {}
        for each in files:
            end, tail, last_step = ends.get(each.key, (0, 0, float("-inf")))
            added = _added(each.path, end, tail)
            if added is None:
                return None
            if not added:
                after[each.key] = (end, tail, last_step)
                continue
            kept, new = added[: min(end, _TAIL)], added[min(end, _TAIL) :]
            if not new:
                after[each.key] = (end, tail, last_step)
                continue
            if not new.endswith(b"\n"):
                return None
            points = parse_points(new)
            if points.problems or not points.steps or min(points.steps) < last_step:
                return None
            curves[each.key] = in_order(Curve(points.steps, points.times_us, points.values))
            whole = kept + new
            after[each.key] = (end + len(new), zlib.crc32(whole[-_TAIL:]), max(points.steps))
        if len(after) > _MOST_FILES:
            return None
        self.state = json.dumps(after).encode()
        return curves


def _added(path: str, end: int, tail: int) -> bytes | None:
    """The last bytes before `end` and all that follow; None where those are not what they were, or it is too much."""
    start = max(0, end - _TAIL)
    try:
        with open_regular(Path(path)) as file:
            file.seek(start)
            content = file.read(_WHOLE + 1)
    except (OSError, InputError):
        return None
    kept = content[: end - start]
    is_same = len(kept) == end - start and (not end or zlib.crc32(kept) == tail)
    return content if is_same and len(content) <= _WHOLE else None


def _checked(state: bytes) -> Mapping[str, tuple[int, int, float]] | None:
    """What a state says, or None where it is none of ours."""
    try:
        ends = json.loads(state)
        return {str(key): (int(end), int(tail), float(step)) for key, (end, tail, step) in ends.items()}
    except (ValueError, TypeError, AttributeError):
        return None
