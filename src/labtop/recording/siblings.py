"""Runs that another run of this process knows all about: the candidates of a search, the trials of a study.

They are written when they are over, and share everything around them (code, environment, hardware) with that run. So a
thousand of them cost a few milliseconds each, and every one can be listed, compared and reproduced like any other run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from labtop.model.run import Life, MetricSummary, RunError, RunRecord, Status
from labtop.recording.capture.redact import Redactor
from labtop.recording.config import as_tree
from labtop.recording.summary import summary_metrics
from labtop.store.layout import make_folders, new_run_id
from labtop.store.process import this_process
from labtop.store.writer import RunWriter

_SHARED_FOLDERS = ("code", "environment")
_NOTHING_LOGGED = MetricSummary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """What is its own of such a run. `points` maps steps to values by name; times are aware."""

    name: str
    params: Mapping[str, Any]
    points: Mapping[float, Mapping[str, float]] = field(default_factory=dict)
    goals: Mapping[str, str] = field(default_factory=dict)  # metric → min, max
    summary: Mapping[str, Any] = field(default_factory=dict)
    status: Status = Status.FINISHED
    started_at: datetime
    ended_at: datetime
    group: str | None = None
    tags: tuple[str, ...] = ()
    job_type: str | None = None
    error: RunError | None = None


def write_sibling(
    sibling: Sibling, record: RunRecord, folder: Path, redactor: Redactor, shared: bool = False
) -> str:
    """Write a run beside the one with this record and folder; give its id.

    Raises:
        OSError: the store cannot be written to.
    """
    run_id = new_run_id()
    target = folder.parent / run_id
    own = _own_record(sibling, record, run_id, redactor)
    writer = RunWriter(target, own, shared=shared)
    for name in _SHARED_FOLDERS:
        _share(folder / name, target / name, shared)
    for step, values in sibling.points.items():
        clean = {redactor.text(name): float(value) for name, value in values.items()}
        writer.append(step, round(sibling.ended_at.timestamp() * 1e6), clean)
    writer.close(sibling.status, sibling.ended_at)
    return run_id


def _own_record(sibling: Sibling, record: RunRecord, run_id: str, redactor: Redactor) -> RunRecord:
    error = sibling.error and replace(sibling.error, message=redactor.text(sibling.error.message))
    summary = redactor.tree(as_tree(sibling.summary))
    metrics = summary_metrics(summary)
    for name, goal in sibling.goals.items():
        metrics[name] = replace(metrics.get(name, _NOTHING_LOGGED), goal=goal)
    return replace(
        record,
        id=run_id,
        name=redactor.text(sibling.name),
        status=Status.RUNNING,
        started_at=sibling.started_at,
        ended_at=None,
        params=redactor.tree(as_tree(sibling.params)),
        metrics=metrics,
        summary=summary,
        artifacts=(),
        life=Life(
            group=redactor.text(sibling.group) if sibling.group else None,
            tags=tuple(map(redactor.text, sibling.tags)),
            job_type=sibling.job_type,
            parent_id=record.id,
            error=error,
            process=this_process(),
        ),
    )


def _share(source: Path, target: Path, shared: bool) -> None:
    """Give a folder of captured files to another run, by hard links where the disk can."""
    if not source.is_dir():
        return
    make_folders(target, shared)
    for place, _, names in os.walk(source):
        below = target / Path(place).relative_to(source)
        make_folders(below, shared)
        for name in names:
            try:
                os.link(Path(place, name), below / name)
            except OSError:
                shutil.copyfile(Path(place, name), below / name)
