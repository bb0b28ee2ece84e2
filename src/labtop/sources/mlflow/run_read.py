"""What a reading of an MLflow run gives, whichever store it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from labtop.model.run import RunRecord, Status
from labtop.sources.mlflow.facts import RunFacts, record_of
from labtop.sources.mlflow.words import identity_of
from labtop.sources.source import Curve, RunRead


def run_read(
    key: str,
    facts: RunFacts,
    uri: Path,
    curves: Mapping[str, Curve],
    state: bytes | None,
    *,
    is_appended: bool,
    last_write: Callable[[RunRecord], float | None],
    folder: Path | None = None,
) -> RunRead:
    """A run, or a piece of it, that lies at `uri`. `last_write` is asked only of one that may still be running."""
    record = record_of(facts, str(uri))
    may_run = record.status in (Status.RUNNING, Status.UNKNOWN)
    return RunRead(
        key=key,
        record=record,
        identity=identity_of(facts.run_id),
        curves=curves,
        appended=is_appended,
        state=state,
        folder=folder,
        last_write=last_write(record) if may_run else None,
    )
