"""The Python that a command uses, which need not be the one labtop is installed in, and what is installed there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.capture.environment import REQUIREMENTS
from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.packages import installed_packages, requirements
from labtop.recording.capture.redact import Redactor
from labtop.recording.wrapped.starting import find_program

_PYTHON = re.compile(r"(python|pypy)[0-9.]*(t|d|w)?")
_ASK = (
    "import json, platform, sys; "
    "print(json.dumps([platform.python_version(), platform.python_implementation(), sys.path]))"
)
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Another Python: its version, its implementation, and where it looks for packages."""

    version: str
    implementation: str
    path: tuple[str, ...]


def python_of(command: Sequence[str]) -> str | None:
    """The Python that a command names, or its first line does, or else the one that a script would find."""
    for word in (command[0], *_first_line_of(command[0])):
        if _PYTHON.fullmatch(Path(word).name):
            return find_program(word)
    return find_program("python") or find_program("python3")


def _first_line_of(program: str) -> list[str]:
    """The words behind `#!` of a script."""
    file = find_program(program)
    try:
        with open(file or os.devnull, "rb") as script:  # noqa: PTH123  # a name, or none
            begin = script.read(256)
    except OSError:
        return []
    line = begin.partition(b"\n")[0]
    return os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []


def ask(python: str) -> Interpreter | None:
    """What a Python says of itself; None where it does not answer."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        version, implementation, path = json.loads(done.stdout)
        return Interpreter(str(version), str(implementation), tuple(map(str, path)))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None


def as_the_command_sees_it(
    environment: Environment,
    command: Sequence[str],
    folder: Path,
    redactor: Redactor,
    root: Path | None,
    mode: int,
) -> Environment:
    """An environment as labtop found it around itself, with the command's own Python and packages in it.

    Arguments:
        folder: `environment/` of the run, whose list of requirements is written anew.
    """
    python = python_of(command)
    if python is not None and os.path.abspath(python) == os.path.abspath(sys.executable):  # noqa: PTH100  # links stay
        return environment
    found = ask(python) if python is not None else None
    path = found.path if found is not None else ()
    versions, origins = installed_packages(redactor, root, path)
    write_file(folder / REQUIREMENTS, requirements(versions, origins).encode(), mode)
    return replace(
        environment,
        python=found.version if found else None,
        implementation=found.implementation if found else None,
        packages=versions,
        origins=origins,
    )
