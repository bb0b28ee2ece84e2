"""The way of points that has no lock: numbers, order, and a descriptor that never leads to another's file."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtop.store import lasting_number
from labtop.store.lasting_number import another_number, park, redirect
from labtop.store.tail import Tail
from labtop.store.wal import PointFrame, WalWriter, read_wal

THREADS, CALLS = 4, 1500


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def new_tail(folder: Path) -> Tail:
    """A tail on a log of its own."""
    log = WalWriter(folder / "w-00001.wal", "run", "w")
    tail = Tail(log, sync_each=False, strict=True, most_waiting=1_000_000)
    tail.wake_at = 2**62
    return tail


@pytest.mark.usefixtures("hasty")
def test_threads_never_share_a_number(tmp_path: Path) -> None:
    """Several threads log by both ways while the logs are changed: what is handed over is whole, in order, once."""
    tail = new_tail(tmp_path)
    quick = [0] * THREADS

    def log(thread: int) -> None:
        for at in range(CALLS):
            values = {"thread": float(thread), "at": float(at)}
            if at % 10 and tail.append_quickly(at, values):
                quick[thread] += 1
            else:
                tail.append(at, 1, values)

    threads = [threading.Thread(target=log, args=(each,)) for each in range(THREADS)]
    for each in threads:
        each.start()
    taken: list[PointFrame] = []
    logs = [tail.wal]
    while any(each.is_alive() for each in threads):
        new = WalWriter(tmp_path / f"w-{len(logs) + 1:05d}.wal", "run", "w") if len(logs) < 20 else None
        found = tail.swap(new) if new else tail.take()
        if new:
            logs.append(new)
        taken += found.frames if found else []
    last = tail.take()
    taken += last.frames if last else []

    assert [each.seq for each in taken] == list(range(0, 2 * THREADS * CALLS, 2))
    assert tail.next_seq == 2 * THREADS * CALLS
    for thread in range(THREADS):
        own = [each.values["at"] for each in taken if each.values["thread"] == thread]
        assert own == [float(at) for at in range(CALLS)]
    assert sum(quick) > THREADS * CALLS // 2 or sys.gettrace() is not None
    written = {frame.seq for log in logs for frame in read_wal(log.path).frames}
    assert written == {each.seq for each in taken}
    for wal in logs:
        wal.close()
    tail.let_go()


def test_who_comes_late_writes_into_the_log_of_now(tmp_path: Path) -> None:
    """A descriptor that was read before the log changed leads to the new one, whatever else was opened meanwhile."""
    tail = new_tail(tmp_path)
    late, before = tail.descriptor, tail.wal
    new = WalWriter(tmp_path / "w-00002.wal", "run", "w")
    assert tail.swap(new) is not None
    before.close()
    others = [os.open(tmp_path / f"other{at}", os.O_WRONLY | os.O_CREAT) for at in range(3)]
    os.write(late, b"late")
    assert new.path.read_bytes().endswith(b"late")
    tail.let_go()
    new.close()
    os.write(late, b"too late")
    assert not any((tmp_path / f"other{at}").stat().st_size for at in range(3))
    assert new.path.read_bytes().endswith(b"late")
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


def test_the_quick_way_is_closed_when_care_is_needed(tmp_path: Path) -> None:
    """Trouble, values that a frame cannot hold as they are, a call that has to wake the upkeep, the end."""
    tail = new_tail(tmp_path)
    tail.trouble = OSError("no room")
    assert not tail.append_quickly(0, {"a": 1.0})
    tail.trouble = None
    if sys.gettrace() is None:
        assert tail.append_quickly(0, {"a": 1.0})
    assert not tail.append_quickly(10**400, {"a": 1.0})
    assert not tail.append_quickly(1, {"\ud800": 1.0})
    assert not tail.append_quickly(1, {f"{'long' * 1000}{at}": 1.0 for at in range(1100)})
    tail.wake_at = tail.next_seq
    assert not tail.append_quickly(1, {"a": 1.0})
    tail.append(1, 1, {"a": 1.0})
    assert tail.wake.is_set()
    tail.wal.close()
    tail.let_go()
    assert not tail.append_quickly(2, {"a": 1.0})
