"""Whose points are shown where several processes logged the same metric of a run.

By default the lowest rank that logged it: rank 0, but for what only other ranks know. Or the mean, lowest or highest
value over the ranks at each step; or every rank by itself. Nothing is thrown away: `all` gives every rank.

Of one rank that was restarted the later writer counts from its first step on: what was logged before a crash beyond
the checkpoint is a future that did not happen (as in TensorBoard, "purge orphaned data"). It stays in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from labtop.errors import LabtopError, UsageError
from labtop.model.run import Writer
from labtop.query.engine import Engine, InterruptedQueryError
from labtop.store.format import decode_group
from labtop.store.layout import RECORD
from labtop.store.reader import check_parquet
from labtop.store.writers import read_writers

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

AGGREGATES = ("mean", "min", "max")
CHOICES = ("0", *AGGREGATES, "all")
_HELPERS = frozenset(("child", "worker", "rival"))


@dataclass(frozen=True, slots=True)
class RankChoice:
    """What to show of several ranks: one of them (by default the lowest that logged a metric), an aggregate, or all."""

    kind: Literal["lead", "one", "mean", "min", "max", "all"] = "lead"
    rank: int = 0

    @classmethod
    def parse(cls, text: str | int) -> RankChoice:
        """From what a person says: 0, 7, mean, min, max, all.

        Raises:
            UsageError: it is something else.
        """
        word = str(text).strip().lower()
        if word.isdecimal():
            return cls("one", int(word)) if int(word) else cls()
        for kind in ("mean", "min", "max", "all"):
            if word == kind:
                return cls(kind)
        raise UsageError(f"no choice of ranks {str(text)!r}", f"one of: {', '.join(CHOICES)}, or a rank")


LEAD = RankChoice()

NO_TIME = int(np.iinfo(np.int64).min)
"""A time that is not known, in microseconds; numpy's NaT."""


@dataclass(frozen=True, slots=True)
class Part:
    """Points of one metric by one writer or one choice: arrays of one length, sorted by step."""

    steps: Floats
    times_us: Integers
    values: Floats
    rank: int | None = None
    label: str = ""  # "rank 0 of 32", "mean of 32 ranks"; nothing where there is one writer
    is_helper: bool = False  # of the rank's children and workers

    @property
    def key(self) -> tuple[int | None, bool]:
        """Whose points: the same for a run and those that were forked from it."""
        return self.rank, self.is_helper

    def __len__(self) -> int:
        return len(self.steps)

    def where(self, mask: npt.NDArray[np.bool_]) -> Part:
        """Some of the points."""
        return replace(self, steps=self.steps[mask], times_us=self.times_us[mask], values=self.values[mask])


@dataclass(frozen=True, slots=True)
class _Role:
    """Where a writer's points belong: `turn` orders writers of one rank by when they wrote."""

    rank: int
    is_helper: bool
    turn: tuple[int, int, float]


class RoleRow(NamedTuple):
    """The role of one writer, for SQL."""

    run_id: str
    writer: str
    rank: int
    is_helper: bool
    turn: int


class Roles:
    """The roles of a run's writers."""

    def __init__(self, writers: Sequence[Writer], counted: Sequence[str]) -> None:
        self._writers = {each.writer: each for each in writers}
        self._counted = {writer: number for number, writer in enumerate(counted)}

    def of(self, writer: str) -> _Role:
        """The role of a writer. Without a word of its own it is the main one if the record counts its points."""
        known = self._writers.get(writer)
        number = self._counted.get(writer, len(self._counted))
        if known is None:
            is_helper = bool(self._counted) and writer not in self._counted
            return _Role(0, is_helper, (0, number, 0.0))
        is_helper = known.role in _HELPERS
        return _Role(known.rank or 0, is_helper, (known.generation, number, known.began_at or 0.0))


NO_ROLES = Roles((), ())
"""Of a run that one process recorded."""


def read_roles(engine: Engine, folder: Path) -> Roles:
    """The roles of a run's writers from `writers/` and from what its record says of whose points it has counted."""
    return Roles(read_writers(folder), _counted(engine, folder))


def _counted(engine: Engine, folder: Path) -> Sequence[str]:
    if check_parquet(folder / RECORD) is not None:
        return ()
    try:
        ((text,),) = engine.query("SELECT life FROM read_parquet([?])", [str(folder / RECORD)])
        return tuple(decode_group("life", text).written)
    except InterruptedQueryError:
        raise
    except (LabtopError, ValueError, TypeError):
        return ()


def role_rows(engine: Engine, run_id: str, folder: Path, writers: Sequence[str]) -> list[RoleRow]:
    """The roles of a run's writers as rows of a table, for SQL: `turn` counts in the order in which they wrote."""
    roles = read_roles(engine, folder)
    known = sorted(((roles.of(each), each) for each in writers), key=lambda each: each[0].turn)
    return [
        RoleRow(run_id, writer, role.rank, role.is_helper, turn) for turn, (role, writer) in enumerate(known)
    ]


def choose(parts: Mapping[str, Part], roles: Roles, choice: RankChoice) -> list[Part]:
    """What is shown of one metric: its points by writer, once each, go in; one part, or one a rank, come out."""
    if len(parts) < 2 and choice.kind != "one":
        return [
            replace(part, rank=None if choice.kind in AGGREGATES else role.rank, label=_rank_only(role.rank))
            for role, part in ((roles.of(writer), part) for writer, part in parts.items())
        ]
    by_rank = _by_rank(parts, roles)
    total = len({rank for rank, _ in by_rank})
    leads = {rank: min(helper for other, helper in by_rank if other == rank) for rank, _ in by_rank}
    if choice.kind == "all":
        return [
            replace(
                part,
                rank=rank,
                is_helper=is_helper,
                label=f"rank {rank}" + ", helpers" * is_helper if total > 1 or len(by_rank) > 1 else "",
            )
            for (rank, is_helper), part in sorted(by_rank.items(), key=lambda each: each[0])
        ]
    if choice.kind in ("lead", "one"):
        rank = min(leads) if choice.kind == "lead" else choice.rank
        if rank not in leads:
            return []
        hidden = len(by_rank) - total
        label = f"rank {rank} of {total}" if total > 1 else "main process" if hidden else _rank_only(rank)
        return [replace(by_rank[rank, leads[rank]], rank=rank, label=label)]
    members = [by_rank[rank, helper] for rank, helper in sorted(leads.items())]
    label = f"{choice.kind} of {total} ranks" if total > 1 else ""
    return [replace(_aggregate(members, choice.kind), rank=None, label=label)]


def _rank_only(rank: int) -> str:
    return f"only rank {rank}" if rank else ""


def _by_rank(parts: Mapping[str, Part], roles: Roles) -> dict[tuple[int, bool], Part]:
    """Points by rank, those of its helpers apart; a restarted rank's are one line."""
    members: dict[tuple[int, bool], list[tuple[tuple[int, int, float], Part]]] = {}
    for writer, part in parts.items():
        role = roles.of(writer)
        members.setdefault((role.rank, role.is_helper), []).append((role.turn, part))
    joined: dict[tuple[int, bool], Part] = {}
    for key, found in members.items():
        in_turn = [part for _, part in sorted(found, key=lambda each: each[0])]
        joined[key] = _merged(in_turn) if key[1] else succeeding(in_turn)
    return joined


def succeeding(parts: Sequence[Part]) -> Part:
    """Parts one after another: each counts up to the first step of the next, whatever was logged beyond that."""
    kept: list[Part] = []
    limit = np.inf
    for part in reversed(parts):
        known = part.where(part.steps < limit) if np.isfinite(limit) else part
        kept.append(known)
        limit = min(limit, float(part.steps.min(initial=np.inf)))
    return _merged(kept[::-1])


def _merged(parts: Sequence[Part]) -> Part:
    """Points of several parts by step; at one step in the order of the parts."""
    if len(parts) == 1:
        return parts[0]
    steps = np.concatenate([each.steps for each in parts])
    order = np.argsort(steps, kind="stable")
    times = np.concatenate([each.times_us for each in parts])[order]
    return Part(steps[order], times, np.concatenate([each.values for each in parts])[order])


def _aggregate(parts: Sequence[Part], kind: str) -> Part:
    """One value a step over those ranks that have one there; NaN takes no part unless there is nothing else.

    Of several points of a rank at one step the last counts. The time is that of the last rank.
    """
    steps = np.unique(np.concatenate([each.steps for each in parts]))
    count, total = np.zeros(len(steps)), np.zeros(len(steps))
    low, high = np.full(len(steps), np.inf), np.full(len(steps), -np.inf)
    times = np.full(len(steps), NO_TIME, dtype=np.int64)
    for part in parts:
        is_last = np.append(part.steps[1:] != part.steps[:-1], True)
        at = np.searchsorted(steps, part.steps[is_last])
        values, last_times = part.values[is_last], part.times_us[is_last]
        times[at] = np.maximum(times[at], last_times)
        known = ~np.isnan(values)
        at, values = at[known], values[known]
        count[at] += 1
        total[at] += values
        low[at] = np.minimum(low[at], values)
        high[at] = np.maximum(high[at], values)
    with np.errstate(invalid="ignore"):
        found = {"mean": total / np.maximum(count, 1), "min": low, "max": high}[kind]
    return Part(steps, times, np.where(count > 0, found, np.nan))
