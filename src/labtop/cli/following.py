"""`labtop ls --live`: the table in place on a terminal, or a line for each change where a program reads.

On a terminal only lines that changed are written, on the alternate screen, which is left as it was found.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
TERMINATED = 128 + 15


def follow_on_screen(look: Callable[[int], Sequence[str]], every_s: float) -> NoReturn:
    """Show what `look` gives for a width, as far as there are lines, again and again; Ctrl-C ends it."""
    with _alternate_screen(), _waiting() as wait:
        drawn: list[str] = []
        size = os.terminal_size((0, 0))
        while True:
            now = shutil.get_terminal_size()
            if now != size:
                size, drawn = now, []
                sys.stdout.write("\x1b[2J")
            lines = _within(look(now.columns), now)
            sys.stdout.write(_changes(drawn, lines))
            sys.stdout.flush()
            drawn = lines
            wait(every_s)


def follow_as_lines(
    look: Callable[[], Sequence[dict[str, Any]]], write: Callable[[list[Any]], None], every_s: float
) -> NoReturn:
    """Write each run when it is first seen and when it changed; one that is no longer there as its id and "gone"."""
    known: dict[str, dict[str, Any]] = {}
    while True:
        runs = {run["id"]: run for run in look()}
        told: list[dict[str, Any]] = [run for run_id, run in runs.items() if known.get(run_id) != run]
        told += [{"id": run_id, "gone": True} for run_id in known if run_id not in runs]
        if told:
            write(told)
        known = runs
        time.sleep(every_s)


def _within(lines: Sequence[str], size: os.terminal_size) -> list[str]:
    """As many lines as the screen has; how many are out of sight stands in the last one."""
    if len(lines) <= size.lines:
        return list(lines)
    last = f"{len(lines) - size.lines} lines below; {lines[-1]}"
    return [*lines[: size.lines - 1], last[: size.columns - 1]]


def _changes(old: Sequence[str], new: Sequence[str]) -> str:
    """What turns one screen into the other."""
    changed = [
        f"\x1b[{at + 1}H{line}\x1b[K" for at, line in enumerate(new) if at >= len(old) or old[at] != line
    ]
    if len(new) < len(old):
        changed.append(f"\x1b[{len(new) + 1}H\x1b[J")
    return "".join(changed)


@contextmanager
def _waiting() -> Iterator[Callable[[float], object]]:
    """A function that waits for some seconds, or until the terminal has another size."""
    if sys.platform == "win32":
        yield time.sleep
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def resized(_number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):
            os.write(writer, b" ")

    def wait(seconds: float) -> None:
        if select.select([reader], [], [], seconds)[0]:
            os.read(reader, 4096)

    before = signal.signal(signal.SIGWINCH, resized)
    try:
        yield wait
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


@contextmanager
def _alternate_screen() -> Iterator[None]:
    """The terminal's second screen; the first one comes back whatever happens."""
    asked = signal.signal(signal.SIGTERM, _terminate)
    sys.stdout.write(ENTER)
    try:
        yield
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, asked)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    sys.stdout.write(LEAVE)
    sys.stdout.flush()
    os._exit(TERMINATED)
