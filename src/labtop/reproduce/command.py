"""The command of a run, as it is to be started in the new tree and environment."""

from __future__ import annotations

import re
import shutil
from pathlib import PurePosixPath

from labtop.errors import InputError
from labtop.model.run import Command, RunRecord
from labtop.model.trackers import OURS
from labtop.reproduce.asking import given_command, given_program, missing_program
from labtop.reproduce.command_words import relocated
from labtop.reproduce.environment import Kind, image_of
from labtop.reproduce.shell import quote, quote_command
from labtop.reproduce.step import Finding, Part, Step, stop
from labtop.reproduce.surroundings import variables_to_set
from labtop.reproduce.tree_paths import is_inside

_INTERPRETER = re.compile(r"(python|pypy)[0-9.]*(t|d|w)?")


def plan_command(record: RunRecord, kind: Kind) -> Part:
    """Findings and the last step: the same arguments in the same working directory."""
    command = record.command
    if not command.argv and record.source.tracker != OURS:
        return Part(steps=(given_command(record),))
    if not command.argv:
        words = "how the run was started was not recorded"
        return Part((Finding("configuration", "missing", words),), (Step("the run", (stop(words),)),))
    findings = [_finding(command)]
    if (size := command.ranks.get("world_size", 1)) > 1:
        launcher = command.launcher or "a launcher"
        words = f"it was one of {size} processes of {launcher}; the plan starts one alone"
        findings.append(Finding("configuration", "warn", words))
    try:
        lines = (*_enter(record), _start(record, kind))
    except InputError as error:
        finding = Finding("configuration", "missing", error.message)
        return Part((finding,), (Step("the run", (stop("its command cannot be written down"),)),))
    return Part(
        tuple(findings), (Step("the run", lines, ("what it reads outside of the tree may have changed",)),)
    )


def _finding(command: Command) -> Finding:
    if command.cwd is None:
        return Finding(
            "configuration", "warn", "the working directory was not recorded; the top of the tree is used"
        )
    if is_inside(command.cwd):
        return Finding("configuration", "ok", f"{len(command.argv)} arguments, in {_place(command.cwd)}")
    if folder := _script_folder(command):
        words = f"it ran in {command.cwd}, which seems to be the folder {folder} of the code"
        return Finding("configuration", "warn", words)
    words = f"it ran in {command.cwd}, outside of the code; the plan starts it in the new tree"
    return Finding("configuration", "warn", words)


def _place(cwd: str) -> str:
    return "the top of the tree" if cwd == "." else f"the folder {cwd}"


def _enter(record: RunRecord) -> tuple[str, ...]:
    cwd = record.command.cwd
    if cwd is None or not is_inside(cwd):
        cwd = _script_folder(record.command)
    if not cwd or cwd == ".":
        return ('cd -- "$tree"',)
    folder = f'"$tree"/{quote(cwd)}'
    return (f"mkdir -p -- {folder}", f"cd -- {folder}")


def _script_folder(command: Command) -> str:
    """The folder of the code that a script was started in, as its place in the code tells; empty if unknown."""
    script = command.argv[1] if len(command.argv) > 1 else ""
    entry = command.entry_point or ""
    if not script.endswith(".py") or not is_inside(entry) or not is_inside(script):
        return ""
    return entry.removesuffix(f"/{script}") if entry.endswith(f"/{script}") else ""


def _start(record: RunRecord, kind: Kind) -> str:
    argv = relocated(record.command)
    if missing := missing_program(record):
        return given_program(argv, missing)
    if kind == "docker":
        return _in_docker(record, argv)
    return quote_command(
        (_interpreter(record.command, kind), *argv[1:]) if _is_interpreter(argv[0]) else argv
    )


def _is_interpreter(word: str) -> bool:
    return _INTERPRETER.fullmatch(PurePosixPath(word).name) is not None


def _interpreter(command: Command, kind: Kind) -> str:
    """The new environment's Python; in the current one the recorded interpreter if it is still there."""
    if kind != "current":
        return "python"
    for candidate in (command.argv[0], command.executable):
        if candidate and shutil.which(candidate):
            return candidate
    return "python3"


def _in_docker(record: RunRecord, argv: tuple[str, ...]) -> str:
    image = image_of(record.environment)
    if image is None:
        raise InputError("no digest of a container image was recorded")
    gpus = " --gpus all" if record.hardware.gpus else ""
    names = "".join(f" -e {name}" for name in variables_to_set(record))
    command = quote_command(("python", *argv[1:]) if _is_interpreter(argv[0]) else argv)
    return f'docker run --rm{gpus} -v "$tree":"$tree" -w "$(pwd -P)"{names} {quote(image)} {command}'
