"""How a run ended, from the exception that left it."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from labtop.model.run import RunError, Status
from labtop.recording.capture.command import relative_to

_LONGEST_MESSAGE = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run."""

    status: Status = Status.FINISHED
    exit_code: int | None = 0
    signal: str | None = None
    error: RunError | None = None


def outcome_of(error: BaseException | None, root: Path | None = None) -> Outcome:
    """What an exception says of a run that it leaves; None is a good end."""
    if error is None:
        return Outcome()
    if isinstance(error, KeyboardInterrupt):
        return Outcome(Status.KILLED, 130, "SIGINT")
    if isinstance(error, SystemExit):
        return outcome_of_exit(error.code)
    return Outcome(Status.FAILED, 1, None, describe(error, root))


def outcome_of_exit(code: object) -> Outcome:
    """What the argument of `sys.exit` says: None and 0 are good, a number is the exit code, a text is an error."""
    if code is None or code == 0:
        return Outcome()
    if isinstance(code, int):
        return Outcome(Status.FAILED, code)
    return Outcome(Status.FAILED, 1, None, RunError(type="SystemExit", message=str(code)[:_LONGEST_MESSAGE]))


def describe(error: BaseException, root: Path | None) -> RunError:
    """Type, message and place of an exception."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        message = str(error)
    except Exception:  # somebody's __str__
        message = "(the message could not be made)"
    if notes := getattr(error, "__notes__", None):
        message = "\n".join([message, *map(str, notes)])
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}… [{len(message)} characters]"
    return RunError(type=name, message=message, where=_where(error.__traceback__, root))


def _where(trace: TracebackType | None, root: Path | None) -> str:
    """The innermost line of the program's own code: `train.py:12 in step`."""
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in traceback.walk_tb(trace)
    ]
    installed = (sys.prefix, sys.base_prefix)
    own = [each for each in frames if not each[0].startswith((*installed, "<frozen"))] or frames
    if not own:
        return ""
    file, line, function = own[-1]
    path = relative_to(Path(file), root or Path.cwd()) if not file.startswith("<") else file
    return f"{path}:{line}" + (f" in {function}" if function != "<module>" else "")
