"""Files that a command writes, read on from where they were read to: what is not complete yet waits."""

from __future__ import annotations

import io
from pathlib import Path

from labtop.formats.rows import csv_row, json_rows, number_of, parse_json, split_header
from labtop.formats.tensorboard import Scalar, read_scalars
from labtop.formats.tfrecord import Damage
from labtop.recording.wrapped.point_sink import STEPS, PointSink
from labtop.recording.wrapped.rules import Rule
from labtop.store.files import read_regular

_MOST_AT_ONCE = 4 * 2**20
_LARGEST_DOCUMENT = 64 * 2**20
_LONGEST_LINE = 2**20
_HEAD_BYTES = 256
_PHASES = ("train", "training", "val", "valid", "validation", "eval", "evaluation", "test", "dev")


def prefix_of(rule: Rule, name: str, leads: list[str]) -> str:
    """What goes before the metric names of a file, so that two files of one rule do not mix.

    The first file has no prefix: runs whose folders are called by date stay comparable. `train`, `val` and their like
    are always said. Event files of one folder are one.

    Arguments:
        leads: the files, or folders of event files, that had a prefix before; this one is added.
    """
    path = Path(name)
    is_events = rule.kind == "tensorboard"
    label = path.parent.name if is_events or not _has_wildcard(Path(rule.glob).name) else path.stem
    lead = str(path.parent) if is_events else name
    if lead not in leads:
        leads.append(lead)
    is_phase = label.lower() in _PHASES and _has_wildcard(rule.glob)
    return f"{label}/" if is_phase or lead != leads[0] else ""


def _has_wildcard(pattern: str) -> bool:
    return any(each in pattern for each in "*?[")


def follower_of(kind: str, name: str, start: int, prefix: str, step_name: str | None) -> Follower:
    """What reads a file of this kind from `start` on."""
    followers = {
        "csv": CsvFollower,
        "jsonl": JsonLinesFollower,
        "json": JsonFollower,
        "tensorboard": EventFollower,
    }
    return followers[kind](name, start, prefix, step_name)


class Follower:
    """One file. Problems are counted, and told once at the end."""

    def __init__(self, name: str, start: int, prefix: str, step_name: str | None) -> None:
        self.name = name
        self.bad = 0
        self.first_problem = ""
        self._path = Path(name)
        self._at = start
        self._prefix = prefix
        self._step_name = step_name

    def look(self, sink: PointSink) -> None:
        """Read what is new and complete."""
        raise NotImplementedError

    def finish(self, sink: PointSink) -> None:
        """Read what is left."""
        self.look(sink)

    def complaint(self) -> str:
        """What could not be read."""
        lines = "1 entry" if self.bad == 1 else f"{self.bad} entries"
        return f"{lines} of {self.name} could not be read: {self.first_problem}"

    def _complain(self, problem: str) -> None:
        self.bad += 1
        self.first_problem = self.first_problem or problem

    def _read(self, most_bytes: int = _MOST_AT_ONCE) -> bytes:
        try:
            return read_regular(self._path, most_bytes, self._at)
        except OSError:  # gone for a moment, while it is replaced
            return b""


class LinesFollower(Follower):
    """A file of lines that grows. One that was written anew is read again, without the rows that are known."""

    def __init__(self, name: str, start: int, prefix: str, step_name: str | None) -> None:
        super().__init__(name, start, prefix, step_name)
        self._head = b""
        self._line_number = 0
        self._rest = b""
        self._steps: list[float] = []  # of the rows that were logged
        self._row = 0
        if start:
            self._take_head()

    def look(self, sink: PointSink) -> None:
        """Read all whole lines."""
        self._notice_rewrite()
        while data := self._read():
            if (
                self._at == len(self._head) < _HEAD_BYTES
            ):  # at once: it may be written anew before the next look
                self._head += data[: _HEAD_BYTES - self._at]
            self._at += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._take(line, sink)
            if len(self._rest) > _LONGEST_LINE:
                self._complain(f"line {self._line_number + 1} has more than {_LONGEST_LINE} bytes")
                self._rest = b""

    def finish(self, sink: PointSink) -> None:
        """Read the last line too, which may have no end."""
        self.look(sink)
        if self._rest:
            self._take(self._rest, sink)
            self._rest = b""

    def _take_head(self) -> None:
        """What stands before the place where reading begins."""

    def _notice_rewrite(self) -> None:
        try:
            size = self._path.stat().st_size
            head = read_regular(self._path, _HEAD_BYTES)
        except OSError:
            return
        if size < self._at or not head.startswith(self._head):
            self._at, self._rest, self._line_number, self._row, self._head = 0, b"", 0, 0, b""
            self._begin_again()
        if len(head) > len(self._head):
            self._head = head[: max(len(self._head), min(len(head), self._at))]

    def _begin_again(self) -> None:
        """The file is a new one."""

    def _take(self, line: bytes, sink: PointSink) -> None:
        self._line_number += 1
        text = line.decode("utf-8-sig" if self._line_number == 1 else "utf-8", "replace").rstrip("\r")
        if text.strip():
            self._parse(text, sink)

    def _parse(self, text: str, sink: PointSink) -> None:
        raise NotImplementedError

    def _add(self, row: dict[str, float], sink: PointSink) -> None:
        at, self._row = self._row, self._row + 1
        if at < len(self._steps) and self._steps[at] == _step_in(row, self._step_name, at):
            return  # the file was written anew with this row in it
        del self._steps[at:]
        sink.add(row, self.name, self._step_name, self._prefix)
        self._steps.append(_step_in(row, self._step_name, at))


def _step_in(row: dict[str, float], step_name: str | None, otherwise: float) -> float:
    names = (step_name,) if step_name else STEPS
    return next((row[name] for name in names if name in row), otherwise)


class CsvFollower(LinesFollower):
    """CSV with a header; `#` begins a comment, and text cells are left out."""

    def __init__(self, name: str, start: int, prefix: str, step_name: str | None) -> None:
        self._names: tuple[str, ...] = ()
        self._delimiter = ","
        super().__init__(name, start, prefix, step_name)

    def _take_head(self) -> None:
        try:
            lines = read_regular(self._path, _LONGEST_LINE).split(b"\n")
        except OSError:
            return
        texts = (line.decode("utf-8-sig", "replace").strip() for line in lines)
        header = next((text for text in texts if text and not text.startswith("#")), "")
        self._delimiter, self._names = split_header(header)

    def _begin_again(self) -> None:
        self._names = ()

    def _parse(self, text: str, sink: PointSink) -> None:
        if text.startswith("#"):
            return
        if not self._names:
            self._delimiter, self._names = split_header(text)
            if all(number_of(name) is not None for name in self._names):
                self._complain("its first line holds numbers and no names")
            return
        row = csv_row(text, self._delimiter, self._names)
        if row is None:
            self._complain(f"line {self._line_number} has not the {len(self._names)} cells of the first line")
            return
        self._add(row, sink)


class JsonLinesFollower(LinesFollower):
    """A JSON object a line."""

    def _parse(self, text: str, sink: PointSink) -> None:
        try:
            rows = [*json_rows(parse_json(text))]
        except ValueError as error:
            self._complain(f"line {self._line_number}: {error}")
            return
        if not rows:
            self._complain(f"line {self._line_number} holds no object")
        for row in rows:
            self._add(row, sink)


class JsonFollower(Follower):
    """A JSON document that is written as a whole: an object is a row, a list of objects is many."""

    def __init__(self, name: str, start: int, prefix: str, step_name: str | None) -> None:
        super().__init__(name, 0, prefix, step_name)
        self._seen: tuple[int, int, int] | None = None
        self._rows: list[dict[str, float]] = []
        self._problem = ""

    def look(self, sink: PointSink) -> None:
        """Read it when it has changed; a half-written one waits."""
        try:
            status = self._path.stat()
        except OSError:
            return
        seen = (status.st_size, status.st_mtime_ns, status.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        if status.st_size > _LARGEST_DOCUMENT:
            self._problem = f"it has {status.st_size} bytes"
            return
        try:
            value = parse_json(self._read(_LARGEST_DOCUMENT).decode("utf-8-sig"))
        except ValueError as error:
            self._problem = str(error)
            return
        self._problem = ""
        rows = [*json_rows(value)]
        known = self._rows if isinstance(value, list) and rows[: len(self._rows)] == self._rows else []
        for row in rows[len(known) :]:
            if known or row not in self._rows:
                sink.add(row, self.name, self._step_name, self._prefix)
        self._rows = rows

    def finish(self, sink: PointSink) -> None:
        """What is no JSON now will never be."""
        self._seen = None
        self.look(sink)
        if self._problem:
            self._complain(self._problem)


class EventFollower(Follower):
    """A TensorBoard event file: scalars with the steps and times it says."""

    def __init__(self, name: str, start: int, prefix: str, step_name: str | None) -> None:
        super().__init__(name, start, prefix, step_name)
        self._is_over = False

    def look(self, sink: PointSink) -> None:
        """Read all whole events."""
        if self._is_over:
            return
        try:
            size = self._path.stat().st_size
        except OSError:
            return
        if size <= self._at:
            return
        with self._path.open("rb") as file:
            self._read_events(file, size, sink)

    def _read_events(self, file: io.BufferedReader, size: int, sink: PointSink) -> None:
        for each in read_scalars(file, size, self._at):
            if isinstance(each, Scalar):
                sink.log({sink.name(self._prefix + each.tag): each.value}, each.step, int(each.time_s * 1e6))
            elif isinstance(each, Damage):
                self._complain(f"{each.reason}, at byte {each.offset}")
                self._is_over = each.end is None
            else:
                self._at = each
