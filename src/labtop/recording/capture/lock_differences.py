"""Where what is installed is not what a lock file says: an environment drifts, and nothing else tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from labtop.model.packages import normal_name
from labtop.model.run import Environment
from labtop.recording.capture.locked_packages import is_understood, read_locked

_MOST = 100
_NEVER_LOCKED = frozenset(("pip", "setuptools", "wheel", "uv", "virtualenv", "distribute", "labtop"))
_COMMIT = re.compile(r"\w+\+.*@([0-9a-f]{40,64})(?:#.*)?\Z", re.DOTALL)
_SHOWN = 12  # characters of a commit


def lock_differences(environment: Environment, folder: Path, root: Path | None) -> tuple[str, ...] | None:
    """What differs from the nearest lock that can be read, of which `folder` has the copy; None where there is none.

    `root` is the top of the run's repository.
    """
    own = next((each for each in environment.lock_files if is_understood(each.name)), None)
    if own is None:
        return None
    place = PurePosixPath((root or Path("/")).resolve().as_posix(), own.path).parent
    return differences(folder / own.name, environment.packages, environment.origins, place)


def differences(
    lock: Path,
    installed: Mapping[str, str],
    origins: Mapping[str, str] | None = None,
    project: PurePosixPath | None = None,
) -> tuple[str, ...]:
    """What differs, a line a package; nothing for a lock that cannot be understood.

    A package that is locked and not installed is told only where the lock says that it belongs to every installation:
    others may be for another platform, an extra or a group. Packages of the run's own repository, or of the folder
    `project` that the lock lies in, are the run's own code: most locks don't name them.
    """
    locked = read_locked(lock)
    if not locked.versions:
        return ()
    here = {normal_name(name): version for name, version in installed.items()}
    came_from = {normal_name(name): origin for name, origin in (origins or {}).items()}
    own = {name for name, origin in came_from.items() if _is_of_project(origin, project)}
    changed = []
    unlocked = []
    for name, version in sorted(here.items()):
        if name not in locked.versions:
            if name not in _NEVER_LOCKED | own:
                unlocked.append(f"{name} {version} is installed and not locked")
        elif (versions := locked.versions[name]) and _plain(version) not in set(map(_plain, versions)):
            changed.append(f"{name} {version} is installed, {' or '.join(sorted(versions))} is locked")
    changed += _other_commits(came_from, locked.commits)
    missing = (f"{name} is locked and not installed" for name in sorted(locked.required - here.keys()))
    return (*changed, *missing, *unlocked)[:_MOST]


def _other_commits(origins: Mapping[str, str], locked: Mapping[str, str]) -> Iterator[str]:
    """Packages from a repository, whose version may be the same at every commit."""
    for name, wanted in sorted(locked.items()):
        found = _COMMIT.match(origins.get(name, ""))
        if found and found[1] != wanted:
            yield f"{name} at {found[1][:_SHOWN]} is installed, {wanted[:_SHOWN]} is locked"


def _is_of_project(origin: str, project: PurePosixPath | None) -> bool:
    where = origin.removeprefix("-e ")
    if where != origin and (where == "." or where.startswith("./")):
        return True
    path = unquote(urlsplit(where).path) if where.startswith("file:") else where
    return project is not None and PurePosixPath(path).is_relative_to(project)


def _plain(version: str) -> str:
    """1.0 and 1.0.0 are one version."""
    public, plus, local = version.partition("+")
    return re.sub(r"(\.0)+$", "", public) + plus + local
