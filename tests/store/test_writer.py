"""The writer of a run: what it leaves on disk, and when."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest

from labtop.model.run import Life, MetricSummary, RunRecord, Status
from labtop.store.faults import Limits
from labtop.store.lasting_number import park
from labtop.store.layout import METRICS, RECORD
from labtop.store.live import fold_live, read_record_live
from labtop.store.reader import list_point_files, read_points, read_record
from labtop.store.writer import RunWriter
from tests.store.runs import FaultyFiles, log_of, new_record, new_writer, wait_for


def folder_of(store: Path) -> Path:
    """The one run in a store."""
    return next(store.glob("*/*/metrics")).parent


def log(writer: RunWriter, first: int, last: int) -> None:
    """Log `loss` and `acc` at steps first … last − 1."""
    for step in range(first, last):
        writer.append(float(step), 1_000_000 * step, {"loss": 1 / (step + 1), "acc": float(step)})


def test_a_point_is_in_the_log_when_append_returns(tmp_path: Path) -> None:
    """Before any thread has done anything."""
    writer = new_writer(tmp_path)
    log(writer, 0, 3)
    points, problems = read_points(folder_of(tmp_path))
    assert [(each.name, each.step, each.seq) for each in points] == [
        ("loss", 0.0, 0), ("acc", 0.0, 1), ("loss", 1.0, 2), ("acc", 1.0, 3), ("loss", 2.0, 4), ("acc", 2.0, 5),
    ]  # fmt: skip
    assert problems == ()
    writer.close()


def test_closing_seals_and_records_the_end(tmp_path: Path) -> None:
    """One sorted part, no log, exact summaries, nothing else."""
    writer = new_writer(tmp_path)
    log(writer, 0, 100)
    writer.append(100.0, 7, {"acc": math.nan})
    assert writer.close(Status.FAILED)
    folder = folder_of(tmp_path)
    assert sorted(each.name for each in folder.iterdir()) == [METRICS, RECORD]
    (part,) = (folder / METRICS).iterdir()
    assert part.name == f"{writer.writer}-00001.parquet"
    rows = pyarrow.parquet.read_table(part).to_pylist()
    assert [(each["name"], each["step"]) for each in rows] == sorted(
        (each["name"], each["step"]) for each in rows
    )
    assert len(rows) == 201
    record = read_record(folder)
    assert record.status is Status.FAILED
    assert record.ended_at is not None
    acc = record.metrics["acc"]
    assert (acc.count, acc.nan_count, acc.last_step, acc.max, acc.mean) == (101, 1, 100.0, 99.0, 49.5)
    assert record.metrics["loss"].count == 100
    assert record.life.written == {writer.writer: 201}


def test_the_first_record_comes_by_itself(tmp_path: Path) -> None:
    """A run is visible although nothing was logged yet, and it beats."""
    writer = new_writer(tmp_path, limits=Limits(tick_s=0.01))
    wait_for((folder_of(tmp_path) / RECORD).exists)
    beat = read_record(folder_of(tmp_path)).life.beat
    assert beat is not None
    assert beat.interval_s >= 1.0
    first = beat.counter
    wait_for(lambda: getattr(read_record(folder_of(tmp_path)).life.beat, "counter", 0) > first)
    writer.close()


def test_flush_brings_the_record_up_to_date(tmp_path: Path) -> None:
    """The summaries of everything logged are on disk when it returns."""
    writer = new_writer(tmp_path)
    log(writer, 0, 10)
    assert writer.flush()
    record = read_record(folder_of(tmp_path))
    assert record.metrics["loss"].count == 10
    assert record.life.written == {writer.writer: 20}
    writer.close()


def test_a_new_record_keeps_summaries_and_gives_goals(tmp_path: Path) -> None:
    """What is given of metrics is their goals, and values that were never logged."""
    writer = new_writer(tmp_path)
    log(writer, 0, 10)
    given = replace(
        writer.record,
        name="other",
        params={"lr": 1.0},
        metrics={"loss": MetricSummary(goal="min"), "best": MetricSummary(last=3.0)},
        life=Life(tags=("t",)),
    )
    writer.set_record(given)
    writer.flush()
    record = read_record(folder_of(tmp_path))
    assert (record.name, record.params, record.life.tags) == ("other", {"lr": 1.0}, ("t",))
    assert (record.metrics["loss"].goal, record.metrics["loss"].count) == ("min", 10)
    assert record.metrics["best"].last == 3.0
    assert record.metrics["acc"].count == 10
    writer.close()


@pytest.mark.parametrize(
    "limits",
    [Limits(tick_s=0.01, seal_points=50), Limits(tick_s=0.01, seal_bytes=500), Limits(tick_s=0.01, seal_s=0)],
)
def test_points_are_sealed_on_the_way(limits: Limits, tmp_path: Path) -> None:
    """After so many points, bytes or seconds; the log goes on under the next number and nothing doubles."""
    writer = new_writer(tmp_path, limits=limits)
    folder = folder_of(tmp_path)
    log(writer, 0, 60)
    wait_for(lambda: len(list_point_files(folder).parts) >= 1)
    log(writer, 60, 120)
    wait_for(lambda: len(list_point_files(folder).parts) >= 2)
    assert len(list((folder / METRICS).glob("*.wal"))) <= 2
    writer.close()
    points, _ = read_points(folder)
    assert [each.seq for each in points] == list(range(240))
    assert not list((folder / METRICS).glob("*.wal"))
    assert sum(pyarrow.parquet.read_metadata(each).num_rows for each in (folder / METRICS).iterdir()) == 240


def test_threads_may_log_at_once(tmp_path: Path) -> None:
    """Each point gets its own number."""
    writer = new_writer(tmp_path, limits=Limits(tick_s=0.005, seal_points=300))
    threads = [threading.Thread(target=log, args=(writer, 0, 250)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    writer.close()
    points, _ = read_points(folder_of(tmp_path))
    assert [each.seq for each in points] == list(range(2000))
    assert read_record(folder_of(tmp_path)).metrics["acc"].count == 1000


def test_tens_of_thousands_of_metrics_in_one_call(tmp_path: Path) -> None:
    """They are split over frames; a name of megabytes is counted as dropped and harms nothing else."""
    writer = new_writer(tmp_path)
    values = {f"layer.{at}.{'x' * 300}": float(at) for at in range(20_000)}
    writer.append(0.0, 1, values)
    writer.append(1.0, 1, {"n" * 5_000_000: 1.0, "ok": 2.0})
    assert len(read_points(folder_of(tmp_path))[0]) == 20_001
    assert writer.dropped == 1
    writer.close()


def test_odd_names_and_numbers(tmp_path: Path) -> None:
    """Lone surrogates become visible, big integers become doubles, and the rest is kept as it is."""
    writer = new_writer(tmp_path)
    writer.append(0, 1, {"\ud800": 2**70, "": True, "\x1b[31m\n": -0.0})
    writer.close()
    points, _ = read_points(folder_of(tmp_path))
    assert [(each.name, repr(each.value)) for each in points] == [
        ("\\ud800", repr(2.0**70)), ("", "1.0"), ("\x1b[31m\n", "-0.0"),
    ]  # fmt: skip


def test_closing_twice_and_logging_after_are_harmless(tmp_path: Path) -> None:
    """Late points are counted, not written into a file that is no longer ours."""
    writer = new_writer(tmp_path)
    log(writer, 0, 1)
    assert writer.close()
    assert writer.close(Status.KILLED)
    log(writer, 1, 2)
    assert writer.dropped == 2
    assert not writer.flush()
    assert read_record(folder_of(tmp_path)).status is Status.FINISHED
    assert len(read_points(folder_of(tmp_path))[0]) == 2


def test_a_resumed_run_goes_on(tmp_path: Path) -> None:
    """A second writer folds on from the record that was read, and nobody's points count twice."""
    record = new_record()
    first = new_writer(tmp_path, record)
    log(first, 0, 10)
    first.flush()
    log(first, 10, 15)  # not folded by its writer: as if it had been killed here
    folder = folder_of(tmp_path)
    second = new_writer(tmp_path, read_record_live(folder))
    log(second, 15, 20)
    second.close()
    ended = read_record(folder)
    assert ended.metrics["acc"].count == 20
    assert ended.metrics["acc"].mean == pytest.approx(9.5)
    assert ended.life.written == {first.writer: 30, second.writer: 10}
    assert len(read_points(folder)[0]) == 40
    first.close()


def test_two_processes_that_resume_one_run_are_told(tmp_path: Path) -> None:
    """Both keep their points; the record says that it was contested."""
    record = new_record()
    first, second = new_writer(tmp_path, record), new_writer(tmp_path, record)
    log(first, 0, 3)
    log(second, 0, 3)
    first.flush()
    second.flush()
    first.flush()
    assert first.degraded is not None
    assert "another process" in first.degraded
    second.close()
    first.close()
    assert len(read_points(folder_of(tmp_path))[0]) == 12


def test_ranks_keep_their_points_and_leave_the_record(tmp_path: Path) -> None:
    """Only the owner writes run.parquet, and its summaries are of its own points."""
    record = new_record()
    owner = new_writer(tmp_path, record)
    ranks = [new_writer(tmp_path, record, owns_record=False) for _ in range(3)]
    for each in (owner, *ranks):
        log(each, 0, 5)
    for each in ranks:
        assert each.close()
    assert read_record_live(folder_of(tmp_path)).metrics["acc"].count == 5
    owner.close()
    points, _ = read_points(folder_of(tmp_path))
    assert len({each.writer for each in points}) == 4
    assert len(points) == 40
    assert read_record(folder_of(tmp_path)).metrics["acc"].count == 5


def test_a_child_after_fork_has_its_own_log(tmp_path: Path) -> None:
    """It never writes to its parent's, does not end the run, and makes no file before it has a point."""
    writer = new_writer(tmp_path, limits=Limits(tick_s=0.01))
    log(writer, 0, 5)
    writer.flush()

    def child_that(does: str) -> int:
        child = os.fork()
        if child == 0:
            try:
                if does == "logs":
                    log(writer, 100, 103)
                elif does == "closes":
                    log(writer, 200, 202)
                    writer.close(Status.KILLED)
                else:
                    writer.flush()
                    writer.close(Status.KILLED)
            finally:
                os._exit(0)
        return os.waitpid(child, 0)[1]

    folder = folder_of(tmp_path)
    before = sorted(each.name for each in (folder / METRICS).iterdir())
    assert child_that("is silent") == 0
    assert sorted(each.name for each in (folder / METRICS).iterdir()) == before
    assert read_record(folder).status is Status.RUNNING
    assert [child_that("logs"), child_that("closes")] == [0, 0]
    log(writer, 5, 10)
    writer.close()
    points, problems = read_points(folder)
    assert problems == ()
    by_writer: dict[str, list[float]] = {}
    for each in points:
        by_writer.setdefault(each.writer, []).append(each.step)
    own = by_writer.pop(writer.writer)
    assert own == [step for step in range(10) for _ in range(2)]
    assert sorted(len(each) for each in by_writer.values()) == [4, 6]
    assert read_record(folder).status is Status.FINISHED
    assert read_record(folder).metrics["acc"].count == 10


def test_a_fork_while_the_lock_is_held_does_not_hang_the_child(tmp_path: Path) -> None:
    """The thread that held it is not there in the child."""
    writer = new_writer(tmp_path)
    with writer._lock, writer._upkeep.tail._lock:
        forked = threading.Event()
        codes: list[int] = []

        def fork() -> None:
            child = os.fork()
            if child == 0:
                log(writer, 0, 1)
                writer.flush()
                os._exit(7)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            forked.set()

        threading.Thread(target=fork, daemon=True).start()
        assert forked.wait(20)
    assert codes == [7]
    writer.close()


def test_a_signal_handler_may_close_in_the_middle_of_append(tmp_path: Path) -> None:
    """Wherever it strikes, what was acknowledged is sealed and the end is recorded, without a deadlock."""
    for attempt in range(12):
        writer = new_writer(tmp_path / str(attempt), limits=Limits(tick_s=0.001, seal_points=400))
        step = 0
        struck_at: list[bool] = []

        def strike(*_: object, writer: RunWriter = writer, struck_at: list[bool] = struck_at) -> None:
            struck_at.append(writer.close(Status.KILLED))

        before = signal.signal(signal.SIGALRM, strike)
        signal.setitimer(signal.ITIMER_REAL, 0.002 + 0.0027 * attempt)
        while not struck_at:
            log(writer, step, step + 1)
            step += 1
        signal.signal(signal.SIGALRM, before)
        assert struck_at == [True]
        record = read_record(folder_of(tmp_path / str(attempt)))
        points, problems = read_points(folder_of(tmp_path / str(attempt)))
        assert problems == ()
        assert record.status is Status.KILLED
        assert len(points) == sum(each.count for each in record.metrics.values())
        assert [each.seq for each in points] == list(range(len(points)))
        assert len(points) >= 2 * (step - 1)


@pytest.mark.parametrize(("durability", "expected"), [("process", 0), ("os", 1), ("sync", 20)])
def test_durability_decides_how_often_the_disk_is_asked(
    durability: str, expected: int, tmp_path: Path
) -> None:
    """Never, now and then, or with each call."""
    files = FaultyFiles()
    writer = new_writer(tmp_path, files=files, durability=durability, owns_record=False)
    wait_for(lambda: writer._lock.acquire(blocking=False))
    writer._lock.release()
    files.calls.clear()
    log(writer, 0, 20)
    writer.flush()
    assert files.calls.count("sync_data") in (expected, expected + 1 if durability == "sync" else expected)
    writer.close()


def test_a_slow_disk_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    """While a flush hangs, points and new records are taken at once."""
    hanging, go_on = threading.Event(), threading.Event()

    class Slow(FaultyFiles):
        def sync_data(self, descriptor: int) -> None:
            hanging.set()
            go_on.wait(120)

    writer = new_writer(tmp_path, files=Slow(), limits=Limits(tick_s=0.005))
    log(writer, 0, 1)
    assert hanging.wait(60)
    slowest = 0.0
    for step in range(1, 200):
        begun = time.perf_counter()
        log(writer, step, step + 1)
        writer.set_record(writer.record)
        slowest = max(slowest, time.perf_counter() - begun)
    go_on.set()
    assert slowest < 20  # a busy machine may take its time over a call, but none waits for the disk
    writer.close()
    assert len(read_points(folder_of(tmp_path))[0]) == 400


def test_a_loop_that_only_logs_makes_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While points are being folded or sealed and too many are queued, and at no other time."""
    pauses: list[float] = []
    writer = new_writer(tmp_path)
    writer.flush()
    monkeypatch.setattr("labtop.store.tail._CROWDED", 10)
    monkeypatch.setattr("labtop.store.tail.time.sleep", pauses.append)
    log(writer, 0, 20)
    assert pauses == []  # nobody computes: a pause would help nobody
    with writer._upkeep._computing():
        log(writer, 20, 22)
    assert len(pauses) == 2
    assert max(pauses) < 0.05
    writer.flush()
    pauses.clear()
    with writer._upkeep._computing():
        log(writer, 22, 24)
    assert pauses == []
    monkeypatch.undo()
    writer.close()
    assert len(read_points(folder_of(tmp_path))[0]) == 48


def test_a_disk_that_hangs_holds_up_neither_flush_nor_end_for_long(tmp_path: Path) -> None:
    """As long as one is willing to wait; the record says that the disk did not answer, and nothing is lost."""
    hanging, go_on = threading.Event(), threading.Event()

    class Slow(FaultyFiles):
        def sync_data(self, descriptor: int) -> None:
            hanging.set()
            go_on.wait(30)  # half a minute, if nobody lets it go

    warnings: list[str] = []
    writer = new_writer(tmp_path, files=Slow(), limits=Limits(tick_s=0.005), warnings=warnings)
    log(writer, 0, 5)
    assert hanging.wait(10)
    begun = time.monotonic()
    assert writer.flush(patience_s=0.01) is False
    assert writer.close(patience_s=0.01) is False
    assert time.monotonic() - begun < 10
    assert len(warnings) == 1
    assert "does not answer" in warnings[0]
    assert len(read_points(folder_of(tmp_path))[0]) == 10
    log(writer, 5, 6)
    go_on.set()
    assert writer.close()
    assert "does not answer" in str(read_record(folder_of(tmp_path)).life.degraded)
    assert len(read_points(folder_of(tmp_path))[0]) == 12


def test_the_end_does_not_wait_until_the_disk_has_freed_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where freed blocks are trimmed at once that takes tens of milliseconds; the log has no name any more by then."""
    freeing, go_on, parked = threading.Event(), threading.Event(), threading.Event()

    def slowly(number: int) -> None:
        freeing.set()
        go_on.wait(60)
        park(number)
        parked.set()

    monkeypatch.setattr("labtop.store.tail.park", slowly)
    writer = new_writer(tmp_path)
    log(writer, 0, 5)
    assert writer.close()
    assert [*tmp_path.rglob("*.wal")] == []
    assert not parked.is_set()
    assert freeing.wait(60)
    go_on.set()
    assert parked.wait(60)


def test_after_the_end_nothing_is_written_or_kept(tmp_path: Path) -> None:
    """Neither in a file nor in memory, however it is logged; what came too late is counted."""
    writer = new_writer(tmp_path)
    log(writer, 0, 5)
    assert writer.close()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    tail = writer._upkeep.tail
    quick = log_of(tail)
    log(writer, 5, 10)
    quick.log({"loss": 0.5}, 11)
    quick.log({"loss": 0.25}, 12)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert (tail.next_seq, tail.queued, len(tail._fresh)) == (10, 0, 0)
    assert writer.dropped == 12
    assert writer.close()
    assert read_record(folder_of(tmp_path)).life.dropped == 0


def test_a_queue_that_nobody_empties_stays_bounded(tmp_path: Path) -> None:
    """What has no room in memory is in the log, and is folded and sealed from there."""
    hanging, go_on = threading.Event(), threading.Event()

    class Slow(FaultyFiles):
        def sync_data(self, descriptor: int) -> None:
            hanging.set()
            go_on.wait(20)

    writer = new_writer(tmp_path, files=Slow(), limits=Limits(tick_s=0.005, most_waiting=50))
    assert hanging.wait(10)
    log(writer, 0, 500)
    assert len(writer._upkeep.tail._fresh) <= 26
    go_on.set()
    log(writer, 500, 510)
    assert writer.close()
    assert writer.dropped == 0
    points, _ = read_points(folder_of(tmp_path))
    assert [each.seq for each in points] == list(range(1020))
    assert read_record(folder_of(tmp_path)).metrics["acc"].count == 510


def test_files_are_private_unless_the_store_is_shared(tmp_path: Path) -> None:
    """0700 and 0600."""
    before = os.umask(0)
    try:
        writer = new_writer(tmp_path / "s")
        log(writer, 0, 2)
        writer.close()
    finally:
        os.umask(before)
    for path in (tmp_path / "s").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_live_record_is_exact_between_two_rewrites(tmp_path: Path) -> None:
    """A reader folds what the writer had not, and only that."""
    writer = new_writer(tmp_path)
    log(writer, 0, 10)
    writer.flush()
    log(writer, 10, 17)
    folder = folder_of(tmp_path)
    behind = read_record(folder)
    assert behind.metrics["acc"].count == 10
    live = fold_live(behind, folder)
    assert live.metrics["acc"] == replace(live.metrics["acc"], count=17, last=16.0, last_step=16.0, max=16.0)
    assert live.life.written == {writer.writer: 34}
    assert fold_live(live, folder) == live
    writer.close()
    assert read_record(folder).metrics["acc"] == live.metrics["acc"]


def test_the_record_type_is_what_is_read(tmp_path: Path) -> None:
    """What `record` says is what the next rewrite writes."""
    writer = new_writer(tmp_path)
    log(writer, 0, 3)
    writer.flush()
    assert isinstance(writer.record, RunRecord)
    assert writer.record.metrics == read_record(folder_of(tmp_path)).metrics
    writer.close()
