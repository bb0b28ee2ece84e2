"""The processes that recorded a run, as they are seen now, and what a person should know of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labtop.model.run import RunRecord, Status, Writer
from labtop.store.process import is_gone
from labtop.store.writers import read_writers

_MOST_TOLD = 5


def with_writers(record: RunRecord, folder: Path) -> RunRecord:
    """A record with its writers; one that has gone without a word is `crashed`. What went wrong is a problem."""
    writers = tuple(_as_seen(each) for each in read_writers(folder))
    if not writers:
        return record
    told = list(_problems(writers))
    if len(told) > _MOST_TOLD:
        told = [*told[:_MOST_TOLD], f"and {len(told) - _MOST_TOLD} more processes"]
    source = replace(record.source, problems=(*record.source.problems, *told))
    return replace(record, writers=writers, source=source)


def _as_seen(writer: Writer) -> Writer:
    if writer.status is None and writer.process is not None and is_gone(writer.process):
        return replace(writer, status=Status.CRASHED)
    return writer


def _problems(writers: tuple[Writer, ...]) -> Iterator[str]:
    latest = max(each.generation for each in writers)
    for each in writers:
        name = name_of(each)
        if each.role == "rival":
            yield f"{name} records this run too; its points are kept apart (metrics --ranks all)"
        elif each.role == "rank" and each.generation == latest and each.status is Status.CRASHED:
            yield f"{name} ended without a word"
        elif each.role == "rank" and each.generation == latest and each.error is not None:
            yield f"{name} failed: {each.error.type}: {each.error.message}"


def name_of(writer: Writer) -> str:
    """A writer in words: `rank 3 (process 4711 on node2)`."""
    process = writer.process
    where = f"process {process.pid} on {process.host}" if process else "a process"
    return f"rank {writer.rank} ({where})" if writer.rank is not None else where
