"""Which run a framework's training goes into: the one that the program began, or one begun for it.

A run that a hook began ends with the program, with `labtop.finish()`, or when the next run begins. So results that come
after training (a test, a score) still find it, and a second training gets a run of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labtop.recording.current import current_run, init
from labtop.recording.run import Run
from labtop.recording.warning import Warnings

_begun: Run | None = None
_warnings = Warnings()


def join_run(**request: Any) -> Run:
    """The run that the program has open, else a new one with these arguments of `labtop.init`."""
    global _begun
    run = current_run()
    if run is None or run is _begun:
        run = _begun = init(**request)
    return run


def is_begun_by_hook(run: Run) -> bool:
    """Whether the run is there for one training alone, and its parameters need no name before them."""
    return run is _begun


@contextmanager
def never_raising(what: str) -> Iterator[None]:
    """A hook's own mistakes, and what a framework's new version does otherwise, are said once and stop nothing."""
    try:
        yield
    except Exception as error:
        _warnings.once(what, f"{what} failed: {error!r}")
