"""The arguments of a recorded command as the new tree and environment see them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from labtop.model.run import Command
from labtop.reproduce.tree_paths import is_inside


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
