"""How a run stands, as a reader sees it; the reader's clock is turned by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from labtop.model.run import Beat, Life, Process, RunRecord, Status
from labtop.store.process import is_gone, process_started, this_boot_id, this_process
from labtop.store.status import BeatHistory, beat_limit_s, infer_status
from tests.store.runs import new_record


class Clock:
    """Seconds that pass only when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The reader's clock."""
    return Clock()


@pytest.fixture
def seen(clock: Clock) -> BeatHistory:
    """The reader's memory."""
    return BeatHistory(clock, lambda: NOW)


NOW = 1_800_000_000.0  # what the reader's calendar says
ELSEWHERE = Process(host="elsewhere", pid=1, boot_id="b", pid_started=1.0)


def beating(
    counter: int,
    process: Process | None = ELSEWHERE,
    interval_s: float = 10.0,
    at: float | None = None,
) -> RunRecord:
    """A running run at a beat."""
    beat = Beat(counter=counter, interval_s=interval_s, at=at)
    return replace(RECORD, life=Life(beat=beat, process=process))


RECORD = new_record()


@pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED, Status.KILLED, Status.UNKNOWN])
def test_a_recorded_end_is_the_end(status: Status, seen: BeatHistory) -> None:
    """Whatever the process does."""
    assert infer_status(replace(RECORD, status=status), seen) is status


def test_running_lost_and_running_again(clock: Clock, seen: BeatHistory) -> None:
    """A process that is stopped for ten minutes is lost and found, never failed."""
    assert infer_status(beating(1), seen) is Status.RUNNING
    clock.now += 149
    assert infer_status(beating(1), seen) is Status.RUNNING
    clock.now += 2
    assert infer_status(beating(1), seen) is Status.LOST
    clock.now += 600
    assert infer_status(beating(1), seen) is Status.LOST
    assert infer_status(beating(2), seen) is Status.RUNNING
    clock.now += 100
    assert infer_status(beating(2), seen) is Status.RUNNING


def test_a_long_interval_is_given_its_time(clock: Clock, seen: BeatHistory) -> None:
    """Four beats may be missed."""
    assert beat_limit_s(Beat(interval_s=1.0)) == 150
    infer_status(beating(1, interval_s=100.0), seen)
    clock.now += 399
    assert infer_status(beating(1, interval_s=100.0), seen) is Status.RUNNING
    clock.now += 2
    assert infer_status(beating(1, interval_s=100.0), seen) is Status.LOST


@pytest.mark.parametrize("shift_s", [-3 * 3600.0, 3 * 3600.0])
def test_other_clocks_do_not_count(shift_s: float, seen: BeatHistory) -> None:
    """A beat that seems three hours old, or from the future, belongs to a run that may live."""
    assert infer_status(beating(1, at=NOW + shift_s), seen) is Status.RUNNING


def test_a_record_of_last_week_is_lost_at_first_sight(clock: Clock, seen: BeatHistory) -> None:
    """And running again when it moves."""
    last_week = NOW - 7 * 86_400.0
    assert infer_status(beating(1, at=last_week), seen) is Status.LOST
    assert infer_status(beating(1, at=last_week), seen) is Status.LOST
    assert infer_status(beating(2, at=NOW), seen) is Status.RUNNING


def test_this_process_is_running(seen: BeatHistory) -> None:
    """The test's own."""
    assert is_gone(this_process()) is False
    assert infer_status(beating(1, this_process()), seen) is Status.RUNNING


def test_a_process_that_ended_is_crashed_at_once(seen: BeatHistory) -> None:
    """No waiting for beats on the same host."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = replace(this_process(), pid=child.pid, pid_started=process_started(child.pid))
        assert infer_status(beating(1, process), seen) is Status.RUNNING
        child.communicate(b"\n")
    assert infer_status(beating(1, process), seen) is Status.CRASHED


def test_a_reused_process_number_is_another_process(seen: BeatHistory) -> None:
    """The same number, started at another time."""
    process = this_process()
    assert process.pid_started is not None
    other = replace(process, pid_started=process.pid_started - 100)
    assert infer_status(beating(1, other), seen) is Status.CRASHED


@pytest.mark.skipif(this_boot_id() is None, reason="this system does not name its boots")
def test_another_boot_means_crashed(seen: BeatHistory) -> None:
    """The machine was restarted since, whoever has the number now."""
    assert infer_status(beating(1, replace(this_process(), boot_id="another")), seen) is Status.CRASHED


def test_a_zombie_is_gone(seen: BeatHistory) -> None:
    """A process that was killed and not waited for is not alive."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    process = replace(this_process(), pid=child, pid_started=process_started(child))
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert infer_status(beating(1, process), seen) is Status.CRASHED
    os.waitpid(child, 0)


def test_a_moving_beat_belies_a_missing_process(clock: Clock, seen: BeatHistory) -> None:
    """A container of the same host name has process numbers of its own."""
    process = replace(this_process(), pid=2**22 - 1, pid_started=1.0)
    assert infer_status(beating(1, process), seen) is Status.CRASHED
    assert infer_status(beating(1, process), seen) is Status.CRASHED
    assert infer_status(beating(2, process), seen) is Status.RUNNING
    assert infer_status(beating(2, process), seen) is Status.RUNNING
    clock.now += 1000
    assert infer_status(beating(2, process), seen) is Status.LOST


def test_a_run_without_beat_or_process_is_given_its_time(clock: Clock, seen: BeatHistory) -> None:
    """Handmade records too."""
    record = replace(RECORD, life=Life())
    assert infer_status(record, seen) is Status.RUNNING
    clock.now += 151
    assert infer_status(record, seen) is Status.LOST


def test_a_process_that_is_not_shown_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others' processes where they are hidden or refused, and a `/proc` that is shut: nobody can tell."""
    import psutil

    known = this_process()

    def refused(_: int) -> psutil.Process:
        raise psutil.AccessDenied

    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    def not_ours(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    def shut() -> float:
        raise FileNotFoundError(2, "No such file or directory", "/proc/stat")

    with monkeypatch.context() as changed:
        changed.setattr(psutil, "Process", refused)
        assert is_gone(known) is None
        assert process_started(os.getpid()) is None
    with monkeypatch.context() as changed:
        changed.setattr(psutil, "Process", hidden)
        assert is_gone(replace(known, pid=2**22 + 1)) is True
        changed.setattr(os, "kill", not_ours)
        assert is_gone(known) is None
    with monkeypatch.context() as changed:
        changed.setattr(psutil, "boot_time", shut)
        assert is_gone(known) is None
        assert this_process().pid_started is None
    assert is_gone(known) is False
