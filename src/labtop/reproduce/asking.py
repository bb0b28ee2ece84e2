"""Commands that another tracker's record does not hold whole: a script asks for the rest, and tells what is known.

A plan that begins with a clone and an installation and then cannot go on has cost a person an hour; so what must be
given is asked for in the first lines.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from labtop.model.run import RunRecord
from labtop.model.trackers import OURS, nothing_of, tracker_of
from labtop.model.tree import flatten
from labtop.reproduce.command_words import relocated
from labtop.reproduce.shell import comment, quote_argument
from labtop.reproduce.step import Finding, Part, Step

MOST_PARAMS = 100
"""That are told above a command that must be given."""

_COMMAND = ': "${LABTOP_COMMAND:?set it to the command of the run, which is not recorded}"'
_PROGRAM = ': "${LABTOP_PROGRAM:?set it to what the run started, such as python train.py}"'


def plan_asking(record: RunRecord) -> Part:
    """What a person must give before anything is done."""
    if record.source.tracker == OURS:
        return Part()
    if not record.command.argv:
        finding = Finding("configuration", "missing", f"{not_recorded(record)}: give it in LABTOP_COMMAND")
        return Part((finding,), (Step("what must be given: the command", (_COMMAND,)),))
    missing = missing_program(record)
    if not missing:
        return Part()
    title = tracker_of(record.source.tracker).title
    words = f"{title} recorded the arguments; {missing} is not here: give the program in LABTOP_PROGRAM"
    return Part(
        (Finding("configuration", "missing", words),),
        (Step(f"what must be given: the program in place of {missing}", (_PROGRAM,)),),
    )


def not_recorded(record: RunRecord) -> str:
    """Why there is no command, and what is known in its place."""
    words = nothing_of(record.source.tracker, "command", "command")
    entry = record.command.entry_point
    return f"{words}, but what was started: {entry}" if entry else words


def given_command(record: RunRecord) -> Step:
    """A plan's last step where no command is known, with the params in sight."""
    lines = ('cd -- "$tree"', *_params(record), 'sh -c "$LABTOP_COMMAND"')
    return Step("the run", lines, ("nothing tells whether it is the same command",))


def _params(record: RunRecord) -> list[str]:
    params = list(flatten(record.params).items())
    lines = comment("its params:") if params else []
    for key, value in params[:MOST_PARAMS]:
        lines += comment(f"  {key} = {str(value)[:200]}", 100)
    if len(params) > MOST_PARAMS:
        lines += comment(f"and {len(params) - MOST_PARAMS} more: labtop show {record.id}")
    return lines


def missing_program(record: RunRecord) -> str:
    """What is recorded in the place of a program and cannot be started; empty where it can be.

    Of a run of labtop's own the command is what was started. Hydra notes the name of a job, and others the path of a
    script on a machine that is not this one.
    """
    argv = relocated(record.command)
    if record.source.tracker == OURS or not argv:
        return ""
    if record.source.tracker == "hydra":
        return "" if shutil.which(argv[0]) else argv[0]
    script = argv[1] if len(argv) > 1 and argv[1].endswith(".py") else ""
    return script if script.startswith("/") and not Path(script).exists() else ""


def given_program(argv: Sequence[str], missing: str) -> str:
    """The line that starts a program that was given, with the arguments that are known."""
    known = argv[1:] if missing == argv[0] else argv[2:]
    return " ".join(('sh -c "$LABTOP_PROGRAM"\' "$@"\' run', *map(quote_argument, known)))
