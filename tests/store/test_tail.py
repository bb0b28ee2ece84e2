"""The way of points that has no lock: numbers, order, and a descriptor that never leads to another's file."""

from __future__ import annotations

import errno
import math
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from labtop.errors import RecordingError
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.points import PointLog
from labtop.recording.values import ValueLog
from labtop.store import lasting_number
from labtop.store.lasting_number import another_number, park, redirect
from labtop.store.layout import METRICS
from labtop.store.tail import Tail
from labtop.store.wal import PointFrame, WalWriter, read_wal
from labtop.store.writer import RunWriter
from tests.store.runs import FaultyFiles, new_writer

THREADS, CALLS = 4, 1500


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Quick(NamedTuple):
    """A run whose points take the quick way, with nobody else at its tail."""

    points: PointLog
    writer: RunWriter
    tail: Tail

    def new_log(self, number: int) -> WalWriter:
        """Another log beside the first."""
        return WalWriter(self.tail.wal.path.with_name(f"other-{number:05d}.wal"), "run", "w")


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Quick]:
    """A run in a store of its own; its upkeep waits."""
    writer = new_writer(tmp_path, strict=True)
    with writer._lock:
        facts = RunFacts(writer.record, writer, Redactor.build({}, ()), strict=True)
        points = PointLog(facts, ValueLog(facts, writer.folder))
        points.log({"thread": 0.0, "at": 0.0})  # the first of a name is looked at
        tail = writer.quick_tail
        assert tail is not None
        assert tail.take() is not None
        yield Quick(points, writer, tail)
    writer.close()


@pytest.mark.usefixtures("hasty")
def test_threads_never_share_a_number(quick: Quick) -> None:
    """Several threads log by both ways while the logs are changed: what is handed over is whole, in order, once."""
    points, writer, tail = quick
    first = tail.next_seq

    def log(thread: int) -> None:
        for at in range(CALLS):
            values = {"thread": float(thread), "at": float(at)}
            if at % 10:
                points.log(values, step=at)
            else:
                writer.append(at, 1, values)

    threads = [threading.Thread(target=log, args=(each,)) for each in range(THREADS)]
    for each in threads:
        each.start()
    taken: list[PointFrame] = []
    logs = [tail.wal]
    while any(each.is_alive() for each in threads):
        new = quick.new_log(len(logs)) if len(logs) < 20 else None
        found = tail.swap(new) if new else tail.take()
        if new:
            logs.append(new)
        taken += found.frames if found else []
    last = tail.take()
    taken += last.frames if last else []

    assert [each.seq for each in taken] == list(range(first, first + 2 * THREADS * CALLS, 2))
    for thread in range(THREADS):
        own = [each.values["at"] for each in taken if each.values["thread"] == thread]
        assert own == [float(at) for at in range(CALLS)]
    written = [frame.seq for log in logs for frame in read_wal(log.path).frames if frame.seq >= first]
    assert sorted(written) == [each.seq for each in taken]
    for wal in logs[:-1]:
        wal.close()


def test_who_comes_late_writes_into_the_log_of_now(quick: Quick, tmp_path: Path) -> None:
    """A descriptor that was read before the log changed leads to the new one, whatever else was opened meanwhile."""
    tail = quick.tail
    late, before = tail.descriptor, tail.wal
    new = quick.new_log(1)
    assert tail.swap(new) is not None
    before.close()
    others = [os.open(tmp_path / f"other{at}", os.O_WRONLY | os.O_CREAT) for at in range(3)]
    os.write(late, b"late")
    assert new.path.read_bytes().endswith(b"late")
    tail.let_go(waits=True)
    os.write(late, b"too late")
    assert new.path.read_bytes().endswith(b"late")
    assert not new.path.read_bytes().endswith(b"too late")
    assert not any((tmp_path / f"other{at}").stat().st_size for at in range(3))
    for each in others:
        os.close(each)


def test_a_number_rests_before_it_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new run does not get the number of one that has just ended; a later one does, so that they stay few."""
    monkeypatch.setattr(lasting_number, "_parked", deque())
    file = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    number = another_number(file)
    assert number not in (-1, file)
    park(number)
    second = another_number(file)
    assert second != number
    monkeypatch.setattr(lasting_number, "_RESTS_S", 0.0)
    assert another_number(file) == number
    redirect(number, -1)  # nothing to lead to: it stays as it is
    os.write(number, b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    for each in (file, number, second):
        os.close(each)


def test_every_point_is_numbered_and_written_before_log_returns(quick: Quick) -> None:
    """By the quick way, and where it is closed: values that it cannot hold, a call that wakes the upkeep."""
    points, _, tail = quick

    def written() -> list[PointFrame]:
        return [frame for frame in read_wal(tail.wal.path).frames if frame.seq >= 2]

    points.log({"at": 1.0})
    points.log({"at": 2, "thread": 2**63})
    points.log({"at": 2**80, "thread": True})
    points.log({"at": 3.0}, step=10**400)
    points.log({"at": math.nan}, step=7)
    tail.wake_at = tail.next_seq
    points.log({"at": 5.0})
    assert tail.wake.is_set()
    points.log({})
    points.log({"at": 6.0})
    found = written()
    assert [[*each.values.values()] for each in found][:4] == [[1.0], [2.0, 2.0**63], [2.0**80, 1.0], [3.0]]
    assert {type(value) for each in found for value in each.values.values()} == {float}
    assert [each.values["at"] for each in found][5:] == [5.0, 6.0]
    assert [each.step for each in found] == [1, 2, 3, sys.float_info.max, 7, 8, 10]
    assert [each.seq for each in found] == [2, 3, 5, 7, 8, 9, 10]


def test_points_wait_in_the_queue_while_there_is_trouble(quick: Quick) -> None:
    """A log that could not be written to is left alone until it is mended."""
    points, _, tail = quick
    tail.trouble = OSError("no room")
    size = tail.wal.size
    points.log({"at": 1.0})
    assert (tail.wal.size, tail.queued) == (size, 1)
    new = quick.new_log(1)
    assert tail.mend(new)
    points.log({"at": 2.0})
    assert [each.values["at"] for each in read_wal(new.path).frames] == [1.0, 2.0]


def test_a_log_that_fails_is_noticed_at_once(quick: Quick) -> None:
    """The point that could not be written waits in the queue; a strict run raises."""
    points, _, tail = quick

    def write(_: int, __: object) -> int:
        raise OSError(errno.EIO, "injected")

    tail.write = write
    with pytest.raises(RecordingError, match="injected"):
        points.log({"at": 1.0})
    assert tail.queued == 1
    assert isinstance(tail.trouble, OSError)
    assert tail.mend(quick.new_log(1))


def test_a_point_that_comes_late_is_flushed_too(tmp_path: Path) -> None:
    """Who took a number before a flush may write after it: the next round flushes once more, and then no more."""
    writer = new_writer(tmp_path, files=(files := FaultyFiles()))
    with writer._lock:
        writer._upkeep.tick()
        writer.append(1.0, 1, {"at": 1.0})
        counts = []
        for _ in range(4):
            before = files.calls.count("sync_data")
            writer._upkeep._secure()
            counts.append(files.calls.count("sync_data") - before)
    assert counts == [1, 1, 0, 0]
    writer.close()


def test_a_log_that_is_left_at_the_end_is_flushed(tmp_path: Path) -> None:
    """Where points cannot be sealed, the log that keeps them is on the disk when the run has ended."""

    class NoParts(FaultyFiles):
        def rename(self, old: Path, new: Path) -> None:
            if new.parent.name == METRICS:
                raise OSError(errno.ENOSPC, "no room")
            super().rename(old, new)

    writer = new_writer(tmp_path, files=(files := NoParts()))
    facts = RunFacts(writer.record, writer, Redactor.build({}, ()))
    points = PointLog(facts, ValueLog(facts, writer.folder))
    points.log({"at": 0.0})
    for _ in range(3):
        writer.flush()
    points.log({"at": 1.0})
    (log,) = (writer.folder / METRICS).glob("*.wal")
    identity, synced = log.stat().st_ino, []
    files.sync_data = lambda descriptor: synced.append(os.fstat(descriptor).st_ino)  # type: ignore[method-assign]
    writer.close()
    assert identity in synced
    assert [each.values["at"] for each in read_wal(log).frames] == [0.0, 1.0]
