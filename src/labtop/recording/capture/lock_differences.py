"""Where what is installed is not what a lock file says: an environment drifts, and nothing else tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from labtop.model.packages import normal_name

_MOST = 100
_NEVER_LOCKED = frozenset(("pip", "setuptools", "wheel", "uv", "virtualenv", "distribute", "labtop"))
_LOCAL_SOURCES = ("editable", "virtual", "directory", "workspace", "path")
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*(?P<version>[\w.!+-]+)\s*(?P<marker>;)?"
)

Locked = dict[str, set[str]]
"""Normal name of a package → the versions that a lock allows; several where the platform decides."""


def differences(lock: Path, installed: Mapping[str, str]) -> tuple[str, ...]:
    """What differs, a line a package; nothing for a lock that cannot be understood.

    A package that is locked and not installed is told only where the lock has no conditions: it may be for another
    platform.
    """
    locked, is_unconditional = _read(lock)
    if not locked:
        return ()
    here = {normal_name(name): version for name, version in installed.items()}
    lines = []
    for name, version in sorted(here.items()):
        if name not in locked:
            if name not in _NEVER_LOCKED:
                lines.append(f"{name} {version} is installed and not locked")
        elif locked[name] and _plain(version) not in set(map(_plain, locked[name])):
            lines.append(f"{name} {version} is installed, {' or '.join(sorted(locked[name]))} is locked")
    if is_unconditional:
        lines += (f"{name} is locked and not installed" for name in sorted(locked.keys() - here.keys()))
    changed = [line for line in lines if "installed," in line]  # first: what surely is not as it should be
    return (*changed, *(line for line in lines if line not in changed))[:_MOST]


def is_understood(name: str) -> bool:
    """Whether `differences` can read a lock file of this name."""
    return name in _READERS or name.startswith(("pylock.", "requirements"))


def _plain(version: str) -> str:
    """1.0 and 1.0.0 are one version."""
    public, plus, local = version.partition("+")
    return re.sub(r"(\.0)+$", "", public) + plus + local


def _read(lock: Path) -> tuple[Locked, bool]:
    reader = _READERS.get(lock.name) or (_pylock if lock.name.startswith("pylock.") else None)
    is_list = reader is None and lock.name.startswith("requirements")
    try:
        if is_list:
            return _requirements(lock.read_text("utf-8", "replace"))
        return (reader(lock.read_bytes()) if reader else {}), False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, False


def _of_tables(tables: Iterable[Mapping[str, Any]]) -> Locked:
    locked: Locked = {}
    for table in tables:
        source = table.get("source") or {}
        versions = locked.setdefault(normal_name(str(table["name"])), set())
        is_local = isinstance(source, Mapping) and any(key in source for key in _LOCAL_SOURCES)
        if (version := table.get("version")) and not is_local and not table.get("directory"):
            versions.add(str(version))
    return locked


def _package_tables(content: bytes) -> Locked:
    """uv.lock, poetry.lock and pdm.lock: a `[[package]]` each."""
    import tomllib

    return _of_tables(tomllib.loads(content.decode()).get("package", []))


def _pylock(content: bytes) -> Locked:
    """pylock.toml, the standard's own: `[[packages]]`."""
    import tomllib

    return _of_tables(tomllib.loads(content.decode()).get("packages", []))


def _pipfile(content: bytes) -> Locked:
    sections = json.loads(content)
    return {
        normal_name(name): {str(facts["version"]).removeprefix("==")} if facts.get("version") else set()
        for section in ("default", "develop")
        for name, facts in sections.get(section, {}).items()
    }


def _requirements(text: str) -> tuple[Locked, bool]:
    """A list of pins; it has conditions if any line has a marker, or names packages in other ways."""
    locked: Locked = {}
    is_unconditional = True
    for line in text.replace("\\\n", " ").splitlines():
        line = line.split(" #", 1)[0].strip()
        if not line or line.startswith(
            ("#", "--hash", "--index", "--extra-index", "--find-links", "--no-", "-i ")
        ):
            continue
        found = _PIN.match(line)
        if found is None:
            name = re.match(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*@", line)
            locked.setdefault(normal_name(name["name"]) if name else line, set())
            is_unconditional = False
            continue
        locked.setdefault(normal_name(found["name"]), set()).add(found["version"])
        is_unconditional = is_unconditional and not found["marker"]
    return locked, is_unconditional


_READERS: Mapping[str, Callable[[bytes], Locked]] = {
    "uv.lock": _package_tables,
    "poetry.lock": _package_tables,
    "pdm.lock": _package_tables,
    "pylock.toml": _pylock,
    "Pipfile.lock": _pipfile,
}
