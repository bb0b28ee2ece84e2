"""Reads whole places for tests, and finds the corpus of real logs where it lies beside the checkout."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from labtop.sources.source import Curve, Listing, Place, RunRead, Source

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def corpus(name: str) -> Path:
    """A folder of the corpus; the test is skipped where there is none."""
    if not (CORPUS / name).exists():
        pytest.skip(f"no corpus of logs with {name} beside the checkout (../shared/corpus)")
    return CORPUS / name


def truth(name: str) -> Any:
    """The figures that independent readers found."""
    return json.loads((corpus("truth") / f"{name}.json").read_text("utf-8"))


def listing(folder: Path) -> Listing:
    """What lies in a folder, as the walk through a tree shows it to sources."""
    there = [each for each in sorted(folder.iterdir()) if not each.is_symlink()]
    return Listing(
        folder,
        tuple(each.name for each in there if each.is_file()),
        tuple(each.name for each in there if each.is_dir()),
    )


def places(source: Source, root: Path) -> list[Place]:
    """The places of a source in a folder and all below it, but within closed ones."""
    found = list(source.detect(listing(root)))
    closed = {each.path for each in found if each.closed}
    if root not in closed:
        for folder in sorted(each for each in root.iterdir() if each.is_dir() and not each.is_symlink()):
            if folder not in closed and not folder.name.startswith("."):
                found += places(source, folder)
    return found


@dataclass
class Whole:
    """A run with all pieces of it put together."""

    read: RunRead
    curves: dict[str, Curve] = field(default_factory=dict)
    points: int = 0


def read_all(source: Source, root: Path) -> dict[str, Whole]:
    """All runs of all places below a folder, by place and key; pieces put together."""
    runs: dict[str, Whole] = {}
    for place in places(source, root):
        for read in source.read(place.path, list(source.runs(place.path))):
            name = f"{place.path.relative_to(root).as_posix()}:{read.key}"
            before = runs.get(name) if read.appended else None
            whole = before or Whole(read)
            whole.read = replace(read, curves={})
            for metric, curve in read.curves.items():
                kept = whole.curves.setdefault(metric, Curve())
                kept.steps.extend(curve.steps)
                kept.times_us.extend(curve.times_us)
                kept.values.extend(curve.values)
            whole.points = sum(map(len, whole.curves.values()))
            runs[name] = whole
    return runs
