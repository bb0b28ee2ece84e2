"""The command of a run, as it is to be started in the new tree and environment."""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath

from labtop.errors import InputError
from labtop.model.run import Command, RunRecord
from labtop.reproduce.environment import Kind, image_of, is_inside
from labtop.reproduce.shell import quote, quote_command
from labtop.reproduce.step import Finding, Part, Step, stop
from labtop.reproduce.surroundings import variables_to_set

_INTERPRETER = re.compile(r"(python|pypy)[0-9.]*(t|d|w)?")


def plan_command(record: RunRecord, kind: Kind) -> Part:
    """Findings and the last step: the same arguments in the same working directory."""
    command = record.command
    if not command.argv:
        words = "how the run was started was not recorded"
        return Part((Finding("configuration", "missing", words),), (Step("the run", (stop(words),)),))
    findings = [_finding(command)]
    if (size := command.ranks.get("world_size", 1)) > 1:
        launcher = command.launcher or "a launcher"
        words = f"it was one of {size} processes of {launcher}; the plan starts one alone"
        findings.append(Finding("configuration", "warn", words))
    try:
        lines = (*_enter(command), _start(record, kind))
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
    words = f"it ran in {command.cwd}, outside of the code; the plan starts it in the new tree"
    return Finding("configuration", "warn", words)


def _place(cwd: str) -> str:
    return "the top of the tree" if cwd == "." else f"the folder {cwd}"


def _enter(command: Command) -> tuple[str, ...]:
    if command.cwd is None or command.cwd == "." or not is_inside(command.cwd):
        return ('cd -- "$tree"',)
    folder = f'"$tree"/{quote(command.cwd)}'
    return (f"mkdir -p -- {folder}", f"cd -- {folder}")


def _start(record: RunRecord, kind: Kind) -> str:
    argv = relocated(record.command)
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


def relocated(command: Command) -> tuple[str, ...]:
    """The arguments, with paths into the old tree seen from the new one, and scripts of the old environment by name.

    The old tree is known where the script was started by its absolute path.
    """
    root = _old_root(command)
    bin_folder = str(PurePosixPath(command.executable).parent) if command.executable else None
    moved: list[str] = []
    for at, word in enumerate(command.argv):
        if at == 1 and bin_folder and str(PurePosixPath(word).parent) == bin_folder:
            moved.append(_RELOCATED_SCRIPT + PurePosixPath(word).name)
        elif root and at and (word == root or word.startswith(root + "/")):
            moved.append(_seen_from(command.cwd or ".", word[len(root) :].lstrip("/")))
        else:
            moved.append(word)
    if len(moved) > 1 and moved[1].startswith(_RELOCATED_SCRIPT):
        return (moved[1].removeprefix(_RELOCATED_SCRIPT), *moved[2:])
    return tuple(moved)


_RELOCATED_SCRIPT = "\0script:"  # no argument holds a NUL


def _old_root(command: Command) -> str | None:
    entry = command.entry_point
    if not entry or entry.startswith(("-m ", "/")) or len(command.argv) < 2:
        return None
    script = next(
        (word for word in command.argv[1:] if word.startswith("/") and word.endswith("/" + entry)), None
    )
    return script[: -len(entry) - 1] if script else None


def _seen_from(cwd: str, path: str) -> str:
    """A path of the tree, relative to the working directory in it."""
    depth = len([part for part in PurePosixPath(cwd).parts if part != "."]) if is_inside(cwd) else 0
    return str(Path(*[".."] * depth, path)) if path or depth else "."


def _in_docker(record: RunRecord, argv: tuple[str, ...]) -> str:
    image = image_of(record.environment)
    if image is None:
        raise InputError("no digest of a container image was recorded")
    gpus = " --gpus all" if record.hardware.gpus else ""
    names = "".join(f" -e {name}" for name in variables_to_set(record))
    command = quote_command(("python", *argv[1:]) if _is_interpreter(argv[0]) else argv)
    return f'docker run --rm{gpus} -v "$tree":"$tree" -w "$(pwd -P)"{names} {quote(image)} {command}'
