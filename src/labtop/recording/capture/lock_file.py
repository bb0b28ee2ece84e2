"""The files that pin the environment: found above the working folder, hashed and copied."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from labtop.model.run import LockFile
from labtop.recording.capture.command import relative_to
from labtop.recording.capture.conda import CONDA_EXPLICIT, conda_explicit
from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.redact import Redactor

_LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "pixi.lock", "conda-lock.yml", "Pipfile.lock")
_OTHER_LOCKS = "pylock.*.toml"
_REQUIREMENTS = ("requirements.lock", "requirements-lock.txt", "requirements.txt")
_OTHER_REQUIREMENTS = "requirements*.txt"
_LARGEST = 20_000_000
_MOST = 10
_PINNED = re.compile(r"(?:[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:===?\s*[\w.!+-]+|@\s*\S+)|-e\s|--|#|\Z)")


def keep_lock_files(
    folder: Path, cwd: Path, root: Path | None, redactor: Redactor, mode: int = 0o600
) -> tuple[LockFile, ...]:
    """Copy the lock files of this environment into `folder`, the nearest one of a name; the nearest of all comes first.

    An environment that conda made also gives the explicit list of its packages. Hashes are those of the copies.
    """
    kept: list[LockFile] = []
    for path in _lock_files(cwd, root):
        # a copy of requirements.txt would take the place of what was really installed
        name = "requirements.lock" if path.name == "requirements.txt" else path.name
        if len(kept) < _MOST and name not in [each.name for each in kept]:
            try:
                text = path.read_text("utf-8", "surrogateescape")
            except OSError:
                continue
            kept.append(_keep(folder, name, text, redactor.text(relative_to(path, root)), redactor, mode))
    if explicit := conda_explicit():
        kept.append(_keep(folder, CONDA_EXPLICIT, explicit, "", redactor, mode))
    return tuple(kept)


def _keep(folder: Path, name: str, text: str, path: str, redactor: Redactor, mode: int) -> LockFile:
    content = redactor.tokens(text).encode("utf-8", "surrogateescape")
    write_file(folder / name, content, mode)
    return LockFile(name=name, path=path, sha256=hashlib.sha256(content).hexdigest())


def _lock_files(cwd: Path, root: Path | None) -> Iterator[Path]:
    """The nearest come first; in a folder those of tools that lock everything."""
    for place in (cwd, *cwd.parents) if root is not None else (cwd,):
        for path in _candidates(place):
            try:
                if path.is_file() and path.stat().st_size <= _LARGEST and _is_lock(path):
                    yield path
            except OSError:
                continue
        if place == root:
            return


def _candidates(place: Path) -> Iterator[Path]:
    yield from (place / name for name in _LOCKS)
    yield from sorted(place.glob(_OTHER_LOCKS))
    yield from (place / name for name in _REQUIREMENTS)
    yield from sorted(path for path in place.glob(_OTHER_REQUIREMENTS) if path.name not in _REQUIREMENTS)


def _is_lock(path: Path) -> bool:
    return not path.name.startswith("requirements") or _pins_all(path)


def _pins_all(path: Path) -> bool:
    """Whether a requirements file says one version of each package."""
    lines = path.read_text("utf-8", "replace").replace("\\\n", " ").splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return bool(wanted) and all(_PINNED.match(line) for line in wanted)
