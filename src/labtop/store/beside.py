"""A call in a thread of its own: a disk takes two flushes at once in the time of one, and computing costs none."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from types import TracebackType


def unawaited(call: Callable[[], object]) -> None:
    """Do something that nobody waits for, and that raises nothing. A process that exits may do without it."""
    try:
        _thread.start_new_thread(call, ())
    except RuntimeError:  # as below
        call()


class Beside:
    """Does one thing while the `with` block does another; the block's end waits for it.

    Not by `threading`: its end of a run may be in a signal handler, which may have interrupted a thread's start while
    that held a lock. Where the system has no thread to give, or the interpreter is being left, it is done at once.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._failure: BaseException | None = None
        self._running = _thread.allocate_lock()

    def __enter__(self) -> Beside:
        """Begin."""
        self._running.acquire()
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:
            self._run()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait, whatever happened."""
        with self._running:
            pass

    def has_worked(self) -> bool:
        """Wait for it, and say whether it raised nothing."""
        with self._running:
            return self._failure is None

    def result(self) -> None:
        """Wait for it, and raise what it raised."""
        with self._running:
            if self._failure is not None:
                raise self._failure

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # told by `result`
            self._failure = error
        finally:
            self._running.release()
