"""The line of `labtop run`, parsed by hand: click takes longer to import than the command to start."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from labtop.errors import LabtopError, UsageError
from labtop.recording.wrapped.order import Order

_OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("--project P", "project", "The project; by default the name of the repository or folder."),
    ("--name N", "name", "The run's name; by default that of the script."),
    ("--param K=V", "params", "A parameter; repeatable. model.width=64 is nested."),
    ("--metrics RULE", "metrics", "Where metrics are picked up; repeatable. See below."),
    ("--step NAME", "step", "The key or column that is the step; by default step, epoch and their like."),
    ("--group G", "group", "A group of runs."),
    ("--job-type T", "job_type", "What kind of work it is."),
    ("--tag T", "tags", "A tag; repeatable."),
    ("--note TEXT", "notes", "A note."),
    ("--store PATH", "store", "The store; by default $LABTOP_STORE, the settings file, or ./runs."),
)
_FIELDS = {shown.partition(" ")[0]: field for shown, field, _ in _OPTIONS}
_HELP = """Usage: labtop run [OPTIONS] -- COMMAND…

  Run any command as a recorded run, without a change to it or to its terminal.
  Its exit code is labtop's. A labtop.init() inside joins the run.

Options:
{options}
  -h, --help        Show this message and exit.

Rules:
  stdout, stderr, output      pairs loss=0.3 and JSON lines in what is printed
  re:PATTERN                  named groups of a regular expression on each line
  metrics.csv, logs/*.jsonl, result.json, tensorboard:FOLDER
                              files that the command writes, read as they grow
"""


def main(arguments: Sequence[str]) -> int:
    """Run the line; the exit code is the command's, or 2 where the line is wrong."""
    try:
        order = parse(arguments)
        if order is None:
            sys.stdout.write(_help())
            return 0
        return _run(order)
    except LabtopError as error:
        from labtop.views.text import clean

        print(clean(f"labtop: {error}"), file=sys.stderr)
        return error.exit_code


def _run(order: Order) -> int:
    try:
        import termios  # noqa: F401
    except ImportError:  # Windows: no terminals for commands, no groups of processes, no signals to wait for
        from labtop.recording.wrapped.plain import run_plainly

        return run_plainly(order)
    from labtop.recording.wrapped.session import run_command

    return run_command(order)


def parse(arguments: Sequence[str]) -> Order | None:
    """What was ordered; None where help is asked for.

    Raises:
        UsageError: an option is unknown or has no value, or there is no command.
    """
    order, rest = Order(), list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            return None
        name, sign, value = word.partition("=")
        if name not in _FIELDS:
            raise UsageError(
                f"labtop run has no option {name}", "put -- before the command; see labtop run --help"
            )
        if not sign:
            if not rest:
                raise UsageError(f"{name} has no value", "see labtop run --help")
            value = rest.pop(0)
        _set(order, _FIELDS[name], value)
    if not rest:
        raise UsageError("there is no command to run", "write labtop run -- COMMAND")
    order.command = rest
    return order


def _set(order: Order, field: str, value: str) -> None:
    before = getattr(order, field)
    if isinstance(before, list):
        before.append(value)
    else:
        setattr(order, field, value)


def _help() -> str:
    return _HELP.format(options="\n".join(f"  {shown:<16}  {words}" for shown, _, words in _OPTIONS))
