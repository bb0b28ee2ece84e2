"""What a live run needs of a writer, and the one that writes nothing, for `mode="disabled"`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from labtop.model.run import Artifact, RunRecord, Status

if TYPE_CHECKING:
    from labtop.store.tail import Tail


class PointWriter(Protocol):
    """`labtop.store.writer.RunWriter`, as far as it is used."""

    @property
    def record(self) -> RunRecord:
        """The record as it would be written now."""

    @property
    def folder(self) -> Path | None:
        """Where the run is written now; None for nowhere."""

    @property
    def writer(self) -> str:
        """The identity of this writer."""

    @property
    def owns_record(self) -> bool:
        """Whether facts that are given here get into the record."""

    @property
    def rank(self) -> int | None:
        """The rank of this process, where it is one of several."""

    @property
    def quick_tail(self) -> Tail | None:
        """What plain points may go to without `append`; None where that has to be asked."""

    def append(self, step: float, time_us: int, values: Mapping[str, float], /) -> None:
        """Write points."""

    def list_artifacts(self, logged: Sequence[Artifact], /) -> bool:
        """Say which artifacts this process logged; False when they are too many."""

    def set_record(self, record: RunRecord, /) -> None:
        """Take a new record."""

    def flush(self) -> bool:
        """Write everything now."""

    def close(self, status: Status = ..., ended_at: datetime | None = ...) -> bool:
        """Write the end."""


class NoWriter:
    """Remembers the record and forgets the points."""

    folder: Path | None = None
    writer = ""
    owns_record = True
    rank: int | None = None
    quick_tail: Tail | None = None

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    def append(self, step: float, time_us: int, values: Mapping[str, float], /) -> None:
        """Forget points."""

    def list_artifacts(self, logged: Sequence[Artifact], /) -> bool:
        """Nothing is listed."""
        return True

    def set_record(self, record: RunRecord, /) -> None:
        """Remember a record."""
        self.record = record

    def flush(self) -> bool:
        """Nothing to do."""
        return True

    def close(self, status: Status = Status.FINISHED, ended_at: datetime | None = None) -> bool:
        """Nothing to do."""
        return True
