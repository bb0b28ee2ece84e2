"""Keeps what a program prints: a copy of stdout and stderr in `output.log`, line by line and without secrets.

The streams stay the objects they are (`isatty`, `fileno`, encoding, handlers that hold them); only their `write` is
wrapped, and put back at the end. What is written past Python, by C code or child processes, is not seen: for that there
is descriptors/capture.py.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from labtop.formats.opening import OWN, read_at
from labtop.recording.capture.notebook import notebook_shell
from labtop.recording.capture.redact import LINE_LIMIT, Redactor
from labtop.recording.redrawn import RedrawnLines
from labtop.store.spool import MOVED

OUTPUT = "output.log"
_LINE_ENDS = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")  # a progress bar ends its lines with a bare return
_FEW_LINES = 4
_BEGINS_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_ENDS_KEY = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY")
_LONGEST_KEY = 200  # lines; then it was no key after all


class OutputLog:
    """The file. Takes text in pieces, writes whole lines, and stops with a word at `max_bytes`.

    Of a line that is drawn over and over it keeps some states and the last (redrawn.py).
    """

    def __init__(self, path: Path, redactor: Redactor, max_bytes: int, mode: int = 0o600) -> None:
        self.path = path
        self._mode = mode
        self._max_bytes = max_bytes
        # readable, so that it can be copied when its name is gone
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | OWN, mode)
        self._redactor = redactor
        self._room = max_bytes - os.fstat(self._descriptor).st_size
        self._lock = threading.RLock()
        self._pending: dict[str, str] = {}  # stream → its unfinished line
        self._redrawn: dict[str, RedrawnLines] = {}
        self._key_lines = 0  # lines left of a private key that is being printed
        self.problem: str | None = None

    def take(self, stream: str, text: str) -> None:
        """Take what was written to a stream; whole lines go to the file."""
        with self._lock:
            if self._room < 0:
                return
            text = self._pending.pop(stream, "") + text
            end = max(text.rfind("\n"), text.rfind("\r")) + 1
            # the return of "\r\n" may come before its newline
            if end == len(text) and text.endswith("\r"):
                end -= 1
                end = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
            rest = text[end:]
            if len(rest) > LINE_LIMIT * 2:
                rest = rest[: LINE_LIMIT * 2]  # cut to the limit when the line ends
            if rest:
                self._pending[stream] = rest
            if end:
                redrawn = self._redrawn.setdefault(stream, RedrawnLines())
                self._write(self._clean_all(_LINE_ENDS.findall(redrawn.thin(text[:end]))))

    def close(self) -> None:
        """Write unfinished lines and close the file."""
        with self._lock:
            if self._descriptor < 0:
                return
            for redrawn in self._redrawn.values():
                self._write(self._clean(redrawn.rest()))
            for rest in self._pending.values():
                self._write(self._clean(rest))
            self._pending.clear()
            os.close(self._descriptor)
            self._descriptor = -1

    def move(self, path: Path) -> bool:
        """Go on in another file, with what is in this one; False when that can be read no more, which the file says.

        Raises:
            OSError: the other file cannot be made; nothing changes.
        """
        with self._lock:
            if self._descriptor < 0:
                return True
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | OWN
            other = os.open(path, flags, self._mode)
            is_whole = True
            try:
                if not os.fstat(other).st_size:  # a forked process may have been first
                    _copy(self._descriptor, other)
            except OSError:
                is_whole = False
                os.write(other, moved_line(datetime.now(UTC)))
            with suppress(OSError):
                os.close(self._descriptor)
            self.path, self._descriptor = path, other
            self._room = self._max_bytes - os.fstat(other).st_size
            return is_whole

    def after_fork(self) -> None:
        """In a child: the parent writes its own unfinished lines."""
        self._lock = threading.RLock()
        self._pending.clear()

    def _clean_all(self, lines: list[str]) -> str:
        """Lines as they may be kept. Many at once are looked at whole first: most of them hold nothing of interest."""
        if len(lines) <= _FEW_LINES:
            return "".join(map(self._clean, lines))
        text = "".join(lines)
        if not self._key_lines and self._redactor.leaves(text) and max(map(len, lines)) <= LINE_LIMIT:
            return text
        half = len(lines) // 2
        return self._clean_all(lines[:half]) + self._clean_all(lines[half:])

    def _clean(self, line: str) -> str:
        if self._key_lines:
            self._key_lines = 0 if _ENDS_KEY.search(line) else self._key_lines - 1
            return ""
        if _BEGINS_KEY.search(line) and not _ENDS_KEY.search(line):
            self._key_lines = _LONGEST_KEY
        return self._redactor.text(line)

    def _write(self, text: str) -> None:
        if self._descriptor < 0 or self._room < 0 or not text:
            return
        content = text.encode("utf-8", "backslashreplace")
        left = self._room - len(content)
        if left < 0:
            content = (
                content[: self._room] + b"\n[labtop: output.log ends here: output_max_bytes is reached]\n"
            )
        self._room = left
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            self.problem = f"output.log is not complete ({error.strerror or error})"
            self._room = -1


def _copy(source: int, target: int) -> None:
    at = 0
    while content := read_at(source, 1 << 20, at):
        at += len(content)
        while content:
            content = content[os.write(target, content) :]


def moved_line(now: datetime) -> bytes:
    """What an output file begins with whose beginning is in a store that went away."""
    return MOVED + f"{now:%Y-%m-%d %H:%M:%S} UTC is there]\n".encode()


class KeptOutput(Protocol):
    """Where output is kept, as a run sees it."""

    path: Path
    problem: str | None

    def move(self, path: Path) -> bool:
        """Go on in another file; False when that has not all."""

    def after_fork(self) -> None:
        """This is a child now."""


class KeptText(KeptOutput, Protocol):
    """The same for text that is handed over: an `OutputLog`, say."""

    def take(self, stream: str, text: str) -> None:
        """Take what was written to a stream."""

    def close(self) -> None:
        """There is no more."""


class OutputCapture(Protocol):
    """What keeps the output of a run."""

    @property
    def log(self) -> KeptOutput:
        """Where it is kept."""

    def stop(self) -> None:
        """Put everything back as it was."""


class _Wrapped(NamedTuple):
    """A stream under its wrapper, and what `write` was before."""

    stream: Any
    write: Callable[[str], int]
    original: Callable[[str], int]
    was_own: bool  # `write` was an attribute of the object itself


class OutputTee:
    """Copies stdout and stderr into an `OutputLog` until it is stopped.

    IPython itself wraps the streams while a cell runs, and puts them back as they were before: so they are looked at
    anew when a cell begins.
    """

    def __init__(self, log: KeptText) -> None:
        self._log = log
        self._wrapped: list[_Wrapped] = []
        self._was_heard = False
        self._events: Any = None  # of the notebook's shell

    @property
    def log(self) -> KeptOutput:
        """Where the copies go."""
        return self._log

    def start(self) -> None:
        """Wrap the streams that are there now."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name, None)
            if stream is not None:
                self._wrap(name, stream)
        if (shell := notebook_shell()) is not None:
            self._events = shell.events
            self._events.register("pre_run_cell", self._renew)

    def _renew(self, *_: object) -> None:
        """Wrap streams again from which somebody took the wrapper."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name, None)
            if stream is not None and not self._hears(stream):
                self._wrapped = [each for each in self._wrapped if each.stream is not stream]
                self._wrap(name, stream)

    def _hears(self, stream: Any) -> bool:
        """Whether what is written to a stream comes here, however many have wrapped it since."""
        self._was_heard = False
        try:
            stream.write("")
        except Exception:  # closed: nothing will come
            return True
        return self._was_heard

    def _wrap(self, name: str, stream: Any) -> None:
        original, log = stream.write, self._log

        def write(text: str) -> int:
            written: int = original(text)
            if not text:
                self._was_heard = True
            try:
                log.take(name, text)
            except Exception as error:  # a copy must never cost the program its output
                log.problem = f"output.log is not complete ({error!r})"
            return written

        was_own = "write" in getattr(stream, "__dict__", {})
        try:
            stream.write = write
        except AttributeError:
            log.problem = f"{name} is not in output.log: {type(stream).__name__} does not allow a copy"
            return
        self._wrapped.append(_Wrapped(stream, write, original, was_own))

    def stop(self) -> None:
        """Put the streams back as they were, unless somebody has wrapped them since, and close the log."""
        if self._events is not None:
            self._events.unregister("pre_run_cell", self._renew)
            self._events = None
        for each in self._wrapped:
            if getattr(each.stream, "write", None) is not each.write:
                continue
            if each.was_own:
                each.stream.write = each.original
            else:
                del each.stream.write
        self._wrapped.clear()
        self._log.close()
