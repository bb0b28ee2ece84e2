"""The record of a W&B run, of what its records and the files beside them say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.formats.json_text import as_number
from labtop.model.run import (
    Code,
    Life,
    MetricSummary,
    Process,
    RunRecord,
    Source,
    Status,
)
from labtop.sources.source import NO_TIME
from labtop.sources.wandb import layout
from labtop.sources.wandb.artifacts import artifacts, inputs
from labtop.sources.wandb.facts import Facts
from labtop.sources.wandb.layout import Segment
from labtop.sources.wandb.media import MOST
from labtop.sources.wandb.points import Points
from labtop.sources.wandb.side_files import SideFiles, time_of
from labtop.sources.wandb.summary import split_summary
from labtop.sources.wandb.surroundings import command_of, environment_of, hardware_of

Tree = Any

TRACKER = "wandb"

_STATES = {
    "finished": Status.FINISHED,
    "failed": Status.FAILED,
    "killed": Status.KILLED,
    "crashed": Status.CRASHED,
    "running": Status.RUNNING,
    "preempted": Status.KILLED,
    "preempting": Status.RUNNING,
}
_GENERATED_ID = re.compile(r"(?=.*\d)(?=.*[a-z])(?![a-z]+\d+$)[a-z0-9]{8}")
_LARGEST_PATCH = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Told:
    """What was read of a run: facts, and what its points leave to know; `is_cut` when records are missing."""

    facts: Facts
    points: Points
    problems: dict[str, None]
    segments: list[Segment]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A record and what goes with it."""

    record: RunRecord
    identity: str
    last_write: float | None
    kept: Mapping[str, Path] = field(default_factory=dict)
    output: Path | None = None


def identity_of(entity: str, project: str, run_id: str) -> str:
    """What makes a run the same wherever it is found; empty where there is no id.

    Ids that W&B draws are unique in the world, and whether an offline run knows its entity is a matter of chance; so
    those stand alone. One that a person chose ("baseline") counts within its project.
    """
    if not run_id:
        return ""
    if _GENERATED_ID.fullmatch(run_id):
        return f"{TRACKER}:{run_id}"
    return f"{TRACKER}:{entity}/{project}/{run_id}"


def record_of(told: Told) -> Made:
    """The record of what was told so far."""
    facts, segments = told.facts, told.segments
    home = facts.run.get("entity", ""), facts.run.get("project", "")
    problems = dict(told.problems)
    last = segments[-1]
    metadata: dict[str, Tree] = {}
    packages: dict[str, str] = {}
    origins: dict[str, str] = {}
    has_all = bool(facts.run) and not problems and not told.is_cut
    summary = facts.summary_tree()
    for segment in reversed(segments):
        beside = SideFiles(segment, facts, problems)
        metadata = {**beside.metadata(), **metadata}
        if not packages and not origins:
            packages, origins = beside.packages()
        if not has_all or not facts.config:
            beside.config()
        if not has_all or not summary:
            summary = {**beside.summary(), **summary}
    run, environment = {**_run_of(metadata), **facts.run}, facts.environment
    run_id = run.get("id") or last.run_id
    project = home[1] or facts.artifact_project or run.get("project", "")
    branch = run.get("branch", {})
    patch = _patch(segments)
    status, exit_code = _status(facts, metadata, is_old=last.files == last.folder)
    tree, unlogged = split_summary(summary, told.points.last)
    record = RunRecord(
        id="",
        name=run.get("name", ""),
        project=project,
        status=status,
        started_at=_started(facts, metadata),
        ended_at=_ended(told, metadata, summary) if status.is_end or status is Status.CRASHED else None,
        params=facts.config,
        metrics={**unlogged, **_goals(facts, told.points)},
        summary=tree,
        life=Life(
            group=run.get("group") or (f"sweep-{run['sweep']}" if run.get("sweep") else None),
            job_type=run.get("job_type"),
            tags=tuple(dict.fromkeys(run.get("tags", ()))),
            notes=run.get("notes", ""),
            parent_id=identity_of(*home, branch["run"]) if branch.get("run") else None,
            fork_step=branch.get("value", 0.0) if branch.get("run") else None,
            exit_code=exit_code,
            process=Process(host=host) if (host := run.get("host") or environment.get("host")) else None,
        ),
        command=command_of(environment),
        code=_code(run, environment, patch),
        data=tuple(inputs(facts)),
        environment=environment_of(facts, packages, origins),
        hardware=hardware_of(environment),
        artifacts=tuple(artifacts(facts, last)),
        source=Source(
            tracker=TRACKER,
            uri=str(last.folder or last.tape),
            run_id=run_id or None,
            problems=(*problems, *_left_out(facts)),
            also=tuple(str(each.folder or each.tape) for each in segments[:-1]),
        ),
    )
    kept = {} if patch is None else {"code/patch.diff": patch[0]}
    if (conda := last.side_file(layout.CONDA)) is not None:
        kept["environment/conda-environment.yaml"] = conda
    output = next((path for each in reversed(segments) if (path := each.side_file(layout.OUTPUT))), None)
    return Made(record, identity_of(*home, run_id), _last_write(segments), kept, output)


def _text(value: Tree) -> str:
    return value if isinstance(value, str) else ""


def _run_of(metadata: Mapping[str, Tree]) -> dict[str, Tree]:
    """What `wandb-metadata.json` said of the run itself until 0.9, by the names of the run record."""
    named = ("name", "notes", "project", "group", "job_type")
    run: dict[str, Tree] = {name: _text(metadata.get(name)) for name in named}
    run["job_type"] = run["job_type"] or _text(metadata.get("jobType"))
    tags = metadata.get("tags")
    run["tags"] = [each for each in tags if isinstance(each, str)] if isinstance(tags, list) else []
    return {name: value for name, value in run.items() if value}


def _status(facts: Facts, metadata: Mapping[str, Tree], is_old: bool) -> tuple[Status, int | None]:
    if facts.exit is not None:
        code = facts.exit.get("code", 0)
        return (Status.FINISHED if code == 0 else Status.FAILED), code
    if facts.run:
        return Status.RUNNING, None
    code = metadata.get("exitcode")
    exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
    status = _STATES.get(_text(metadata.get("state")), Status.UNKNOWN)
    # from 0.10 on the file is written at the start and says so for ever
    return (status if is_old or status is not Status.RUNNING else Status.UNKNOWN), exit_code


def _time(microseconds: float | None) -> datetime | None:
    try:
        return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _started(facts: Facts, metadata: Mapping[str, Tree]) -> datetime | None:
    from labtop.formats.wandb_records import time_us

    started = facts.start_us or time_us(facts.environment.get("started"))
    if started is not None:
        return _time(started)
    own = as_number(facts.own_config.get("start_time"))
    return time_of(metadata.get("startedAt")) or (_time(own * 1e6) if own else None)


def _ended(told: Told, metadata: Mapping[str, Tree], summary: Mapping[str, Tree]) -> datetime | None:
    """When the last thing happened: the last time that was seen, or as long after the start as the run says it ran."""
    from labtop.formats.wandb_records import time_us

    facts = told.facts
    times = [_time(told.points.last_us if told.points.last_us != NO_TIME else None)]
    started = time_us(facts.run.get("start"))
    if started is not None and len(told.segments) == 1:
        own = summary.get("_wandb")
        told_s = own.get("runtime") if isinstance(own, Mapping) else None
        seconds = (facts.exit or {}).get("runtime") or as_number(told_s)
        times.append(None if seconds is None else _time(started + seconds * 1e6))
    if facts.exit is None:
        times.append(time_of(metadata.get("heartbeatAt")))
    return max(filter(None, times), default=None)


def _goals(facts: Facts, points: Points) -> dict[str, MetricSummary]:
    """Whether metrics with new points are to be small or large."""
    return {name: MetricSummary(goal=goal) for name in points.fresh if (goal := facts.goal_of(name))}


def _code(run: Mapping[str, Tree], environment: Mapping[str, Tree], patch: tuple[Path, str] | None) -> Code:
    git = {**environment.get("git", {}), **run.get("git", {})}
    return Code(
        commit=git.get("commit") or None,
        remote=git.get("remote") or None,
        dirty=True if patch else None,
        patch_sha256=patch[1] if patch else None,
    )


def _patch(segments: list[Segment]) -> tuple[Path, str] | None:
    """The newest patch against the commit, and its hash; None where nothing differed, or nothing was kept."""
    for segment in reversed(segments):
        path = segment.side_file(layout.PATCH)
        if path is None:
            continue
        try:
            content = read_bytes(path, _LARGEST_PATCH)
        except (OSError, InputError):
            continue
        if content.strip():
            return path, hashlib.sha256(content).hexdigest()
    return None


def _left_out(facts: Facts) -> Iterator[str]:
    if facts.media.left_out:
        yield f"{facts.media.left_out:,} rich values beyond the first {MOST:,} are not listed"


def _last_write(segments: list[Segment]) -> float | None:
    newest = None
    for segment in segments:
        beside = (layout.OUTPUT, layout.HISTORY, layout.METADATA, layout.SUMMARY)
        for path in (segment.tape, *map(segment.side_file, beside)):
            try:
                newest = max(newest or 0.0, path.stat().st_mtime) if path else newest
            except OSError:
                continue
    return newest
