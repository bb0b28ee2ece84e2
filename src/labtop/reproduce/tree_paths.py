"""Folders and files that a record tells, as paths in the tree of the code."""

from __future__ import annotations

from pathlib import Path


def is_inside(path: str) -> bool:
    """Whether a recorded folder is relative to the repository and stays in it."""
    return not path.startswith(("/", "~")) and ".." not in Path(path).parts
