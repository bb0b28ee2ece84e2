"""What the tests of the store share: writers on a small clock, and a file layer that fails on demand."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from labtop.model.run import RunRecord
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.points import PointLog
from labtop.recording.values import ValueLog
from labtop.recording.writing import NoWriter
from labtop.store.faults import Limits
from labtop.store.files import Files
from labtop.store.layout import create_store, new_run_id, run_folder
from labtop.store.process import this_process
from labtop.store.tail import Tail
from labtop.store.writer import RunWriter

STILL = Limits(
    tick_s=3600.0, last_pauses_s=(0.0,) * 5
)  # the thread makes one round and sleeps; the test makes the others


def new_record(project: str = "p") -> RunRecord:
    """A run that begins now."""
    from labtop.model.run import Life

    return RunRecord(
        id=new_run_id(),
        name="run",
        project=project,
        started_at=datetime.now(UTC),
        life=Life(process=this_process()),
    )


def new_writer(
    store: Path,
    record: RunRecord | None = None,
    *,
    files: Files | None = None,
    limits: Limits = STILL,
    warnings: list[str] | None = None,
    durability: str = "os",
    strict: bool = False,
    owns_record: bool = True,
) -> RunWriter:
    """A writer of a new run in `store`."""
    create_store(store)
    record = record or new_record()
    said = [] if warnings is None else warnings
    return RunWriter(
        run_folder(store, record.project, record.id),
        record,
        files=files or Files(),
        limits=limits,
        warn=said.append,
        durability=durability,  # type: ignore[arg-type]  # parametrised tests hold it as text
        strict=strict,
        owns_record=owns_record,
    )


def seal_now(writer: RunWriter) -> None:
    """Seal what was logged so far, as a minute or 50,000 points would."""
    upkeep = writer._upkeep
    with writer._lock:
        upkeep._absorb(upkeep.tail.take(), upkeep.tail.wal)
        upkeep._roll()
        upkeep._seal_waiting()


def wait_for(condition: Callable[[], bool], patience_s: float = 10.0) -> None:
    """Return as soon as a thing that another thread or process does has happened."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


class FaultyFiles(Files):
    """Fails the calls numbered in `failing` (from 0, all kinds counted together) with `error`; `short` writes half."""

    def __init__(
        self, failing: Sequence[int] | range = (), error: int = errno.ENOSPC, short: bool = False
    ) -> None:
        self.failing = failing
        self.error = error
        self.short = short
        self.calls: list[str] = []

    def _count(self, name: str) -> bool:
        self.calls.append(name)
        return len(self.calls) - 1 in self.failing

    def _maybe_fail(self, name: str) -> None:
        if self._count(name):
            raise OSError(self.error, f"injected into {name}")

    def write(self, descriptor: int, content: bytes | memoryview) -> int:  # type: ignore[override]  # static above
        if self._count("write"):
            if self.short and len(content) > 1:
                return self.deliver(descriptor, content[: len(content) // 2])
            raise OSError(self.error, "injected into write")
        return self.deliver(descriptor, content)

    def deliver(self, descriptor: int, content: bytes | memoryview) -> int:
        """Write for real."""
        return os.write(descriptor, content)

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self._maybe_fail("open")
        return super().open(path, flags, mode)

    def sync_data(self, descriptor: int) -> None:
        self._maybe_fail("sync_data")  # counted, not done: a test needs not wait for a disk

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._maybe_fail("close")

    def rename(self, old: Path, new: Path) -> None:
        self._maybe_fail("rename")
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._maybe_fail("unlink")
        super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        self._maybe_fail("sync_folder")


class Killed(BaseException):
    """The process is gone: nothing that it would do afterwards happens."""


class OnlyTail(NoWriter):
    """A writer of a run whose upkeep is done by hand: its points go where they would go."""

    def __init__(self, tail: Tail) -> None:
        super().__init__(new_record())
        self.quick_tail = tail

    def append(self, step: float, time_us: int, values: Mapping[str, float], /) -> None:
        """As the writer does it."""
        assert self.quick_tail is not None
        self.quick_tail.append(step, time_us, values)


def log_of(tail: Tail, strict: bool = False) -> PointLog:
    """What `Run.log` calls, over a tail: points take the way that they take in a training loop."""
    facts = RunFacts(new_record(), OnlyTail(tail), Redactor(), strict=strict)
    return PointLog(facts, ValueLog(facts, Path()))
