"""Reads the small files that describe a run, and gathers what is wrong with them in sentences for people.

A file that is missing says nothing; one that is damaged costs what it holds and is named.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from labtop.errors import InputError
from labtop.formats.files import MOST_BYTES, read_text
from labtop.formats.json_salvage import salvage
from labtop.formats.json_text import parse_json
from labtop.formats.yaml_text import read_written_yaml

_MOST_PROBLEMS = 100
_TRIES = 3
_PAUSE_S = 0.02
_FRESH_S = 10.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
T = TypeVar("T")


class Problems:
    """What is wrong with a run's files: one sentence each, and no more of them than a person reads."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._more = 0

    def add(self, sentence: str) -> None:
        """Say something, once."""
        if len(self._said) < _MOST_PROBLEMS:
            self._said.setdefault(sentence)
        elif sentence not in self._said:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Every sentence, and how many were too many."""
        return (*self._said, *([f"and {self._more:,} more problems"] if self._more else []))


class SideFiles:
    """The files below a folder, read one by one; `problems` says what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems = Problems()

    def text(self, name: str, most: int = MOST_BYTES) -> str | None:
        """The text of a file, or None where it is not there or cannot be read."""

        def read(path: Path) -> str:
            text, problem = read_text(path, most)
            if problem:
                self.problems.add(f"{name} {problem}")
            return text

        return self._guarded(name, read)

    def json(self, name: str, most: int = MOST_BYTES) -> Any:
        """The value of a JSON file, or None. One that was half written a moment ago is read again."""

        def read(path: Path) -> Any:
            for left in reversed(range(_TRIES)):
                text, problem = read_text(path, most)
                try:
                    value = parse_json(text)
                except InputError as error:
                    if left and time.time() - path.stat().st_mtime < _FRESH_S:
                        time.sleep(_PAUSE_S)
                        continue
                    value = salvage(text)
                    if value is None:
                        raise
                    self.problems.add(f"{name}: {error.message}; what stands before that was read")
                if problem:
                    self.problems.add(f"{name} {problem}")
                return value
            return None

        return self._guarded(name, read)

    def yaml(self, name: str, is_core: bool = False) -> Any:
        """The value of a YAML file, or None. `is_core`: with the types of YAML 1.2, as DVC reads and writes it."""

        def read(path: Path) -> Any:
            value, problem = read_written_yaml(path, is_core=is_core)
            if problem:
                self.problems.add(f"{name} {problem}")
            return value

        return self._guarded(name, read)

    def mapping(self, name: str, value: Any) -> dict[str, Any]:
        """`value` where it is a mapping; else nothing, and a problem unless there is no value at all."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.problems.add(f"{name} holds a {type(value).__name__} where a mapping is expected")
        return {}

    def _guarded(self, name: str, read: Callable[[Path], T]) -> T | None:
        try:
            return read(self.folder / name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except InputError as error:
            self.problems.add(_sentence(name, error.message, self.folder))
        except OSError as error:
            self.problems.add(f"{name}: {error.strerror or error}")
        return None


def _sentence(name: str, message: str, folder: Path) -> str:
    """A problem with the file's short name in front, whether or not the message names the whole path."""
    whole = str(folder / name)
    return name + message[len(whole) :] if message.startswith(whole) else f"{name}: {message}"


def last_write(paths: Iterable[Path]) -> float | None:
    """When the newest of some files was written, seconds since the epoch."""
    found = []
    for path in paths:
        try:
            found.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(found, default=None)


def total_size(paths: Iterable[Path]) -> int:
    """The bytes of those files that are there."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def files_below(folder: Path, most: int, deepest: int = 8) -> Iterator[Path]:
    """Regular files below a folder, sorted, at most `most`; follows no links."""
    left = most
    waiting = [(folder, 0)]
    while waiting and left > 0:
        here, depth = waiting.pop()
        try:
            with os.scandir(here) as entries:
                there = sorted(entries, key=lambda each: each.name)
        except OSError:
            continue
        below = []
        for each in there:
            try:
                if each.is_dir(follow_symlinks=False):
                    below.append((here / each.name, depth + 1))
                elif each.is_file(follow_symlinks=False) and left > 0:
                    left -= 1
                    yield here / each.name
            except OSError:
                continue
        waiting += reversed([each for each in below if each[1] <= deepest])


def utc_time(text: Any) -> datetime | None:
    """An ISO time as an aware one; without a zone it is UTC. None where it is no time."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch_time(seconds: Any) -> datetime | None:
    """Seconds since the epoch as a time; None where it is no number, or one of no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def utc_microseconds(text: Any) -> int | None:
    """An ISO time as microseconds since the epoch, as `utc_time` reads it; made for columns of many."""
    try:
        when = datetime.fromisoformat(text)
        since = when - (_NAIVE_EPOCH if when.tzinfo is None else EPOCH)
    except (ValueError, OverflowError, TypeError):
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def microseconds(when: datetime) -> int:
    """An aware time as microseconds since the epoch."""
    return (when - EPOCH) // _MICROSECOND
