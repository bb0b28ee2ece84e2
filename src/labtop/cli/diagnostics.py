"""Words for people, on stderr, and the exit codes. Nothing here writes to stdout."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labtop.errors import FilterError, LabtopError
from labtop.views.text import cell_width, clean

INTERRUPTED = 130
_UNREADABLE = 3
_LONG_S = 1.0
_REDRAWN_S = 0.1  # a bar is drawn at most so often: a link may be slow


def guard(run: Callable[[], int]) -> int:
    """Run the command; every error becomes a sentence and an exit code."""
    stdout = sys.stdout
    at_once = signal.getsignal(signal.SIGINT)
    if getattr(at_once, "__module__", "") == "labtop.cli.entry":
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = run()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except LabtopError as error:
        say_error(error)
        return error.exit_code
    except BrokenPipeError:
        return _has_enough()
    except OSError as error:  # a full disk, a folder that went away: nothing here could be done about it
        where = f": {error.filename}" if error.filename else ""
        say(f"labtop: {error.strerror or error}{where}")
        return _UNREADABLE
    except SystemExit:
        if sys.stdout is not stdout:  # click met the closed pipe first, and would exit with 1: a check's no
            return _has_enough()
        raise
    except Exception as error:
        if (known := _as_click_ends(error)) is None:
            raise
        return known
    finally:
        if getattr(at_once, "__module__", "") == "labtop.cli.entry":
            signal.signal(signal.SIGINT, at_once)


def _as_click_ends(error: Exception) -> int | None:
    """The exit code of what click raises, said first; None for all else. The UI starts without click."""
    if "click" not in sys.modules:
        return None
    import click

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
        return error.exit_code
    return None


def _has_enough() -> int:
    """The reader, `head` say, has what it wanted: keep Python from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


def say(text: str) -> None:
    """A sentence on stderr; on a terminal it is broken between words."""
    words = clean(text)
    if sys.stderr.isatty():
        words = "\n".join(wrapped(words, shutil.get_terminal_size().columns))
    print(words, file=sys.stderr)


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """A text as lines of at most so many cells, the later ones indented; a word that is longer stays whole."""
    if cell_width(text) <= width:
        return [text]
    first, *words = text.lstrip().split(" ")
    lines, line = [], text[: len(text) - len(text.lstrip())] + first
    for word in words:
        if cell_width(f"{line} {word}") > width:
            lines.append(line)
            line = indent + word
        else:
            line = f"{line} {word}"
    return [*lines, line]


def say_error(error: LabtopError) -> None:
    """The error; for a filter also the text with a mark under the character at fault."""
    say(f"labtop: {error}")
    if isinstance(error, FilterError):
        point_at(error.text, error.position, error.length)


def point_at(text: str, position: int, length: int = 1) -> None:
    """The line of a text that holds a position, with a mark under it."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].split("\n", 1)[0]
    print(f"  {clean(line)}", file=sys.stderr)
    print(f"  {' ' * cell_width(clean(line[: position - start]))}{'^' * max(1, length)}", file=sys.stderr)


@contextmanager
def looking() -> Iterator[Callable[[int], None]]:
    """A line on stderr, where that is a terminal, with the number of folders looked at, once it takes a second."""
    if not sys.stderr.isatty():
        yield lambda folders: None
        return
    next_s = time.monotonic() + _LONG_S
    is_shown = False

    def advance(folders: int) -> None:
        nonlocal next_s, is_shown
        if (now := time.monotonic()) < next_s:
            return
        next_s, is_shown = now + _LONG_S / 4, True
        print(
            f"\rlooking for runs: {folders:,} folders (Ctrl-C ends it)", end="", file=sys.stderr, flush=True
        )

    try:
        yield advance
    finally:
        if is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr where that is a terminal; it shows only when the work is long."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=Console(stderr=True), transient=True, auto_refresh=False,
    )  # fmt: skip
    task = bar.add_task(what, total=None)
    started = False
    drawn_s = 0.0

    def advance(done: int, total: int) -> None:
        nonlocal started, drawn_s
        if total > 500 and not started:
            bar.start()
            started = True
        if started and (done == total or time.monotonic() - drawn_s >= _REDRAWN_S):
            drawn_s = time.monotonic()
            bar.update(task, completed=done, total=total, refresh=True)

    try:
        yield advance
    finally:
        if started:
            bar.stop()
