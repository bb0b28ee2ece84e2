"""A run as the JSON object that scripts rely on: the words of the interface contract."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from labtop.model.run import MetricSummary, RunRecord
from labtop.model.tree import flatten


def run_as_json(record: RunRecord) -> dict[str, Any]:
    """The object `labtop ls --format jsonl` prints a line of: params flat and typed, times ISO 8601 in UTC."""
    return {
        "id": record.id,
        "name": record.name,
        "project": record.project,
        "status": str(record.status),
        "started_at": time_as_json(record.started_at),
        "ended_at": time_as_json(record.ended_at),
        "duration_s": duration_s(record),
        "tags": list(record.life.tags),
        "group": record.life.group,
        "params": plain(flatten(record.params)),
        "metrics": {name: _metric(summary) for name, summary in record.metrics.items()},
        "summary": plain(record.summary),
        "seeds": dict(record.randomness.seeds),
        "code": {"commit": record.code.commit, "branch": record.code.branch, "dirty": record.code.dirty},
        "source": {
            "tracker": record.source.tracker,
            "uri": record.source.uri,
            "run_id": record.source.run_id,
        },
        "problems": list(record.source.problems),
    }


def record_as_json(record: RunRecord) -> dict[str, Any]:
    """Everything recorded of a run, for `labtop show --format json`."""
    facts = {
        name: plain(asdict(getattr(record, name)))
        for name in ("life", "command", "code", "randomness", "environment", "hardware")
    }
    lists = {
        name: [plain(asdict(each)) for each in getattr(record, name)]
        for name in ("data", "artifacts", "writers")
    }
    source = plain(asdict(record.source))
    return {**run_as_json(record), **facts, **lists, "source": source}


def duration_s(record: RunRecord) -> float | None:
    """Seconds from start to end; None while either is unknown."""
    if record.started_at is None or record.ended_at is None:
        return None
    return (record.ended_at - record.started_at).total_seconds()


def time_as_json(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z, microseconds kept; a moment without a zone is taken as UTC."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def step_as_json(step: float | None) -> float | int | str | None:
    """A step, as an integer when it is whole."""
    if step is not None and math.isfinite(step) and step == int(step):
        return int(step)
    return number_as_json(step)


def number_as_json(value: float | None) -> float | int | str | None:
    """A number; what JSON cannot say becomes "NaN", "Infinity" or "-Infinity"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def plain(value: Any) -> Any:
    """A nested value in which every number is one that JSON can say and every mapping a dict."""
    if isinstance(value, float):
        return number_as_json(value)
    if isinstance(value, datetime):
        return time_as_json(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _metric(summary: MetricSummary) -> dict[str, Any]:
    return {
        "count": summary.count,
        "first": number_as_json(summary.first),
        "last": number_as_json(summary.last),
        "last_step": step_as_json(summary.last_step),
        "min": number_as_json(summary.min),
        "min_step": step_as_json(summary.min_step),
        "max": number_as_json(summary.max),
        "max_step": step_as_json(summary.max_step),
        "mean": number_as_json(summary.mean),
        "nan_count": summary.nan_count,
    }
