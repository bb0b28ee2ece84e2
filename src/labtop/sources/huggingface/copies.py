"""Knows the copies of checkpoints that people and scripts keep under a name of their own: `best/`, `checkpoint-final/`.

The state in one tells the same training as those beside it: the rows of the one are the first rows of the other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labtop.sources.side_files import SideFiles

STATE = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-(\d{1,15})")
_COPY = re.compile(r"(?:.*[-_. ])?(?:checkpoints?|ckpt|best|last|latest|final)(?:[-_. ].*)?", re.IGNORECASE)


def may_be_copy(name: str) -> bool:
    """Whether a folder with a state may be a copy of a checkpoint, by its name."""
    return bool(_COPY.fullmatch(name)) and not CHECKPOINT.fullmatch(name)


def states_in(place: Path) -> list[Path]:
    """The states of a run: the folder's own, then those of checkpoints, the furthest first."""
    steps = []
    for name in _folders_in(place):
        if found := CHECKPOINT.fullmatch(name):
            steps.append((int(found[1]), name))
    return _there([place / STATE, *(place / name / STATE for _, name in sorted(steps, reverse=True))])


def copies_in(place: Path) -> list[Path]:
    """The states of folders that may be copies of checkpoints, by name."""
    return _there([place / name / STATE for name in sorted(_folders_in(place)) if may_be_copy(name)])


def is_copy(folder: Path) -> bool:
    """Whether the state in a folder tells the training whose states are in and beside it, one level up."""
    beside = states_in(folder.parent) if may_be_copy(folder.name) else []
    own = _state(folder / STATE) if beside else {}
    return any(tell_the_same(_state(each), own) for each in beside[:2])


def tell_the_same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the rows of one state are the first rows of the other; not where one has none."""
    rows, others = first.get("log_history"), second.get("log_history")
    if not isinstance(rows, list) or not isinstance(others, list):
        return False
    shared = min(len(rows), len(others))
    return shared > 0 and repr(rows[:shared]) == repr(others[:shared])  # as text, for NaN is not itself


def _state(path: Path) -> dict[str, Any]:
    files = SideFiles(path.parent)
    return files.mapping(path.name, files.json(path.name))


def _folders_in(place: Path) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return [each.name for each in entries if each.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _there(states: list[Path]) -> list[Path]:
    return [each for each in states if each.is_file() and not each.is_symlink()]
