"""Which metrics `labtop run` picks up: rules from the line or the settings, and the files as they were before.

stdout · stderr · output    pairs `loss=0.3` and JSON lines in what is printed
re:PATTERN                  a regular expression with named groups, on each printed line
metrics.csv · logs/*.jsonl · result.json · runs/**/events.out.tfevents.*
                            files that the command writes; the ending tells what they are
csv:GLOB · jsonl:GLOB · json:GLOB · tensorboard:GLOB-OR-FOLDER
                            the same, said
"""

from __future__ import annotations

import glob
import os
import re
from os import path

from labtop.errors import UsageError

KINDS = ("csv", "jsonl", "json", "tensorboard")
_OUTPUT = {"stdout": ("stdout",), "stderr": ("stderr",), "output": ("stdout", "stderr")}
_ENDINGS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_MOST_FILES = 1000
_HEAD_BYTES = 256
_EXAMPLES = "write stdout, re:PATTERN, metrics.csv, logs/*.jsonl, result.json or tensorboard:FOLDER"


class Rule:
    """One rule. `kind` is output, re or one of KINDS."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.streams: tuple[str, ...] = _OUTPUT.get(text, ())
        self.pattern: re.Pattern[str] | None = None
        self.glob = ""
        word, colon, rest = text.partition(":")
        if self.streams:
            self.kind = "output"
        elif colon and word == "re":
            self.kind, self.pattern, self.streams = "re", _compiled(rest), _OUTPUT["output"]
        else:
            self.kind, self.glob = (word, rest) if colon and word in KINDS else (_kind_of(text), text)
            if self.kind == "tensorboard" and "tfevents" not in path.split(self.glob)[1]:
                self.glob = f"{self.glob.rstrip('/')}/**/*tfevents*"

    def files(self) -> list[str]:
        """The files that the rule means now, by name; at most a thousand."""
        found = []
        for name in glob.iglob(self.glob, recursive=True):  # noqa: PTH207  # patterns may be absolute
            if path.isfile(name):  # noqa: PTH113
                found.append(name)
                if len(found) >= _MOST_FILES:
                    break
        return sorted(found)


def _kind_of(name: str) -> str:
    base = path.split(name)[1]
    if "tfevents" in base:
        return "tensorboard"
    kind = _ENDINGS.get(path.splitext(base)[1].lower())  # noqa: PTH122
    if kind is None:
        raise UsageError(f"--metrics {name!r} does not say what to read", _EXAMPLES)
    return kind


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--metrics re:{pattern} is no regular expression: {error}") from error
    if not compiled.groupindex:
        hint = "name what is to be recorded: re:loss (?P<loss>\\S+)"
        raise UsageError(f"--metrics re:{pattern} has no named group", hint)
    return compiled


class Before:
    """A file as it was before the command started: what is added to it can be told from what is written anew."""

    def __init__(self, name: str) -> None:
        status = os.stat(name)  # noqa: PTH116
        self.size = status.st_size
        self.looks = (status.st_size, status.st_mtime_ns, status.st_ino)
        with open(name, "rb") as file:  # noqa: PTH123
            self.head = file.read(min(_HEAD_BYTES, self.size))
            file.seek(max(0, self.size - _HEAD_BYTES))
            self.end = file.read(min(_HEAD_BYTES, self.size))

    def is_untouched(self, name: str) -> bool:
        """Whether nobody has written to the file since."""
        status = os.stat(name)  # noqa: PTH116
        return (status.st_size, status.st_mtime_ns, status.st_ino) == self.looks

    def added_from(self, name: str) -> int:
        """Where the new content begins: behind the old one where that is still there, else at 0."""
        with open(name, "rb") as file:  # noqa: PTH123
            if os.fstat(file.fileno()).st_size <= self.size or file.read(len(self.head)) != self.head:
                return 0
            file.seek(self.size - len(self.end))
            return self.size if file.read(len(self.end)) == self.end else 0


def look_before(rules: list[Rule]) -> dict[str, Before]:
    """The files of all rules as they are now."""
    found = {}
    for rule in rules:
        for name in rule.files() if rule.glob else ():
            try:
                found[name] = Before(name)
            except OSError:  # vanished, or not ours to read
                continue
    return found
