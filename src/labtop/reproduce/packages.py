"""The list of packages of a run as a requirements file, where no such file was kept but all are told with versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labtop.model.run import Environment

REQUIREMENTS = "requirements.txt"
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]*")


def requirements_text(environment: Environment) -> str:
    """A line a package that has a version or an origin that an installer can fetch."""
    return "".join(f"{line}\n" for line in sorted(_lines(environment), key=str.lower))


def unpinned(environment: Environment) -> list[str]:
    """The packages that no line can name: without a usable version or origin."""
    return [name for name in environment.packages if _line(name, environment) is None]


def makers_builds(environment: Environment) -> list[str]:
    """Packages in builds that only their maker's index has, such as `torch 2.4.0+cu121`."""
    return [
        f"{name} {version}"
        for name, version in environment.packages.items()
        if "+" in (version or "") and name not in environment.origins
    ]


def _lines(environment: Environment) -> Iterator[str]:
    for name in environment.packages:
        line = _line(name, environment)
        if line is not None:
            yield line


def _line(name: str, environment: Environment) -> str | None:
    if not PACKAGE.fullmatch(name):
        return None
    origin = environment.origins.get(name, "")
    if "+" in origin.partition("://")[0] and origin.isprintable() and not origin.startswith("-"):
        return f"{name} @ {origin.rpartition(' @ ')[2]}"
    version = environment.packages[name] or ""
    return f"{name}=={version}" if VERSION.fullmatch(version) else None
