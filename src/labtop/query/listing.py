"""Which run folders a store has, looking only into project folders whose modification time moved."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labtop.store.layout import is_run_id, project_folders

_SETTLED_NS = 2_000_000_000
"""A folder that changed so lately may change again within the same tick of its file system's clock."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found.

    `run_folders` are those of the changed projects, relative to the store. `times` are the modification times of
    all projects, to be given back next time; a time of 0 is one that cannot be relied on yet.
    """

    changed: frozenset[str]
    run_folders: tuple[str, ...]
    times: Mapping[str, int]


def list_changes(store: Path, known: Mapping[str, int]) -> Listing:
    """List the run folders of projects that are not as `known`.

    Raises:
        OSError: the store itself cannot be listed.
    """
    times: dict[str, int] = {}
    changed: list[str] = []
    found: list[str] = []
    now = time.time_ns()
    for project in project_folders(store):
        name = project.name
        try:
            modified = project.stat().st_mtime_ns
            if known.get(name) == modified:
                times[name] = modified
                continue
            with os.scandir(project) as entries:
                found += [f"{name}/{each.name}" for each in entries if is_run_id(each.name)]
        except OSError:  # it went away, or may not be looked into: as if it were not there
            continue
        changed.append(name)
        times[name] = modified if now - modified > _SETTLED_NS else 0
    return Listing(frozenset(changed), tuple(found), times)
