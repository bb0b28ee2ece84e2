"""The runs that a run was forked from, and its curves with theirs before the fork.

A run that was forked at a step shows its parent's points up to that step, and from there on its own; so does the parent
if it was forked itself. Where the parent is not in the store the run's own points are all there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labtop.query.catalog import Catalog
from labtop.query.ranks import Part, succeeding

_DEEPEST = 100  # forks of forks; a circle ends here too


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A run whose points up to and with `step` are those of its descendant too."""

    run_id: str
    step: float


def ancestors(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, tuple[Ancestor, ...]]:
    """For each run that was forked at a step the runs it comes from, the nearest first."""
    forks: dict[str, Ancestor] = {}
    wanted = list(dict.fromkeys(run_ids))
    for _ in range(_DEEPEST):
        found = _forks(catalog, wanted)
        forks |= found
        wanted = [each.run_id for each in found.values() if each.run_id not in forks]
        if not wanted:
            break
    return {run_id: chain for run_id in run_ids if (chain := _chain(run_id, forks))}


class ForkRow(NamedTuple):
    """One ancestor of a run for SQL; `depth` is 1 for its parent."""

    run_id: str
    ancestor: str
    step: float
    depth: int


def fork_rows(catalog: Catalog) -> list[ForkRow]:
    """The ancestors of every run that was forked at a step."""
    relation = catalog.relation(["id", "parent_id"])
    forked = catalog.engine.query(f"SELECT id FROM {relation} WHERE parent_id IS NOT NULL ORDER BY id")
    return [
        ForkRow(run_id, each.run_id, each.step, depth)
        for run_id, chain in ancestors(catalog, [run_id for (run_id,) in forked]).items()
        for depth, each in enumerate(chain, 1)
    ]


def _chain(run_id: str, forks: dict[str, Ancestor]) -> tuple[Ancestor, ...]:
    chain: list[Ancestor] = []
    seen, limit = {run_id}, math.inf
    while (parent := forks.get(run_id)) is not None and parent.run_id not in seen:
        limit = min(limit, parent.step)
        chain.append(Ancestor(parent.run_id, limit))
        run_id = parent.run_id
        seen.add(run_id)
    return tuple(chain)


def _forks(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, Ancestor]:
    """The parents of runs; only of those that were forked at a step."""
    relation = catalog.relation(["id", "parent_id", "fork_step"])
    rows = catalog.engine.query(
        f"""SELECT id, parent_id, fork_step FROM {relation}
            WHERE parent_id IS NOT NULL AND fork_step IS NOT NULL AND id IN (SELECT unnest(?::VARCHAR[]))""",
        [list(run_ids)],
    )
    return {run_id: Ancestor(parent_id, step) for run_id, parent_id, step in rows}


def stitched(own: Part, inherited: Sequence[tuple[Ancestor, Part]]) -> Part:
    """Own points after those of ancestors (the nearest first), each up to where it was left."""
    parts = [part.where(part.steps <= ancestor.step) for ancestor, part in reversed(inherited)]
    return succeeding([*parts, own]) if parts else own
