"""Puts descriptors 1 and 2 onto a pipe, or a pseudo-terminal where a terminal is; a helper process reads the other end.

The helper (helper.py) passes every byte on to where it went before and writes `output.log`. It is a process of its own
so that nothing is lost when this one dies of `kill -9`, and nobody who still writes then is told that no one reads.
Should the helper die, a thread here puts the descriptors back and passes on what is left.
"""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from labtop.recording.output import OutputTee
from labtop.recording.wrapped.relay import write_all
from labtop.recording.wrapped.terminal import is_same_file, open_like

_NAMES = {1: "stdout", 2: "stderr"}
_PATIENCE_S = 5.0
_HELD = 65536  # bytes that the helper takes at once
_RUN_HELPER = "from labtop.recording.descriptors.helper import main; main()"


class DescriptorCapture:
    """The captured descriptors of this process; see `output.OutputCapture` and, for `log`, `output.KeptOutput`."""

    def __init__(self, path: Path, max_bytes: int, mode: int, patterns: tuple[str, ...]) -> None:
        """Start the helper.

        Raises:
            OSError: it cannot be started, or there are no such descriptors.
        """
        self.path = path
        self.problem: str | None = None
        self._pid = os.getpid()
        self._streams: dict[int, int] = {}  # descriptor → our end of what it is put onto
        self._saved: dict[int, int] = {}  # descriptor → where it led
        self._put_back: list[int] = []
        self._sources: list[tuple[int, int]] = []  # what the helper reads, and where that goes
        self._answers: dict[str, Any] = {}
        self._answered = threading.Condition()
        self._is_over = False
        self._has_died = False
        self._lock = threading.RLock()
        outlets = self._open()
        others = self._open_other_streams(outlets)
        answers, theirs = os.pipe()
        reads, self._control = os.pipe()
        try:
            self._helper = _spawn(reads, theirs, [each for outlet in outlets for each in outlet[:2]])
        finally:
            os.close(reads)
            os.close(theirs)
        settings = {"path": os.fspath(path), "max_bytes": max_bytes, "mode": mode, "redact": patterns}
        self._send({**settings, "outlets": outlets})
        self._flush()
        for descriptor, ours in self._streams.items():
            os.dup2(ours, descriptor)
            os.close(ours)
        self._tee = OutputTee(others) if others is not None else None
        if self._tee is not None:
            self._tee.start()
        self._watcher = threading.Thread(
            target=self._watch, args=(answers,), name="labtop-output", daemon=True
        )
        self._watcher.start()

    @property
    def log(self) -> DescriptorCapture:
        """Itself."""
        return self

    def _open(self) -> list[tuple[int, int, bool, str]]:
        """Make the ends; gives what the helper reads, where it goes, whether that is a terminal, and its name."""
        outlets: list[tuple[int, int, bool, str]] = []
        for descriptor in _NAMES:
            if not os.get_inheritable(descriptor):  # it was closed, and is some file of ours by now
                raise OSError(errno.EBADF, f"descriptor {descriptor} is closed")
        for descriptor, name in _NAMES.items():
            saved = os.dup(descriptor)
            self._saved[descriptor] = saved
            if descriptor == 2 and 1 in self._streams and is_same_file(1, 2):
                self._streams[2] = os.dup(self._streams[1])  # one stream keeps the order of both
                continue
            is_terminal = os.isatty(descriptor)
            reads, self._streams[descriptor] = (
                open_like(descriptor, only_output=True) if is_terminal else os.pipe()
            )
            outlets.append((reads, saved, is_terminal, name))
            self._sources.append((reads, saved))
        return outlets

    def _open_other_streams(self, outlets: list[tuple[int, int, bool, str]]) -> _Feed | None:
        """A pipe for what Python prints elsewhere than to a descriptor: in a notebook, say."""
        elsewhere = [
            name for number, name in _NAMES.items() if _number_of(getattr(sys, name, None)) != number
        ]
        if not elsewhere:
            return None
        reads, writes = os.pipe()
        outlets.append((reads, -1, False, "python"))
        return _Feed(reads, writes, frozenset(elsewhere))

    # -- talking to the helper -----------------------------------------------------------------------------------

    def _send(self, word: dict[str, Any]) -> None:
        with suppress(OSError):
            os.write(self._control, json.dumps(word).encode() + b"\n")

    def _watch(self, answers: int) -> None:
        """In a thread: take the helper's answers; when it dies too early, do its work."""
        with os.fdopen(answers, "rb") as lines:
            for line in lines:
                with self._answered:
                    self._answers |= json.loads(line)
                    self._answered.notify_all()
        self._helper.wait()
        # it may be done before it is told to stop: the last stream ends when the descriptors are put back
        if not self._is_over and "done" not in self._answers:
            self._has_died = True
            self.problem = (
                "output.log is not complete: the process that writes it died; "
                f"what it held in that moment, at most {_HELD >> 10} KiB, may not have been shown either"
            )
            self._restore()
            with self._answered:
                self._is_over = True
                self._answered.notify_all()
            _pass_on(self._sources)

    def _ask(self, word: dict[str, Any], answer: str) -> Any:
        self._send(word)
        with self._answered:
            self._answered.wait_for(lambda: answer in self._answers or self._is_over, _PATIENCE_S)
            return self._answers.get(answer)

    def move(self, path: Path) -> bool:
        """Let the file go on elsewhere, as `OutputLog.move`."""
        self.path = path
        return bool(self._ask({"move": os.fspath(path)}, "moved"))

    # -- the end -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Put the descriptors back as they were; when this returns, all that was printed is in the file."""
        if os.getpid() != self._pid:
            return
        if self._tee is not None:
            self._tee.stop()
        self._restore()
        if not self._is_over:
            said = self._ask({"stop": True}, "done")
            self.problem = self.problem or (said if isinstance(said, str) and said else None)
            if said is None:
                self.problem = self.problem or "output.log may not be complete: its disk does not answer"
        if self._has_died:  # a thread here passes on what is left, and what children still print
            self._watcher.join(_PATIENCE_S)
            return
        self._is_over = True
        for descriptor in (*self._put_back, *(reads for reads, _ in self._sources), self._control):
            os.close(descriptor)
        self._put_back, self._sources = [], []
        if self._helper.poll() is None:  # who still writes is passed on by it
            self._helper.returncode = 0  # nobody waits for it any more

    def _restore(self) -> None:
        with self._lock:
            if not self._saved:
                return
            self._flush()
            for descriptor, before in self._saved.items():
                os.dup2(before, descriptor)
            self._put_back, self._saved = [*self._saved.values()], {}

    def _flush(self) -> None:
        """Let go of what Python and C libraries have not written yet."""
        for name in _NAMES.values():
            with suppress(Exception):
                getattr(sys, name).flush()
        with suppress(Exception):
            import ctypes

            ctypes.CDLL(None).fflush(None)

    def after_fork(self) -> None:
        """In a child: it prints to the same descriptors; they are put back by its parent alone."""
        self._lock = threading.RLock()
        self._answered = threading.Condition()


class _Feed:
    """Takes text as an `OutputLog` does, and hands it to the helper."""

    def __init__(self, reads: int, writes: int, streams: frozenset[str]) -> None:
        self.path = Path(os.devnull)
        self.reads = reads
        self.problem: str | None = None
        self._writes = writes
        self._streams = streams
        self._lock = threading.Lock()

    def take(self, stream: str, text: str) -> None:
        """Hand text on, unless it goes to a descriptor that is captured."""
        if stream in self._streams and self._writes >= 0:
            with self._lock:
                write_all(self._writes, text.encode("utf-8", "backslashreplace"))

    def move(self, path: Path) -> bool:
        """The helper has the file."""
        return True

    def after_fork(self) -> None:
        """In a child nobody holds the lock."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """There is no more."""
        with self._lock:
            os.close(self._writes)
            os.close(self.reads)
            self._writes = -1


def _number_of(stream: Any) -> int:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return -1


def _spawn(control: int, answers: int, descriptors: list[int]) -> subprocess.Popen[bytes]:
    passed = [each for each in descriptors if each >= 0]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _RUN_HELPER, str(control), str(answers)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(control, answers, *passed),
        start_new_session=True,  # Ctrl-C and the end of a process group are not for it
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each), "LABTOP_MODE": "disabled"},
    )  # fmt: skip


def _pass_on(sources: list[tuple[int, int]]) -> None:
    """Do the helper's work for who still writes, without a copy."""
    left = dict(sources)
    while left:
        for source in select.select([*left], [], [])[0]:
            try:
                data = os.read(source, _HELD)
            except OSError:
                data = b""
            if not data or not write_all(left[source], data):
                del left[source]
