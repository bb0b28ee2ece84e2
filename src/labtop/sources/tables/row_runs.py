"""Runs of tables with a row each: read whole, or told of by the thousand, for a row has no points to be read later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labtop.formats.compressed import unpacked_name
from labtop.formats.table_file import TableFile
from labtop.model.run import Code, Life, MetricSummary, Randomness, RunRecord, Source, Status
from labtop.sources.bounding import MOST_CHARACTERS
from labtop.sources.source import Listed, RunRead
from labtop.sources.tables.guess import Guess
from labtop.sources.tables.rows import Row, keys_of, rows_of, seeds_of

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_SIMPLE = frozenset((int, float, bool, type(None)))


def read_rows(table: TableFile, guessed: Guess, wanted: frozenset[str]) -> Iterator[RunRead]:
    """The runs of some rows, by their keys."""
    written = table.path.stat().st_mtime
    reading, problems = guessed.text(), _problems(table, guessed)
    for row in rows_of(table, guessed, wanted):
        record = _record(table, row, seeds_of(row.params), problems, reading)
        record = replace(
            record,
            name=row.name,
            started_at=row.started,
            ended_at=row.ended,
            params=row.params,
            metrics={name: MetricSummary(last=value) for name, value in row.metrics.items()},
            life=replace(record.life, tags=row.tags),
            source=replace(record.source, run_id=row.key, texts=row.texts),
        )
        yield RunRead(key=row.key, record=record, last_write=written)


def listed_rows(table: TableFile, guessed: Guess, wanted: frozenset[str]) -> Iterator[Listed]:
    """What some rows tell. Left out are those of running runs, and those with values that are no plain cells."""
    commons: dict[Any, RunRecord] = {}
    reading, problems = guessed.text(), _problems(table, guessed)
    for row in rows_of(table, guessed, wanted):
        if row.status is Status.RUNNING or not all(map(_is_plain, row.params.values())):
            continue
        seeds = seeds_of(row.params)
        same = (row.status, *sorted(row.told.items()), *seeds.seeds)
        common = commons.get(same)
        if common is None:
            common = commons[same] = _record(table, row, seeds, problems, reading)
        yield Listed(
            key=row.key,
            identity="",
            common=common,
            name=row.name,
            run_id=row.key,
            started_us=_micros(row.started),
            ended_us=_micros(row.ended),
            params=row.params,
            seeds=seeds.seeds,
            tags=row.tags,
            last=row.metrics,
            is_whole=True,
        )


def stem_of(path: Path) -> str:
    """The name of a file without what says how it is written."""
    return Path(unpacked_name(path.name)).stem


def _problems(table: TableFile, guessed: Guess) -> tuple[str, ...]:
    """What is wrong with a table, which each of its rows tells."""
    problems: list[str] = []
    deque(keys_of(table, guessed, problems), 0)
    return tuple(problems)


def _record(
    table: TableFile, row: Row, seeds: Randomness, problems: tuple[str, ...], reading: str
) -> RunRecord:
    """What the run of a row has in common with others."""
    return RunRecord(
        id="",
        name="",
        project=row.told.get("project") or stem_of(table.path),
        status=row.status,
        randomness=seeds,
        life=Life(group=row.told.get("group"), notes=row.told.get("notes", "")),
        code=Code(commit=row.told.get("commit")),
        source=Source(tracker="table", uri=str(table.path), problems=problems, reading=reading),
    )


def _is_plain(value: Any) -> bool:
    return type(value) in _SIMPLE or (type(value) is str and len(value) <= MOST_CHARACTERS)


def _micros(when: datetime | None) -> int | None:
    return None if when is None else (when - _EPOCH) // _MICROSECOND
