"""Sees to it that every way a process can end is written down: exceptions, `sys.exit`, signals and the normal end.

Hooks are put in with the first open run and taken out with the last. Whatever was there before is called as if we
were not. A forked child is not the run's process: there the hooks only pass on.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, NoReturn, Protocol

from labtop.errors import UsageError
from labtop.model.run import Status
from labtop.recording.failure import Outcome, outcome_of_exit

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


def signals_named(names: Iterable[str]) -> tuple[int, ...]:
    """The numbers of signals such as SIGUSR1 or USR1.

    Raises:
        UsageError: there is no such signal here, or a program cannot handle it.
    """
    found = []
    for name in names:
        word = name.strip().upper()
        number = getattr(signal, word if word.startswith("SIG") else f"SIG{word}", None)
        if not isinstance(number, signal.Signals) or word.endswith(("KILL", "STOP")):
            raise UsageError(f"the setting signals names {name!r}", "name signals such as SIGUSR1")
        found.append(number)
    return tuple(found)


class OpenRun(Protocol):
    """What the hooks need of a run."""

    @property
    def is_ours(self) -> bool:
        """Whether this process, and no child of it, records the run."""

    @property
    def progress(self) -> object:
        """What changes when something is logged."""

    def end_with(self, error: BaseException) -> None:
        """End by an exception that leaves the program."""

    def end(self, outcome: Outcome) -> None:
        """End for good."""

    def end_at_exit(self, outcome: Outcome) -> None:
        """End with the process, when nobody said how."""

    def note_signal(self, name: str, is_end: bool) -> None:
        """Write down that a signal came; `is_end`: it may be the last thing there is time for."""

    def went_on(self) -> None:
        """The handler came back: the signal was not the end."""

    def before_fork(self) -> None:
        """There will be a child."""

    def after_fork(self) -> None:
        """This is a child now."""


class EndHooks:
    """The hooks of this process and the open runs they speak for."""

    def __init__(self) -> None:
        self._open: list[OpenRun] = []
        self._handlers: dict[int, Any] = {}  # signal → what handled it before
        self._excepthook: Callable[..., Any] | None = None
        self._exit: Callable[..., NoReturn] | None = None
        self._exited: tuple[object, list[object]] | None = None  # code, and the runs' progress then
        self._ending = 0  # runs that are being ended right now
        self._deferred: int | None = None
        self._has_atexit = False
        self._mask_before_fork: set[signal.Signals | int] | None = None

    def watch(self, run: OpenRun, more_signals: Iterable[int] = ()) -> None:
        """End this run with the process; `more_signals` announce an end too."""
        if not self._open:
            self._install()
        self._open.append(run)
        self._take_signals((*_SIGNALS, *more_signals))

    def forget(self, run: OpenRun) -> None:
        """This run has ended."""
        if run in self._open:
            self._open.remove(run)
            if not self._open:
                self._remove()

    def open_runs(self) -> list[OpenRun]:
        """The runs that have not ended, also those of a parent process."""
        return self._open.copy()

    def _install(self) -> None:
        if not self._has_atexit:
            self._has_atexit = True
            atexit.register(self._at_exit)
        self._excepthook, sys.excepthook = sys.excepthook, self._on_exception
        self._exit, sys.exit = sys.exit, self._on_exit

    def _take_signals(self, numbers: Iterable[int]) -> None:
        """Handle signals, from the main thread on: no other may ask for them."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in numbers:
            handler = signal.getsignal(number)
            # nohup ignores SIGHUP on purpose; None is a handler of C; ours is there from an earlier run
            if handler is not None and handler is not signal.SIG_IGN and handler != self._on_signal:
                self._handlers[number] = handler
                signal.signal(number, self._on_signal)

    def _remove(self) -> None:
        # comparing bound methods by ==: each access makes a new one
        if sys.excepthook == self._on_exception and self._excepthook is not None:
            sys.excepthook = self._excepthook
        if sys.exit == self._on_exit and self._exit is not None:
            sys.exit = self._exit
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._handlers.items():
                if signal.getsignal(number) == self._on_signal:
                    signal.signal(number, handler)
            self._handlers.clear()

    def _ours(self) -> list[OpenRun]:
        return [run for run in reversed(self._open) if run.is_ours]

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """While a run's end is written, a signal waits; then it is delivered as if it came now."""
        self._ending += 1
        try:
            yield
        finally:
            self._ending -= 1
            if self._deferred is not None and not self._ending:
                number, self._deferred = self._deferred, None
                os.kill(os.getpid(), number)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        before, self._excepthook = self._excepthook or sys.__excepthook__, None  # it may call us in turn
        before(kind, error, trace)  # first: what it prints belongs into output.log
        self._excepthook = before
        if hasattr(sys, "ps1"):  # at a prompt an exception is no end
            return
        for run in self._ours():
            run.end_with(error)
        if isinstance(error, KeyboardInterrupt):
            _leave_by_interrupt()

    def _on_exit(self, code: Any = None, /) -> NoReturn:
        self._exited = (code, [run.progress for run in self._ours()])
        before, self._exit = self._exit, None  # it may call us in turn
        try:
            if before is not None:
                before(code)
        finally:
            self._exit = before
        raise SystemExit(code)

    def _at_exit(self) -> None:
        outcome = Outcome()
        # a run that logged after sys.exit was called shows that somebody caught the exit
        if self._exited is not None and self._exited[1] == [run.progress for run in self._ours()]:
            outcome = outcome_of_exit(self._exited[0])
        for run in reversed(self.open_runs()):  # in a child these are the parent's, and only let go of
            run.end_at_exit(outcome)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        before = self._handlers.get(number, signal.SIG_DFL)
        runs = self._ours()
        if self._ending and runs:
            self._deferred = number
            return
        name = signal.Signals(number).name
        if before is signal.SIG_DFL:
            for run in runs:
                run.end(Outcome(Status.KILLED, 128 + number, name))
            signal.signal(number, signal.SIG_DFL)  # so that the exit status is the signal's
            os.kill(os.getpid(), number)
            return
        # Python's own handler of Ctrl-C raises KeyboardInterrupt, which programs catch to stop early
        is_end = before is not signal.default_int_handler
        for run in runs:
            run.note_signal(name, is_end)
        before(number, frame)
        for run in runs:
            run.went_on()

    # -- forks ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Let runs get ready, and hold signals back: one that a child got too early would be forgotten."""
        for run in self._ours():
            run.before_fork()
        if self._handlers:
            self._mask_before_fork = signal.pthread_sigmask(signal.SIG_BLOCK, self._handlers)

    def after_fork_in_parent(self) -> None:
        """Let signals in again."""
        if self._mask_before_fork is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask_before_fork)
            self._mask_before_fork = None

    def after_fork_in_child(self) -> None:
        """A child ends as it would without us; its runs are told."""
        for run in self._open:
            run.after_fork()
        self._ending, self._deferred = 0, None
        try:
            self._remove()
        except ValueError:  # signals can only be set in a main thread
            pass
        self.after_fork_in_parent()


def _leave_by_interrupt() -> None:
    """Let Python end by SIGINT, as it does after Ctrl-C.

    It forgets to when a string was executed since the exception, and imports of dataclasses and named tuples do that.
    """
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        pass


hooks = EndHooks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=hooks.before_fork,
        after_in_parent=hooks.after_fork_in_parent,
        after_in_child=hooks.after_fork_in_child,
    )
