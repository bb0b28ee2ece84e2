"""Fragments that Trackio writes instead of a database on network file systems, until its server folds them in.

A fragment is never changed, only deleted once it was folded in: `inbox/<writer>/<n>.jsonl`, a record a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import MOST_BYTES, open_regular
from labtop.sources.trackio.layout import fragments
from labtop.sources.trackio.log import json_object

_LONGEST_LINE = 16 * 2**20


@dataclass(slots=True)
class Waiting:
    """What waits of one run: the fragments that have records of it."""

    project: str
    run_id: str
    name: str
    files: list[Path] = field(default_factory=list)


def waiting_runs(inbox: Path) -> dict[tuple[str, str], Waiting]:
    """The runs that fragments have records of, by project and id (the name where there is none)."""
    runs: dict[tuple[str, str], Waiting] = {}
    for path in sorted(fragments(inbox)):
        try:
            status = path.stat()
        except OSError:
            continue  # folded in just now
        for project, run_id, name in _runs_in(path, status.st_size, status.st_mtime_ns):
            key = (project, run_id or name)
            runs.setdefault(key, Waiting(project, run_id or name, name)).files.append(path)
    return runs


@lru_cache(20_000)
def _runs_in(path: Path, size: int, changed: int) -> frozenset[tuple[str, str, str]]:
    found = {
        (str(each["project"]), str(each.get("run_id") or ""), str(each["run"]))
        for each in records(path, [])
        if each.get("project") and each.get("run")
    }
    return frozenset(found)


def records(path: Path, problems: list[str]) -> Iterator[dict[str, Any]]:
    """The records of a fragment; lines that are none go to `problems`."""
    damaged = 0
    try:
        with open_regular(path) as file:
            left = MOST_BYTES
            while left > 0 and (line := file.readline(_LONGEST_LINE)):
                left -= len(line)
                if not line.strip(b"\0\r\n\t "):
                    continue
                record = json_object(line.strip())
                if record is None:
                    damaged += 1
                else:
                    yield record
    except (OSError, InputError) as error:
        problems.append(f"{path.parent.name}/{path.name}: {error}")
    if damaged:
        problems.append(f"{path.parent.name}/{path.name}: {damaged:,} lines are no JSON")
