"""A run's record as it lies in the store: true columns, and one JSON document for each group of facts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from labtop.model.run import Status

Document: TypeAlias = str | bytes

DOCUMENTS = (
    "params", "metrics", "life", "command", "code", "data", "randomness", "environment", "hardware", "source",
    "artifacts",
)  # fmt: skip
"""The documents that the table needs; each column costs 20 microseconds a file."""

COLUMNS = ("id", "name", "project", "status", "started_at", "ended_at", *DOCUMENTS)
"""The columns of a record that are read for the table."""

REPEATED = (
    "project",
    "status",
    "code",
    "data",
    "randomness",
    "environment",
    "hardware",
    "source",
    "artifacts",
)
"""Columns whose content is the same in many runs."""

ENDS = frozenset(str(each) for each in Status if each.is_end)
"""The statuses that are an end."""

_LATE_WORD_US = 3_600_000_000  # a rank that says nothing for an hour after its run's end never will


@dataclass(frozen=True, slots=True)
class RanksSeen:
    """What became of the ranks of a run. `told` counts what `show` says of them; settled is that all have ended."""

    total: int | None = None
    dead: int = 0
    told: int = 0
    is_settled: bool = True


NO_RANKS = RanksSeen()
"""Of a run that one process recorded."""


class EncodedRecord(NamedTuple):
    """One record. `folder` is relative to the store, `stamp` identifies the version of the file that was read."""

    folder: str
    stamp: int
    id: str
    name: str
    project: str
    status: str
    started_us: int | None
    ended_us: int | None
    documents: Mapping[str, Document | None]
    ranks: RanksSeen = NO_RANKS

    @classmethod
    def of_row(
        cls, folder: str, stamp: int, row: Sequence[Any], ranks: RanksSeen = NO_RANKS
    ) -> EncodedRecord:
        """A record of the values of its `COLUMNS`, times in microseconds."""
        run_id, name, project, status, started_us, ended_us, *documents = row
        return cls(
            folder=folder,
            stamp=stamp,
            id=run_id,
            name=name or "",
            project=project or "",
            status=status or "",
            started_us=started_us,
            ended_us=ended_us,
            documents=dict(zip(DOCUMENTS, documents, strict=True)),
            ranks=ranks,
        )

    @property
    def is_final(self) -> bool:
        """Whether the run has ended by its own word."""
        return self.status in ENDS

    @property
    def is_settled(self) -> bool:
        """Whether it has ended and no rank of it is still to say how."""
        late = self.ended_us is not None and time.time() * 1e6 - self.ended_us > _LATE_WORD_US
        return self.is_final and (self.ranks.is_settled or late)
