"""Which versions a lock file allows, and which of its packages every installation has: uv, poetry, pdm, pip, Pipenv."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtop.model.packages import normal_name

_LOCAL_SOURCES = ("editable", "virtual", "directory", "workspace", "path")
_LOCAL_TABLES = ("directory", "path", "develop", "vcs")  # beside the name: pylock.toml and pdm.lock
_OWN_GROUPS = frozenset(("main", "default"))  # what poetry and pdm install always
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*(?P<version>[\w.!+-]+)\s*(?P<marker>;)?"
)
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*@")
_EGG = re.compile(r"#(?:.*&)?egg=(?P<name>[\w.-]+)")
_COMMIT = re.compile(r"[@#]([0-9a-f]{40,64})(?:#|\Z)")
_NO_PACKAGE = re.compile(r"#|--(?!requirement|editable)|-[fic]\s")
_FOLDER = re.compile(r"-e\s|--editable[\s=]|\.{0,2}/|\.\Z")

Tables = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Locked:
    """What a lock says.

    versions: normal name of a package → the versions that are allowed, several where the platform decides; none where
        any will do, as of a folder.
    required: names of those that belong to every installation, as far as the lock says so.
    commits: of those that come from a repository.
    """

    versions: Mapping[str, set[str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    commits: Mapping[str, str] = field(default_factory=dict)


def read_locked(lock: Path) -> Locked:
    """A lock file's packages; none for a file that cannot be understood."""
    if (reader := _reader(lock.name)) is None:
        return Locked()
    try:
        return reader(lock.read_bytes().decode("utf-8", "replace"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Locked()


def is_understood(name: str) -> bool:
    """Whether `read_locked` can read a lock file of this name."""
    return _reader(name) is not None


def _reader(name: str) -> Callable[[str], Locked] | None:
    if name.startswith("pylock."):
        return _pylock
    return _requirements if name.startswith("requirements") else _READERS.get(name)


def _tables(text: str, name: str) -> list[dict[str, Any]]:
    import tomllib

    return [each for each in tomllib.loads(text).get(name, []) if each.get("name")]


def _versions(tables: Tables) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table in tables:
        versions = found.setdefault(_name(table), set())
        if (version := table.get("version")) and not _is_local(table):
            versions.add(str(version))
    return found


def _name(table: Mapping[str, Any]) -> str:
    return normal_name(str(table["name"]))


def _is_local(table: Mapping[str, Any]) -> bool:
    """Whether a package is a folder's, whose version changes with the folder."""
    source = table.get("source")
    source = source if isinstance(source, Mapping) else {}
    return (
        any(key in source for key in _LOCAL_SOURCES)
        or source.get("type") == "directory"
        or any(table.get(key) for key in _LOCAL_TABLES)
    )


def _commits(tables: Tables) -> dict[str, str]:
    """uv says the commit behind the address, the others beside it."""
    found = {}
    for table in tables:
        places = [
            each for each in (table.get("source"), table.get("vcs"), table) if isinstance(each, Mapping)
        ]
        said = [place.get(key) for place in places for key in ("resolved_reference", "commit-id", "revision")]
        said += [at[1] for place in places if (at := _COMMIT.search(str(place.get("git", ""))))]
        if commit := next(filter(None, said), None):
            found[_name(table)] = str(commit)
    return found


def _uv(text: str) -> Locked:
    """uv.lock: what the project itself needs without a condition, and what that needs in turn."""
    tables = _tables(text, "package")
    by_name: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        by_name.setdefault(_name(table), []).append(table)
    required: set[str] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [
        (_name(table), ()) for table in tables if "." in (table.get("source") or {}).values()
    ]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    projects = {name for name, _ in waiting}
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        required.add(name)
        if len(by_name.get(name, ())) == 1:  # of several the platform chooses one, and so what it needs
            waiting += _needs(by_name[name][0], extras)
    return Locked(_versions(tables), frozenset(required - projects), _commits(tables))


def _needs(table: Mapping[str, Any], extras: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    optional = table.get("optional-dependencies") or {}
    for needed in (table.get("dependencies") or (), *(optional.get(extra, ()) for extra in extras)):
        for each in needed:
            if not each.get("marker"):
                yield _name(each), tuple(map(str, each.get("extra", ())))


def _grouped(text: str) -> Locked:
    """poetry.lock and pdm.lock; those of older versions don't say what belongs where."""
    tables = _tables(text, "package")
    required = (
        _name(table)
        for table in tables
        if _OWN_GROUPS & set(table.get("groups", ()))
        and not (table.get("optional") or table.get("marker") or table.get("markers"))
    )
    return Locked(_versions(tables), frozenset(required), _commits(tables))


def _pylock(text: str) -> Locked:
    """pylock.toml, the standard's own: a marker tells the platform, the extra or the group."""
    tables = _tables(text, "packages")
    required = (_name(table) for table in tables if not table.get("marker"))
    return Locked(_versions(tables), frozenset(required), _commits(tables))


def _pipfile(text: str) -> Locked:
    sections = json.loads(text)
    versions = {
        normal_name(name): {str(facts["version"]).removeprefix("==")} if facts.get("version") else set()
        for section in ("default", "develop")
        for name, facts in sections.get(section, {}).items()
    }
    required = (
        normal_name(name) for name, facts in sections.get("default", {}).items() if not facts.get("markers")
    )
    return Locked(versions, frozenset(required))


def _requirements(text: str) -> Locked:
    """A list of pins, which says everything; lines with markers are for some platforms only, folders don't count.

    A list that names another list says too little.
    """
    versions: dict[str, set[str]] = {}
    required: set[str] = set()
    commits: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        line = line.split(" #", 1)[0].strip()
        if not line or _NO_PACKAGE.match(line):
            continue
        if found := _PIN.match(line):
            versions.setdefault(normal_name(found["name"]), set()).add(found["version"])
            if not found["marker"]:
                required.add(normal_name(found["name"]))
        elif named := _NAMED.match(line) or _EGG.search(line):
            versions.setdefault(normal_name(named["name"]), set())
            if commit := _COMMIT.search(line.partition(" ;")[0]):
                commits[normal_name(named["name"])] = commit[1]
        elif not _FOLDER.match(line):
            return Locked()
    return Locked(versions, frozenset(required), commits)


_READERS: Mapping[str, Callable[[str], Locked]] = {
    "uv.lock": _uv,
    "poetry.lock": _grouped,
    "pdm.lock": _grouped,
    "Pipfile.lock": _pipfile,
}
