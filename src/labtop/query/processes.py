"""The processes that recorded a run, as they are seen now, and what a person should know of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from labtop.model.run import RunRecord, Status, Writer
from labtop.query.encoded_record import NO_RANKS, RanksSeen
from labtop.store.amending import with_logged
from labtop.store.process import is_gone
from labtop.store.writers import WRITERS, read_writers

_MOST_TOLD = 5


def with_writers(record: RunRecord, folder: Path) -> RunRecord:
    """A record with its writers and what all of them logged; what went wrong is a problem.

    A writer that has gone without a word is `crashed`.
    """
    writers = tuple(_as_seen(each) for each in read_writers(folder))
    if not writers:
        return record
    source = replace(record.source, problems=(*record.source.problems, *_told(writers)))
    return replace(with_logged(record, writers), writers=writers, source=source)


def look_at_ranks(folder: str) -> RanksSeen:
    """What became of the ranks of the run in `folder`: one look at the folder where one process recorded it."""
    if not os.path.isdir(f"{folder}/{WRITERS}"):  # noqa: PTH112 - ten thousand times; Path costs more than the call
        return NO_RANKS
    writers = tuple(_as_seen(each) for each in read_writers(Path(folder)))
    ranks = _ranks(writers)
    return RanksSeen(
        total=_world_size(ranks) if ranks else None,
        dead=sum(map(_is_dead, ranks)),
        told=len(_told(writers)),
        is_settled=all(each.status is not None for each in ranks),
    )


def _ranks(writers: Sequence[Writer]) -> list[Writer]:
    """The ranks of the last start of a launch."""
    latest = max((each.generation for each in writers), default=0)
    return [each for each in writers if each.role == "rank" and each.generation == latest]


def _world_size(ranks: Sequence[Writer]) -> int:
    return max(len(ranks), *(each.world_size or 0 for each in ranks))


def _is_dead(rank: Writer) -> bool:
    return rank.status is Status.CRASHED or rank.error is not None


def _as_seen(writer: Writer) -> Writer:
    if writer.status is None and writer.process is not None and is_gone(writer.process):
        return replace(writer, status=Status.CRASHED)
    return writer


def _told(writers: Sequence[Writer]) -> list[str]:
    """What a person should know of a run's processes: how many ranks died, and of some how."""
    ranks = _ranks(writers)
    dead = [each for each in ranks if _is_dead(each)]
    told = [*map(_death, dead), *_rivals(writers)]
    if len(told) > _MOST_TOLD:
        told = [*told[:_MOST_TOLD], f"and {len(told) - _MOST_TOLD} more processes"]
    size = _world_size(ranks) if ranks else 0
    return [f"{len(dead)} of {size} ranks died", *told] if dead and size > 1 else told


def _rivals(writers: Sequence[Writer]) -> Iterator[str]:
    for each in writers:
        if each.role == "rival":
            yield f"{name_of(each)} records this run too; its points are kept apart (metrics --ranks all)"


def _death(rank: Writer) -> str:
    if rank.error is None or rank.status is Status.CRASHED:
        return f"{name_of(rank)} ended without a word"
    return f"{name_of(rank)} failed: {rank.error.type}: {rank.error.message}"


def name_of(writer: Writer) -> str:
    """A writer in words: `rank 3 (process 4711 on node2)`."""
    process = writer.process
    where = f"process {process.pid} on {process.host}" if process else "a process"
    return f"rank {writer.rank} ({where})" if writer.rank is not None else where
