"""The packages of a conda environment, read from its own notes: no conda process is started."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

CONDA_EXPLICIT = "conda-explicit.txt"


def in_conda() -> bool:
    """Whether the interpreter itself belongs to a conda environment."""
    return (Path(sys.prefix) / "conda-meta").is_dir()


def conda_environment() -> str | None:
    """The name of the environment that the interpreter belongs to; its path where nobody says a name."""
    if not in_conda():
        return None
    active = os.environ.get("CONDA_PREFIX")
    if active and Path(active).resolve() == Path(sys.prefix).resolve():
        return os.environ.get("CONDA_DEFAULT_ENV") or Path(sys.prefix).name
    return Path(sys.prefix).name


def conda_explicit() -> str | None:
    """What `conda list --explicit --md5` would print of the interpreter's environment, or of the active one."""
    folder = _notes_folder()
    if folder is None:
        return None
    lines: list[str] = []
    platforms: set[str] = set()
    for note in sorted(folder.glob("*.json")):
        try:
            said = json.loads(note.read_bytes())
            url, md5, platform = said.get("url"), said.get("md5"), said.get("subdir")
        except (OSError, ValueError, AttributeError):
            continue
        if url:
            lines.append(f"{url}#{md5}" if md5 else str(url))
            platforms.add(str(platform or "noarch"))
    if not lines:
        return None
    platform = next(iter(sorted(platforms - {"noarch"})), None)
    head = (
        "# This file may be used to create an environment using:",
        "# $ conda create --name <env> --file <this file>",
        *((f"# platform: {platform}",) if platform else ()),
        "@EXPLICIT",
    )
    return "\n".join((*head, *lines, ""))


def _notes_folder() -> Path | None:
    prefixes = [sys.prefix] if in_conda() else [os.environ.get("CONDA_PREFIX") or ""]
    folders = (Path(prefix) / "conda-meta" for prefix in prefixes if prefix)
    return next((folder for folder in folders if folder.is_dir()), None)
