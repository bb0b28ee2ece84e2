"""Versions of labtop, of Python, and of the libraries that it stands on."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

from labtop.cli.doctor.line import Line, looked_at

SECTION = "versions"
_LIBRARIES = (
    "duckdb",
    "pyarrow",
    "polars",
    "numpy",
    "textual",
    "rich",
    "msgspec",
    "gitpython",
    "psutil",
    "nvidia-ml-py",
)


def version_lines() -> Iterable[Line]:
    """The lines of the section."""
    return looked_at(SECTION, (("python", _python), ("libraries", _libraries)))


def _python() -> Iterator[Line]:
    yield Line(SECTION, "labtop", "well", version("labtop"))
    yield Line(SECTION, "python", "well", f"{platform.python_version()} at {sys.executable}")
    yield Line(SECTION, "system", "well", platform.platform())


def _libraries() -> Iterator[Line]:
    for name in _LIBRARIES:
        try:
            yield Line(SECTION, name, "well", version(name))
        except PackageNotFoundError:
            yield Line(SECTION, name, "ill", "is not installed", "install labtop again")
