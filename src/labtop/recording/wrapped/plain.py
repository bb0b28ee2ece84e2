"""Runs a command with plain pipes, where the system has no terminals to give away: on Windows.

Nothing in here needs what POSIX alone has. The command keeps our stdin and our console, so that Ctrl-C and Ctrl-Break
reach it as without us: a process group of its own would take Ctrl-C from it. Its output is no terminal to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from labtop.recording.wrapped.order import Order
from labtop.recording.wrapped.recorder import prepared
from labtop.recording.wrapped.starting import NotStarted
from labtop.recording.wrapped.told import Told

_STDOUT, _STDERR = 1, 2
_NAMES = {_STDOUT: "stdout", _STDERR: "stderr"}
_CHUNK = 65536
_GRACE_S = 0.2  # for the last words of processes that the command left behind
_LAST_CHUNKS = 64  # read at most after the command's end
_LOOK_S = 0.1  # between looks for a signal: some systems do not wake who waits
_SIGNALS = ("SIGINT", "SIGBREAK", "SIGTERM", "SIGHUP")
_IS_SHARED = os.name == "nt"  # what reaches us by a key has reached the command too


def run_plainly(order: Order) -> int:
    """Run and record a command; its exit code.

    Raises:
        UsageError: the line or the settings cannot be meant; nothing was started.
    """
    ready = prepared(order)
    if ready is None:
        return _run_alone(order)
    told, (environment, record) = Told(), ready
    try:
        process, targets = _start(order.command, environment)
    except NotStarted as trouble:
        trouble.tell()
        told.end_unstarted(trouble)
        _begin(lambda: record(told))
        _wait_for_record(told)
        return trouble.exit_code
    with _Watch(process, told):
        _begin(lambda: record(told))
        exit_code = _see_through(process, targets, told)
        _wait_for_record(told)
    return as_exit_code(exit_code)


def _run_alone(order: Order) -> int:
    try:
        return as_exit_code(subprocess.call([_program(order.command[0]), *order.command[1:]]))
    except OSError as error:
        return NotStarted(order.command[0], error.errno or 0).tell()


def as_exit_code(code: int) -> int:
    """What to leave with: 128 and the signal on POSIX; on Windows a code of 32 bits, as a signed number."""
    return 128 - code if code < 0 else code - 2**32 if code >= 2**31 else code


def _start(
    command: list[str], environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], dict[int, IO[bytes]]]:
    """The command, and by number of our own stream what it writes there.

    Raises:
        NotStarted: there is no such command, or it may not be run.
    """
    stdout = subprocess.PIPE if _is_open(_STDOUT) else None
    stderr = subprocess.PIPE if _is_open(_STDERR) else None
    if stdout and stderr and _are_one(_STDOUT, _STDERR):
        stderr = subprocess.STDOUT
    try:
        process = subprocess.Popen(
            [_program(command[0]), *command[1:]], stdout=stdout, stderr=stderr, env=environment, bufsize=0
        )
    except OSError as error:
        raise NotStarted(command[0], error.errno or 0) from error
    found = {_STDOUT: process.stdout, _STDERR: process.stderr}
    return process, {target: source for target, source in found.items() if source is not None}


def _program(name: str) -> str:
    """The file of a command; Windows itself finds `npm.cmd` only by its whole name."""
    return shutil.which(name) or name


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _are_one(one: int, other: int) -> bool:
    """Whether two streams are one console or file. Windows has the same numbers for all pipes: none."""
    if os.isatty(one) and os.isatty(other):
        return True
    a, b = os.fstat(one), os.fstat(other)
    return a.st_ino != 0 and os.path.samestat(a, b)


class _Watch:
    """Notes the signals that come to us while a command runs, and passes on those that came to us alone."""

    def __init__(self, process: subprocess.Popen[bytes], told: Told) -> None:
        self._process = process
        self._told = told
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _: object) -> None:
        if self._told.exit_code is not None:
            self._told.hurried.set()
            return
        self._told.signal(signal.Signals(number).name)
        if not _IS_SHARED:
            self._process.send_signal(number)


def _see_through(process: subprocess.Popen[bytes], targets: dict[int, IO[bytes]], told: Told) -> int:
    """Pass everything on until the command has ended."""
    relays = [_Relay(target, source, told) for target, source in targets.items()]
    for relay in relays:
        relay.start()
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    _begin(wait)
    while not ended.wait(_LOOK_S):
        pass
    ended_at = time.time()
    for relay in relays:
        relay.drain()
    told.end(process.returncode, ended_at)
    return process.returncode


class _Relay(threading.Thread):
    """Reads, writes and copies one stream of the command."""

    def __init__(self, target: int, source: IO[bytes], told: Told) -> None:
        super().__init__(daemon=True)
        self._target = target
        self._source = source
        self._tap = told.tap
        self._is_writing = False
        self._chunks = 0

    def run(self) -> None:
        """Go on until the stream ends, or nobody reads ours: then a closed pipe tells the command so."""
        with self._source as source:
            while data := source.read(_CHUNK):
                self._is_writing, rest = True, data
                try:
                    while rest:
                        rest = rest[os.write(self._target, rest) :]
                except OSError:
                    return
                self._tap.put(_NAMES[self._target], data)
                self._is_writing = False
                self._chunks += 1

    def drain(self) -> None:
        """Wait for what was written before the command's end, not for what others still write."""
        deadline, last = time.monotonic() + _GRACE_S, self._chunks + _LAST_CHUNKS
        while self.is_alive() and self._chunks < last and (self._is_writing or time.monotonic() < deadline):
            self.join(_GRACE_S / 10)


def _begin(task: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=task, daemon=True)
    thread.start()
    return thread


def _wait_for_record(told: Told) -> None:
    while not told.done.wait(_LOOK_S):
        pass
    for word in told.words:
        print(word, file=sys.stderr)
