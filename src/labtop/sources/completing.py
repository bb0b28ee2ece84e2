"""Completes the record of a run that was read: its id, names, summaries, and a status that no zombie can hold."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from labtop.model.run import Beat, MetricSummary, RunRecord, Status
from labtop.sources.identity import id_of
from labtop.sources.seeds import seeds_in
from labtop.sources.source import NO_TIME, Curve, Place, RunRead
from labtop.sources.summaries import summarised

ZOMBIE_AFTER_S = 4 * 3600.0
"""A run that says it is running, and has logged nothing for so long, is lost."""

_BEAT_S = 900.0


def completed(read: RunRead, place: Place, run_id: str, known: RunRecord | None) -> RunRecord:
    """The record with id, names, summaries, and a status that a zombie cannot hold for years."""
    record, source = read.record, read.record.source
    before: Mapping[str, MetricSummary] = known.metrics if known else {}
    # what only tells a metric's goal takes nothing away from what its points told
    told = {name: each for name, each in record.metrics.items() if each.count or each.last is not None}
    summaries = {**record.metrics, **before, **told}
    for name, curve in read.curves.items():
        start = before.get(name) or record.metrics.get(name)
        goal = record.metrics[name].goal if name in record.metrics else None
        start = replace(start, last=None, goal=goal or start.goal) if start and not start.count else start
        summaries[name] = summarised(curve, start)
    started_at = record.started_at or (known.started_at if known else None) or _first_time(read.curves)
    seen_s = _last_sign_s(read, started_at, known)
    status, life = record.status, record.life
    if status is Status.RUNNING and (seen_s is None or time.time() - seen_s > ZOMBIE_AFTER_S):
        status = Status.LOST
    if not status.is_end and seen_s is not None:
        life = replace(life, beat=Beat(counter=int(seen_s * 1000), interval_s=_BEAT_S, at=seen_s))
    if life.parent_id:
        life = replace(life, parent_id=id_of(life.parent_id))
    if source.uri is None:
        source = replace(source, uri=str(read.folder or place.path))
    return replace(
        record,
        id=run_id,
        name=record.name or read.key.rsplit("/", 1)[-1] or run_id,
        project=record.project or place.path.stem or "runs",
        status=status,
        started_at=started_at,
        metrics=summaries,
        life=life,
        randomness=record.randomness
        if record.randomness.seeds
        else replace(record.randomness, seeds=seeds_in(record.params)),
        source=source,
    )


def _last_sign_s(read: RunRead, started_at: datetime | None, known: RunRecord | None) -> float | None:
    """When the run was last alive by what it wrote itself.

    The time of files tells only where that says nothing: copying them makes them new.
    """
    signs = [max(each.times_us) / 1e6 for each in read.curves.values() if len(each)]
    if read.record.status is Status.RUNNING and started_at is not None:
        signs.append(started_at.timestamp())
    signs += [known.life.beat.at] if known and known.life.beat and known.life.beat.at else []
    told = max((each for each in signs if each > 0), default=None)
    return told if told is not None or read.record.status is not Status.RUNNING else read.last_write


def _first_time(curves: Mapping[str, Curve]) -> datetime | None:
    """When the first point was logged: the run was there by then."""
    times = [
        min(known) for each in curves.values() if (known := [t for t in each.times_us[:1] if t != NO_TIME])
    ]
    try:
        return datetime.fromtimestamp(min(times) / 1e6, UTC) if times else None
    except (ValueError, OverflowError, OSError):
        return None
