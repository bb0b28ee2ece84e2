"""The record of a run of Trackio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labtop.model.run import (
    Artifact,
    DataInput,
    Life,
    ModelVersion,
    Randomness,
    RunRecord,
    Source,
    Status,
    Value,
)
from labtop.sources.source import NO_TIME
from labtop.sources.trackio.log import Log, time_of, time_us

_UNIQUE = re.compile(r"[0-9a-f]{32}")
_SEEDS = ("seed", "random_seed")


def identity_of(run_id: str) -> str:
    """Names a run wherever its logs lie; runs of before 0.24 have no id but a name, which is no identity."""
    return f"trackio:{run_id}" if _UNIQUE.fullmatch(run_id) else ""


def build_record(
    *,
    run_id: str,
    name: str,
    project: str,
    config: Mapping[str, Any],
    log: Log,
    first_us: int,
    uri: str,
    problems: Sequence[str] = (),
    artifacts: Sequence[Artifact] = (),
    inputs: Sequence[DataInput] = (),
    models: Sequence[ModelVersion] = (),
) -> RunRecord:
    """The record of a run. Trackio does not say how a run ended, so its status is unknown."""
    params: dict[str, Value] = {key: value for key, value in config.items() if not _is_inner(key)}
    created = time_us(config.get("_Created"))
    user = config.get("_Username")
    group = config.get("_Group")
    if isinstance(user, str) and user:
        params["_Username"] = user
    seeds = {key: config[key] for key in _SEEDS if type(config.get(key)) is int}
    return RunRecord(
        id="",
        name=name,
        project=project,
        status=Status.UNKNOWN,
        started_at=time_of(
            min(created if created != NO_TIME else 2**63, first_us if first_us != NO_TIME else 2**63)
        ),
        params=params,
        summary=dict(log.texts),
        life=Life(group=str(group) if group else None),
        randomness=Randomness(seeds=seeds),
        data=tuple(inputs),
        artifacts=(*log.artifacts, *artifacts),
        source=Source(
            tracker="trackio",
            uri=uri,
            run_id=run_id,
            problems=(*problems, *log.problems()),
            models=tuple(models),
        ),
    )


def _is_inner(key: str) -> bool:
    return key in ("_Username", "_Created", "_Group")
