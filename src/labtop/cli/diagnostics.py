"""Words for people, on stderr, and the exit codes. Nothing here writes to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from labtop.errors import FilterError, LabtopError
from labtop.views.text import cell_width, clean

INTERRUPTED = 130


def guard(run: Callable[[], int]) -> int:
    """Run the command; every error becomes a sentence and an exit code."""
    stdout = sys.stdout
    try:
        code = run()
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except LabtopError as error:
        say_error(error)
        return error.exit_code
    except BrokenPipeError:
        return _has_enough()
    except SystemExit:
        if sys.stdout is not stdout:  # click met the closed pipe first, and would exit with 1: a check's no
            return _has_enough()
        raise


def _has_enough() -> int:
    """The reader, `head` say, has what it wanted: keep Python from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


def say(text: str) -> None:
    """A line of words on stderr."""
    print(clean(text), file=sys.stderr)


def say_error(error: LabtopError) -> None:
    """The error; for a filter also the text with a mark under the character at fault."""
    say(f"labtop: {error}")
    if isinstance(error, FilterError):
        point_at(error.text, error.position, error.length)


def point_at(text: str, position: int, length: int = 1) -> None:
    """The line of a text that holds a position, with a mark under it."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].split("\n", 1)[0]
    say(f"  {clean(line)}")
    say(f"  {' ' * cell_width(clean(line[: position - start]))}{'^' * max(1, length)}")


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

    def advance(done: int, total: int) -> None:
        nonlocal started
        if total > 500 and not started:
            bar.start()
            started = True
        if started:
            bar.update(task, completed=done, total=total, refresh=True)

    try:
        yield advance
    finally:
        if started:
            bar.stop()
