"""The runs that a run was forked from, and its curves with theirs before the fork.

A run that was forked at a step shows its parent's points up to that step, and from there on its own; so does the parent
if it was forked itself. Where the parent is not in the store the run's own points are all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labtop.errors import LabtopError
from labtop.query.engine import InterruptedQueryError
from labtop.query.ranks import Part, succeeding
from labtop.store.format import decode_group
from labtop.store.layout import RECORD

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

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


def _chain(run_id: str, forks: dict[str, Ancestor]) -> tuple[Ancestor, ...]:
    chain: list[Ancestor] = []
    seen, limit = {run_id}, np.inf
    while (parent := forks.get(run_id)) is not None and parent.run_id not in seen:
        limit = min(limit, parent.step)
        chain.append(Ancestor(parent.run_id, float(limit)))
        run_id = parent.run_id
        seen.add(run_id)
    return tuple(chain)


def _forks(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, Ancestor]:
    """The parents of runs; only of those that were forked at a step."""
    engine = catalog.engine
    rows = engine.query(
        f"""SELECT id, _folder FROM {catalog.relation(["id", "parent_id", "_folder"])}
            WHERE parent_id IS NOT NULL AND id IN (SELECT unnest(?::VARCHAR[]))""",
        [list(run_ids)],
    )
    found: dict[str, Ancestor] = {}
    for run_id, folder in rows:
        path = str(catalog.path / folder / RECORD)
        try:
            ((text,),) = engine.query("SELECT life FROM read_parquet([?])", [path])
            life = decode_group("life", text)
        except InterruptedQueryError:
            raise
        except (LabtopError, ValueError, TypeError):
            continue
        if life.parent_id and life.fork_step is not None:
            found[run_id] = Ancestor(life.parent_id, float(life.fork_step))
    return found


def stitched(own: Part, inherited: Sequence[tuple[Ancestor, Part]]) -> Part:
    """Own points after those of ancestors (the nearest first), each up to where it was left."""
    parts = [part.where(part.steps <= ancestor.step) for ancestor, part in reversed(inherited)]
    return succeeding([*parts, own]) if parts else own
