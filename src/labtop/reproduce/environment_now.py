"""How the environment that labtop runs in differs from the recorded one."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import distributions

from labtop.model.packages import normal_name
from labtop.model.run import RunRecord
from labtop.model.trackers import OURS, nothing_of
from labtop.reproduce.step import Finding, FindingState


def changes_since(record: RunRecord) -> Iterator[Finding]:
    """Which Python and packages are not what the run had."""
    environment, tracker = record.environment, record.source.tracker
    if environment.python and platform.python_version() != environment.python:
        words = f"Python {platform.python_version()} is here; the run had {environment.python}"
        yield Finding("environment", "warn", words)
    if not environment.packages:
        words = (
            "no packages were recorded" if tracker == OURS else nothing_of(tracker, "packages", "packages")
        )
        words += "; the current environment is used as it is"
        yield Finding("environment", "missing", words)
        return
    here = {normal_name(each.name): each.version for each in distributions() if each.name}
    then = environment.packages
    other = {name: now for name, was in then.items() if (now := here.get(normal_name(name))) != was}
    some = f"of the {len(then)} packages that are told" if environment.packages_partial else "packages"
    if not other:
        state: FindingState = "warn" if environment.packages_partial else "ok"
        told = " that are told" if environment.packages_partial else ""
        yield Finding("environment", state, f"all {len(then)} packages{told} are here in the same versions")
        return
    name, version = next(iter(other.items()))
    example = f"{name} {environment.packages[name]} then, {version or 'none'} now"
    dots = ", …" if len(other) > 1 else ""
    verb = "differ" if len(other) > 1 else "differs"
    yield Finding("environment", "warn", f"{len(other)} {some} {verb} where labtop runs: {example}{dots}")
