"""A run's record as it lies in the store: true columns, and one JSON document for each group of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

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


@dataclass(frozen=True, slots=True)
class EncodedRecord:
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

    @property
    def is_final(self) -> bool:
        """Whether the run has ended by its own word."""
        return self.status in ENDS
