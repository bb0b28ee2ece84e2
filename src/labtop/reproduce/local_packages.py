"""Packages that were installed from a folder: from the tree, from where they lay, or else from the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labtop.model.run import LocalPackage, RunRecord
from labtop.recording.capture.local_packages import local_packages
from labtop.recording.capture.redact import Redactor
from labtop.reproduce.packages import PACKAGE, VERSION
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding


def install_local(name: str, origin: str, version: str, install: str) -> Iterator[str]:
    """A package of the tree from the tree; one of another folder from there, else its version from the index."""
    path = origin.removeprefix("-e ")
    if origin.startswith("-e .") and ".." not in Path(path).parts:
        place = '"$tree"' if path == "." else f'"$tree"/{quote(path)}'
        yield f"{install} --no-deps -e {place}"
        return
    if (
        not origin.startswith(("-e /", "file:"))
        or not PACKAGE.fullmatch(name)
        or not VERSION.fullmatch(version)
    ):
        return
    from_index = f"{install} --no-deps {quote(f'{name}=={version}')}"
    if origin.startswith("-e /"):
        yield f"if [ -d {quote(path)} ]; then {install} --no-deps -e {quote(path)}; else {from_index}; fi"
    else:
        yield from_index


def local_findings(record: RunRecord) -> Iterator[Finding]:
    """Whether they stand where they stood."""
    then = {each.name: each for each in record.environment.local_packages}
    for name, origin in record.environment.origins.items():
        path = Path(origin.removeprefix("-e "))
        if not origin.startswith("-e /"):
            continue
        if not path.is_dir():
            words = f"{name} was installed from {path}, which is gone; its version is asked of the index"
            yield Finding("environment", "warn", words)
        elif (package := then.get(name)) is not None and package.commit:
            yield _commit_finding(package, origin)
        else:
            yield Finding("environment", "warn", f"{name} was installed from {path}, as it is today")


def _commit_finding(then: LocalPackage, origin: str) -> Finding:
    """How the repository of a package stands today beside how it stood then."""
    (now,) = local_packages({then.name: origin}, Redactor())
    was = f"{then.name} was installed from {then.path} at {(then.commit or '')[:12]}"
    if then.dirty:
        return Finding("environment", "warn", f"{was} with changes that are not kept")
    if now.commit != then.commit:
        return Finding("environment", "warn", f"{was}; it stands at {(now.commit or 'no commit')[:12]} now")
    if now.dirty:
        return Finding("environment", "warn", f"{was}; there are changes now")
    return Finding("environment", "ok", f"{was}, where it stands today")
