"""The lock file that pins the environment: found above the working folder, hashed and copied."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.redact import Redactor

_LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "pixi.lock", "conda-lock.yml", "Pipfile.lock")
_REQUIREMENTS = ("requirements.lock", "requirements-lock.txt", "requirements.txt")
CONDA_EXPLICIT = "conda-explicit.txt"
_LARGEST = 20_000_000
_PINNED = re.compile(r"(?:[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:===?\s*[\w.!+-]+|@\s*\S+)|-e\s|--|#|\Z)")


def keep_lock_file(
    folder: Path, cwd: Path, root: Path | None, redactor: Redactor, mode: int = 0o600
) -> tuple[str | None, str | None]:
    """Copy the nearest lock file into `folder`; its name and the SHA-256 of the copy.

    An environment that conda made without a lock file gives the explicit list of its packages.
    """
    found = next(_lock_files(cwd, root), None)
    if found is not None:
        name, text = found.name, found.read_text("utf-8", "surrogateescape")
    elif explicit := _conda_explicit():
        name, text = CONDA_EXPLICIT, explicit
    else:
        return None, None
    # a copy of requirements.txt would take the place of what was really installed
    name = "requirements.lock" if name == "requirements.txt" else name
    content = redactor.tokens(text).encode("utf-8", "surrogateescape")
    write_file(folder / name, content, mode)
    return name, hashlib.sha256(content).hexdigest()


def _lock_files(cwd: Path, root: Path | None) -> Iterator[Path]:
    for place in (cwd, *cwd.parents) if root is not None else (cwd,):
        for name in (*_LOCKS, *_REQUIREMENTS):
            path = place / name
            try:
                if path.is_file() and path.stat().st_size <= _LARGEST and (name in _LOCKS or _pins_all(path)):
                    yield path
            except OSError:
                continue
        if place == root:
            return


def _pins_all(path: Path) -> bool:
    """Whether a requirements file says one version of each package."""
    lines = path.read_text("utf-8", "replace").replace("\\\n", " ").splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return bool(wanted) and all(_PINNED.match(line) for line in wanted)


def _conda_explicit() -> str | None:
    """What `conda list --explicit --md5` would print, read from the environment's own notes."""
    prefix = os.environ.get("CONDA_PREFIX")
    if not prefix or not (Path(prefix) / "conda-meta").is_dir():
        return None
    lines = []
    for note in sorted((Path(prefix) / "conda-meta").glob("*.json")):
        try:
            said = json.loads(note.read_bytes())
        except (OSError, ValueError):
            continue
        if url := said.get("url"):
            lines.append(f"{url}#{said['md5']}" if said.get("md5") else str(url))
    return (
        "\n".join(
            (
                "# This file may be used to create an environment using:",
                "# $ conda create --name <env> --file <this file>",
                "@EXPLICIT",
                *lines,
                "",
            )
        )
        if lines
        else None
    )
