"""A process that `labtop run` has started, seen from inside: what its first `init` may say, and what a second one is.

The first `init` of a process joins the run of the command. A second one, as in a loop over configurations, begins a run
of its own, with the command's as its parent. What was said on the line of `labtop run` stays as it was said there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from labtop.model.run import Status, Writer
from labtop.recording.joining import PARENT, RUN_ID, invitation
from labtop.store.layout import RECORD
from labtop.store.process import is_gone
from labtop.store.writers import read_writers, write_writer

SAID = "LABTOP_RUN_SAID"
"""The variable that names what was said on the line: `name,group`."""

_PATIENCE_S = 10.0
_LOOK_S = 0.01

_joined: set[tuple[int, str]] = set()  # processes (forks have their own) and the runs that they joined
_parents: dict[int, str] = {}  # process → the run whose command it is part of


def said_on_line() -> frozenset[str]:
    """The facts that the line of `labtop run` told: name, project, group, job_type, notes."""
    return frozenset(os.environ.get(SAID, "").split(",")) if invitation() else frozenset()


def begin_of_init(names_another: bool) -> None:
    """Note that an `init` begins. A second one in this process finds no invitation any more.

    Arguments:
        names_another: whether it says which run it means.
    """
    invited = invitation()
    if invited is None or invited.kind != "command" or names_another:
        return
    key = (os.getpid(), invited.run_id)
    if key not in _joined:
        _joined.add(key)
        return
    _parents[os.getpid()] = invited.run_id
    for name in (RUN_ID, PARENT, SAID):
        os.environ.pop(name, None)


def parent_of_init() -> str | None:
    """The run whose command this process is part of, for a run of its own."""
    return _parents.get(os.getpid())


def await_record(
    folder: Path, patience_s: float = _PATIENCE_S, look: Callable[[float], None] = time.sleep
) -> None:
    """Wait until `labtop run` has written the record: it starts the command first, and is a moment later."""
    until = time.monotonic() + patience_s
    while not (folder / RECORD).exists() and time.monotonic() < until:
        look(_LOOK_S)


def errors_of(writers: Iterable[Writer]) -> list[Writer]:
    """The programs of a command that ended by an exception, the last one last."""
    failed = [each for each in writers if each.role != "command" and each.error is not None]
    return sorted(failed, key=lambda each: each.ended_at or 0.0)


def note_deaths(folder: Path, mode: int) -> None:
    """Say of programs that died without a word that they have ended: the record is not theirs any more."""
    for each in read_writers(folder):
        is_open = each.role != "command" and each.status is None and each.process is not None
        if is_open and each.process is not None and is_gone(each.process):
            write_writer(
                folder, replace(each, status=Status.KILLED, ended_at=round(time.time(), 3)), mode=mode
            )
