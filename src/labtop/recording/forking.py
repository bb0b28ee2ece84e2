"""Forks: a new run that goes on from a step of another one, with its parameters, in a record of its own."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labtop.errors import InputError, UsageError
from labtop.model.run import MetricSummary, RunRecord
from labtop.recording.home import Home
from labtop.recording.resuming import as_run_id
from labtop.store.live import read_record_live

_SPELLING = re.compile(r"(?P<run>.+?)(?:\?_step=|@)(?P<step>[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Fork:
    """A run (its id, or what begins it) and the last step that the new run has in common with it; None: its last."""

    run: str
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Forked:
    """The record that a run is forked from, and the step."""

    parent: RunRecord
    step: float

    def laid_under(self, record: RunRecord) -> RunRecord:
        """A new run's record with its parent, and the parameters and goals that it takes over."""
        goals = {
            name: MetricSummary(goal=each.goal) for name, each in self.parent.metrics.items() if each.goal
        }
        life = replace(record.life, parent_id=self.parent.id, fork_step=self.step)
        return replace(record, params=self.parent.params, metrics=goals, life=life)


def parse_fork(fork_from: object) -> Fork | None:
    """What `fork_from=` means: `"RUN?_step=1000"` (as in wandb), `"RUN@1000"`, `("RUN", 1000)`, a run, or its id.

    Raises:
        UsageError: it means nothing.
    """
    match fork_from:
        case None:
            return None
        case (run, int() | float() as step) if not isinstance(step, bool) and math.isfinite(step):
            return Fork(_id_of(run), step)
        case str() if found := _SPELLING.fullmatch(fork_from):
            return Fork(found["run"], float(found["step"]))
        case _:
            return Fork(_id_of(fork_from))


def _id_of(run: Any) -> str:
    text = run if isinstance(run, str) else getattr(run, "id", None)
    if not isinstance(text, str) or not text or "?" in text:
        raise UsageError(f"fork_from={run!r} names no run and step", 'say it as "RUN?_step=1000"')
    return text


def find_fork(fork: Fork, home: Home) -> Forked:
    """The record of a fork's parent.

    Raises:
        InputError: there is no such run, or nothing is known of it.
    """
    folder = _folder_of(fork.run, home)
    parent = read_record_live(folder) if folder else None
    if parent is None:
        raise InputError(f"no run {fork.run} to fork in {home.store}", "list what is there with 'labtop ls'")
    if fork.step is not None:
        return Forked(parent, float(fork.step))
    steps = [each.last_step for each in parent.metrics.values() if each.last_step is not None]
    return Forked(parent, max((step for step in steps if math.isfinite(step)), default=-1.0))


def _folder_of(run: str, home: Home) -> Path | None:
    return home.find_run(as_run_id(home.store, run))
