"""What a command is, in the words of the record: its arguments, its script, a name, and its parameters."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from labtop.model.run import Command, Tree
from labtop.recording.capture.command import launcher_and_ranks, relative_to
from labtop.recording.capture.redact import Redactor
from labtop.recording.config import as_tree
from labtop.recording.wrapped.starting import find_program

_PYTHON = re.compile(r"(python|pypy)[0-9.]*(t|d|w)?")
_INTERPRETER = re.compile(
    r"(python|pypy|perl|ruby|node|lua|php)[0-9.]*\w?|(ba|z|da|k|fi|a)?sh|julia|Rscript|octave|matlab|uv|torchrun|accelerate|"
    r"deepspeed|srun|mpirun|mpiexec"
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|nan)", re.IGNORECASE)


def describe_command(command: Sequence[str], redactor: Redactor, root: Path | None) -> Command:
    """The command as it is recorded; paths are relative to `root`, the top of the repository."""
    launcher, ranks = launcher_and_ranks(os.environ)
    executable = find_program(command[0])
    entry_point = _entry_point(command, root)
    return Command(
        argv=redactor.argv(command),
        cwd=redactor.text(relative_to(Path.cwd(), root)),
        executable=redactor.text(os.path.abspath(executable)) if executable else None,  # noqa: PTH100  # links stay
        entry_point=redactor.text(entry_point) if entry_point else None,
        launcher=launcher or "labtop run",
        ranks=ranks,
    )


def script_of(command: Sequence[str]) -> Path | None:
    """The file that holds the program: the first file among the arguments of an interpreter, else the program."""
    program = Path(command[0])
    if not _INTERPRETER.fullmatch(program.name):
        return program.resolve() if "/" in command[0] and program.is_file() else None
    for word in command[1:]:
        if word in ("-c", "-e"):  # a program on the line itself
            return None
        if not word.startswith("-") and os.path.isfile(word):  # noqa: PTH113  # a long word is no error to it
            return Path(word).resolve()
    return None


def _module_of(command: Sequence[str]) -> str | None:
    """What `-m` of a Python names."""
    if not _PYTHON.fullmatch(Path(command[0]).name) or "-m" not in command[1:-1]:
        return None
    at = command.index("-m", 1)
    return command[at + 1] if all(word.startswith("-") for word in command[1:at]) else None


def _entry_point(command: Sequence[str], root: Path | None) -> str | None:
    if module := _module_of(command):
        return f"-m {module}"
    script = script_of(command)
    return relative_to(script, root) if script else None


def name_of(command: Sequence[str]) -> str:
    """A short word for a command: `train` for `python train.py` and for `./train`."""
    if module := _module_of(command):
        return module
    script = script_of(command)
    return (script.stem if script else Path(command[0]).name) or "run"


def parse_params(pairs: Iterable[str]) -> Tree:
    """`model.width=64` as a nested tree; numbers, true, false, null and JSON lists are what they look like."""
    tree: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        *above, last = name.strip().split(".")
        place = tree
        for part in above:
            inner = place.get(part)
            place[part] = place = inner if isinstance(inner, dict) else {}
        place[last] = parse_value(text)
    return as_tree(tree)


def parse_value(text: str) -> Any:
    """A value of a command line as what it looks like."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text in ("null", "None"):
        return None
    if _NUMBER.fullmatch(text):
        try:
            return int(text)
        except ValueError:
            return float(text)
    if text[:1] in "[{" and text[-1:] in "]}":
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text
