"""Handmade runs and catalogs for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labtop.model.run import Life, MetricSummary, RunRecord, Status
from labtop.query.catalog import Catalog, TableQuery
from labtop.store.layout import create_store, new_run_id
from tests.stores import write_run

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float | MetricSummary] | None = None,
    minute: int = 0,
    **facts: Any,
) -> RunRecord:
    """A finished run; a metric given as a number was logged once."""
    run_id = facts.pop("id", None) or new_run_id()
    summaries = {
        name: each if isinstance(each, MetricSummary) else summary(each)
        for name, each in (metrics or {}).items()
    }
    record = RunRecord(
        id=run_id,
        name=facts.pop("name", run_id),
        project=facts.pop("project", "digits"),
        status=Status.FINISHED,
        started_at=START + timedelta(minutes=minute),
        ended_at=START + timedelta(minutes=minute, seconds=30),
        params=params or {},
        metrics=summaries,
    )
    return replace(record, **facts)


def summary(value: float) -> MetricSummary:
    """The summary of one point."""
    known = None if value != value else value
    return MetricSummary(
        count=1,
        nan_count=int(known is None),
        first=value,
        last=value,
        last_step=0,
        min=known,
        max=known,
        mean=known,
        spark=(value,),
    )


def store_of(path: Path, *records: RunRecord) -> Path:
    """A store of handmade runs."""
    create_store(path)
    for record in records:
        write_run(path, record)
    return path


def opened(path: Path) -> Catalog:
    """A catalog that has read its store."""
    catalog = Catalog(path)
    catalog.refresh()
    return catalog


def names(catalog: Catalog, where: str = "", **query: Any) -> list[str]:
    """The names of the runs that a query gives, in order."""
    selection = catalog.select(TableQuery(where, **query))
    return [row[0] for row in catalog.cells(selection.rows, ["name"])]


def column(catalog: Catalog, key: str) -> dict[str, Any]:
    """The values of a column by run name."""
    selection = catalog.select(TableQuery(archived=True))
    return dict(catalog.cells(selection.rows, ["name", key]))


def living(**process: Any) -> Life:
    """The life of a run without an end."""
    from labtop.model.run import Beat, Process

    return Life(beat=Beat(counter=1), process=Process(**{"host": "elsewhere", "pid": 1, **process}))
