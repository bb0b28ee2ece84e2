"""The record of a live run: the one place where facts are added to it, and where recording's troubles end.

Recording never breaks training: what goes wrong is said once and written down as `life.degraded`. Only `strict` raises.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from labtop.errors import LabtopError, RecordingError, UsageError
from labtop.model.run import Artifact, RunRecord
from labtop.recording.capture.redact import Redactor
from labtop.recording.warning import Warnings
from labtop.recording.writing import PointWriter
from labtop.settings import Settings
from labtop.store.writers import what_it_names

_LONGEST_REASON = 2000


class RunFacts:
    """What is known of a live run, and what recording it needs at hand.

    `root` is the top of the repository; `shared` tells whether others may read the store.
    """

    def __init__(
        self,
        record: RunRecord,
        writer: PointWriter,
        redactor: Redactor,
        *,
        root: Path | None = None,
        shared: bool = False,
        strict: bool = False,
        imported_before: frozenset[str] = frozenset(),
        settings: Settings | None = None,
    ) -> None:
        self.record = record
        self.writer = writer
        self.redactor = redactor
        self.root = root
        self.shared = shared
        self.strict = strict
        self.imported_before = imported_before
        self.settings = settings or Settings()
        self.lock = threading.RLock()  # a signal handler may find its own thread in here
        self._warnings = Warnings()

    def set(self, **groups: Any) -> None:
        """Put groups of facts into the record; it is written within a second."""
        with self.lock:
            self.record = replace(self.record, **groups)
            self.writer.set_record(self.record)

    def keep(self, **groups: Any) -> None:
        """Put groups of facts into the record and write it now: what a run rests on survives a `kill -9` at once."""
        self.set(**groups)
        self.writer.flush()

    def add_artifacts(self, logged: Sequence[Artifact]) -> tuple[Artifact, ...]:
        """Put artifacts into the record, each with the rank that logged it; gives them as they are there."""
        with self.lock:
            rank = self.writer.rank or None
            added = tuple(replace(each, rank=rank) if rank else each for each in logged)
            if not self.writer.list_artifacts(added):
                self.trouble(
                    "artifacts", "this process logged too many artifacts: some are kept and not listed"
                )
            named = {what_it_names(each) for each in added}
            # what another rank logged too, and the record had from it, is listed once
            others = (
                each
                for each in self.record.artifacts
                if each.rank == rank or what_it_names(each) not in named
            )
            self.set(artifacts=(*others, *added))
        return added

    def set_life(self, **facts: Any) -> None:
        """Put facts of `life` into the record."""
        with self.lock:
            self.set(life=replace(self.record.life, **facts))

    @contextmanager
    def safely(self, what: str) -> Iterator[None]:
        """The outermost edge of recording: whatever happens inside is said once, unless `strict`."""
        try:
            yield
        except UsageError:
            raise  # the program says what cannot be meant; it never depends on the machine
        except Exception as error:
            if self.strict:
                if isinstance(error, LabtopError):
                    raise
                raise RecordingError(f"{what} failed: {error}") from error
            self.trouble(what, f"{what} failed: {error!r}")

    def trouble(self, key: str, message: str) -> None:
        """Say once that something is missing from the record, and write that down."""
        message = self.redactor.text(message)
        if self.strict:
            raise RecordingError(message)
        if self._warnings.once(key, message):
            with self.lock:
                reasons = "; ".join(filter(None, (self.record.life.degraded, message)))
                self.set_life(degraded=reasons[:_LONGEST_REASON])

    def refuse(self, key: str, message: str) -> None:
        """Say once that the program gave something that is not recorded."""
        message = self.redactor.text(message)
        if self.strict:
            raise RecordingError(message)
        self._warnings.once(key, message)

    def advise(self, message: str) -> None:
        """Say once what the program may want to do; nothing is wrong with the record."""
        self._warnings.once(message, self.redactor.text(message))

    def tell_unknown(self, verb: str, unknown: Mapping[str, Any]) -> None:
        """Say once which keywords of another tracker have no meaning here."""
        if unknown:
            self._warnings.once(f"{verb} keywords", f"{verb}() does not use {', '.join(sorted(unknown))}")

    def after_fork(self) -> None:
        """In a child nobody holds the lock."""
        self.lock = threading.RLock()
