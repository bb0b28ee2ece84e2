"""Disks that fail: every call of the file layer fails once, in a loop until a pass is clean.

No thread here: the rounds are made by hand, so that the numbers of the calls are the same each time.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.errors import RecordingError
from labtop.model.run import Status
from labtop.store.faults import Limits
from labtop.store.layout import METRICS, RECORD, make_folders
from labtop.store.live import read_record_live
from labtop.store.reader import list_point_files, read_part_points, read_points, read_record
from labtop.store.record_file import Durability, Identity
from labtop.store.upkeep import Upkeep
from tests.store.runs import FaultyFiles, Killed, log_of, new_record, new_writer

LIMITS = Limits(seal_points=10, longest_pause_s=0.0, last_pauses_s=(0.0,) * 5)
STEPS = 11
EXPECTED = [(name, float(step)) for step in range(STEPS) for name in ("a", "b")]


class Story:
    """A short run: a few steps of two metrics, sealed on the way and at the end."""

    def __init__(
        self, folder: Path, files: FaultyFiles, durability: Durability = "os", strict: bool = False
    ) -> None:
        make_folders(folder / METRICS)
        self.folder = folder
        self.warnings: list[str] = []
        self.acknowledged = 0
        identity = Identity(
            folder=folder, run_id=folder.name, writer="w" * 10, durability=durability, strict=strict
        )
        self.upkeep = Upkeep(identity, new_record(), files, LIMITS, self.warnings.append)
        self.points = log_of(self.upkeep.tail, strict)

    def log(self, step: int) -> None:
        """As `Run.log` does it; every third step as numbers go that are not plain."""
        values = {"a": float(step), "b": -float(step)}
        if step % 3 == 0:
            self.upkeep.tail.append(float(step), step, values)
        else:
            self.points.log(values, step=step)

    def steps(self) -> Iterator[int]:
        """Log step by step, with a round after every fourth."""
        for step in range(STEPS):
            self.log(step)
            self.acknowledged += 2
            if step % 4 == 3:
                self.upkeep.tick()
            yield step

    def tell(self) -> bool:
        """The whole story; True when its end says that all was written."""
        for _ in self.steps():
            pass
        self.upkeep.record.give(replace(self.upkeep.record.given, status=Status.FINISHED))
        return self.upkeep.finish()


def points_of(folder: Path) -> list[tuple[str, float]]:
    """Names and steps in logged order; a wrong value fails here."""
    points, _ = read_points(folder)
    assert all(abs(each.value) == each.step for each in points)
    return [(each.name, each.step) for each in sorted(points, key=lambda each: each.seq)]


@pytest.mark.parametrize("durability", ["process", "os", "sync"])
@pytest.mark.parametrize(("error", "calls_failing"), [(errno.ENOSPC, 1), (errno.EIO, 1), (errno.EDQUOT, 3)])
def test_any_call_may_fail_and_nothing_is_lost(
    error: int, calls_failing: int, durability: Durability, tmp_path: Path
) -> None:
    """One failure, or a few in a row, anywhere: no exception, no point lost or doubled, and it is told once."""
    for number in range(1000):
        files = FaultyFiles(failing=range(number, number + calls_failing), error=error)
        story = Story(tmp_path / str(number), files, durability)
        is_done = story.tell()
        assert points_of(story.folder) == EXPECTED, number
        assert story.upkeep.tail.dropped == 0
        assert len(story.warnings) <= 1
        if number >= len(files.calls):
            assert is_done
            assert not story.warnings
            break
    else:
        pytest.fail("no clean pass")
    assert number > 20
    record = read_record(story.folder)
    assert record.metrics["a"].count == STEPS


@pytest.mark.parametrize("durability", ["process", "os", "sync"])
def test_any_call_may_fail_when_strict(durability: Durability, tmp_path: Path) -> None:
    """Each failure of a log raises into the loop; who goes on all the same has lost nothing either."""
    raised = 0
    for number in range(1000):
        files = FaultyFiles(failing=range(number, number + 1))
        story = Story(tmp_path / str(number), files, durability, strict=True)
        for step in range(STEPS):
            try:
                story.log(step)
            except RecordingError as error:
                raised += "injected" in str(error)
            if step % 4 == 3:
                story.upkeep.tick()
        story.upkeep.finish()
        assert points_of(story.folder) == EXPECTED, number
        if number >= len(files.calls):
            break
    else:
        pytest.fail("no clean pass")
    assert raised >= STEPS


def test_any_write_may_be_short_and_nothing_is_lost(tmp_path: Path) -> None:
    """A short write has no error; what is left out must be written all the same."""
    for number in range(1000):
        files = FaultyFiles(failing=range(number, number + 1), short=True)
        story = Story(tmp_path / str(number), files)
        story.tell()
        assert points_of(story.folder) == EXPECTED
        assert read_record(story.folder).metrics["a"].count == STEPS
        if number >= len(files.calls):
            break


def test_a_failing_disk_is_marked_in_the_record(tmp_path: Path) -> None:
    """The record says that it was degraded, and why, also after it recovered."""
    story = Story(tmp_path / "r", files := FaultyFiles())
    steps = story.steps()
    next(steps)
    files.failing = range(len(files.calls), len(files.calls) + 4)
    for _ in steps:
        pass
    story.upkeep.finish()
    degraded = read_record(story.folder).life.degraded
    assert degraded is not None
    assert "injected" in degraded
    assert story.warnings
    assert points_of(story.folder) == EXPECTED


def test_a_mended_log_has_everything_again(tmp_path: Path) -> None:
    """Also what is logged while it is being mended: from then on the process may be killed."""

    class Busy(FaultyFiles):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            if path.name.endswith("00002.wal"):
                story.upkeep.tail.append(3.0, 3, {"a": 3.0, "b": -3.0})
            return super().open(path, flags, mode)

    story = Story(tmp_path / "r", files := Busy())
    for step in range(3):
        if step == 1:
            files.failing = range(len(files.calls), len(files.calls) + 1)
        story.log(step)
    assert len(points_of(story.folder)) == 2
    story.upkeep.tick()
    assert points_of(story.folder) == EXPECTED[:8]
    assert [each.name for each in list_point_files(story.folder).logs] == ["w" * 10 + "-00002.wal"]


def test_a_log_without_points_that_cannot_be_flushed(tmp_path: Path) -> None:
    """There is nothing to write again; the run goes on in a new one."""
    story = Story(tmp_path / "r", files := FaultyFiles(error=errno.EIO))
    files.calls.clear()
    files.failing = range(1)
    story.upkeep.tick()
    assert files.calls[0] == "sync_data"
    story.upkeep.tail.append(0.0, 0, {"a": 0.0, "b": 0.0})
    assert story.upkeep.finish()
    assert points_of(story.folder) == EXPECTED[:2]


def test_a_log_that_could_not_be_flushed_is_never_trusted_again(tmp_path: Path) -> None:
    """The kernel may have dropped the bytes: everything goes into a new file, flushed, before the old one goes."""
    story = Story(tmp_path / "r", files := FaultyFiles(error=errno.EIO))
    story.upkeep.tail.append(0.0, 0, {"a": 0.0, "b": 0.0})
    files.calls.clear()
    files.failing = range(1)
    story.upkeep.tick()
    # the failed flush; header and frame into a new log, flushed; the old one closed and removed
    assert files.calls[:7] == ["sync_data", "open", "write", "write", "sync_data", "close", "unlink"]
    assert [each.name for each in list_point_files(story.folder).logs] == ["w" * 10 + "-00002.wal"]
    assert points_of(story.folder) == EXPECTED[:2]


def test_a_seal_that_finds_no_room_leaves_the_log_and_waits(tmp_path: Path) -> None:
    """The draft goes, the log stays and serves readers, and each try waits longer than the one before."""
    limits = Limits(seal_points=4, longest_pause_s=60.0)
    make_folders(tmp_path / METRICS)
    said: list[str] = []
    files = FaultyFiles()
    identity = Identity(folder=tmp_path, run_id="r", writer="w")
    upkeep = Upkeep(identity, new_record(), files, limits, said.append)
    upkeep.tick()

    class Full(FaultyFiles):
        def write(self, descriptor: int, content: bytes | memoryview) -> int:  # type: ignore[override]
            if bytes(content[:4]) == b"PAR1":
                os.write(descriptor, content[:10])  # a little of it fits
                raise OSError(errno.ENOSPC, "no room")
            return os.write(descriptor, content)

    upkeep._files = Full()
    for step in range(5):
        upkeep.tail.append(float(step), step, {"a": float(step)})
    upkeep.tick()
    waits = []
    for _ in range(3):
        waits.append(upkeep.faults._pause_s)
        assert not upkeep.faults.may_try
        upkeep.tick()  # too early: nothing is tried
        upkeep.faults.retry_now()
        upkeep.tick()
    assert waits == [1.0, 2.0, 4.0]
    assert not list((tmp_path / METRICS).glob(".*"))
    assert points_of(tmp_path) == [("a", float(step)) for step in range(5)]
    assert len(said) == 1
    upkeep._files = files
    assert upkeep.finish()
    assert not list((tmp_path / METRICS).glob("*.wal"))
    assert points_of(tmp_path) == [("a", float(step)) for step in range(5)]


@pytest.mark.parametrize("durability", ["process", "os", "sync"])
def test_a_close_that_fails_is_reported_and_written_again(durability: Durability, tmp_path: Path) -> None:
    """Network file systems say only there that what was written is lost: the file is written anew."""

    class Nfs(FaultyFiles):
        closed = 0

        def close(self, descriptor: int) -> None:
            written = os.fstat(descriptor).st_size
            os.close(descriptor)
            self.closed += 1
            if written and self.closed <= 3:
                raise OSError(errno.EIO, "injected into close")

    story = Story(tmp_path / "r", files := Nfs(), durability)
    assert story.tell()
    assert files.closed > 3
    assert points_of(story.folder) == EXPECTED
    assert "injected" in str(read_record(story.folder).life.degraded)


def test_dying_between_flush_and_rename_leaves_a_draft_that_nobody_reads(tmp_path: Path) -> None:
    """The log still serves all points; `labtop fsck --repair` puts the draft aside."""

    class Dying(FaultyFiles):
        def rename(self, old: Path, new: Path) -> None:
            if new.suffix == ".parquet" and new.name != RECORD:
                raise Killed
            super().rename(old, new)

        def unlink(self, path: Path) -> None:
            if not path.name.endswith(".tmp"):  # the dead don't clean up
                super().unlink(path)

    story = Story(tmp_path / "r", Dying())
    with pytest.raises(Killed):
        story.tell()
    (draft,) = (story.folder / METRICS).glob(".*.tmp")
    assert draft.stat().st_size > 0
    assert points_of(story.folder) == EXPECTED[: story.acknowledged]


class Ordered(FaultyFiles):
    """Remembers what was done to which file: "part", "record", "log" or "folder"."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[str, str]] = []
        self._open: dict[int, str] = {}

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        descriptor = super().open(path, flags, mode)
        self._open[descriptor] = _kind_of(path)
        self.done.append(("open", _kind_of(path)))
        return descriptor

    def sync_data(self, descriptor: int) -> None:
        self.done.append(("flush", self._open[descriptor]))

    def close(self, descriptor: int) -> None:
        self.done.append(("close", self._open.pop(descriptor)))
        super().close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.done.append(("rename", _kind_of(new)))

    def unlink(self, path: Path) -> None:
        self.done.append(("unlink", _kind_of(path)))
        super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        self.done.append(("flush", "folder"))


def _kind_of(path: Path) -> str:
    return "record" if RECORD in path.name else "log" if path.suffix == ".wal" else "part"


def test_sealing_keeps_the_order_that_survives_a_power_cut(tmp_path: Path) -> None:
    """Part: written, flushed, closed, renamed, its folder flushed. Then the record, once. Only then the log goes."""
    story = Story(tmp_path / "r", files := Ordered())
    story.upkeep.tail.append(0.0, 0, {"a": 0.0})
    story.upkeep.tick()
    files.done.clear()
    story.upkeep.finish()
    draft = ("open", "flush", "close", "rename")
    assert [what for what, kind in files.done if kind == "record"] == [*draft]
    assert [each for each in files.done if each != ("close", "log") and each[1] != "record"] == [
        *((what, "part") for what in draft), ("flush", "folder"), ("unlink", "log"),
    ]  # fmt: skip
    assert files.done.index(("flush", "folder")) < files.done.index(("rename", "record"))
    assert files.done[-1] == ("unlink", "log")


def test_at_the_end_part_and_record_are_flushed_at_the_same_time(tmp_path: Path) -> None:
    """Somebody waits for the end, and a disk takes two flushes in the time of one."""
    flushing = threading.Barrier(2)

    class Meeting(Ordered):
        def sync_data(self, descriptor: int) -> None:
            super().sync_data(descriptor)
            if story.upkeep.record.given.status.is_end:
                flushing.wait(60)

    story = Story(tmp_path / "r", Meeting())
    assert story.tell()
    assert points_of(story.folder) == EXPECTED


def test_a_part_that_reads_back_wrong_takes_no_logs_place(tmp_path: Path) -> None:
    """The system said that it wrote, and did not."""

    class Lying(FaultyFiles):
        def deliver(self, descriptor: int, content: bytes | memoryview) -> int:
            if bytes(content[:4]) == b"PAR1":
                os.write(descriptor, content[: len(content) // 2])
                return len(content)
            return os.write(descriptor, content)

    story = Story(tmp_path / "r", Lying())
    story.upkeep.tail.append(0.0, 0, {"a": 0.0, "b": 0.0})
    story.upkeep.finish()
    assert points_of(story.folder) == EXPECTED[:2]
    assert list_point_files(story.folder).parts == ()
    assert "not written well" in str(story.warnings)


def test_the_record_covers_what_is_in_no_log_any_more(tmp_path: Path) -> None:
    """It is rewritten between sealing and removing the log, so that a reader need not open parts."""
    story = Story(tmp_path / "r", FaultyFiles())
    for _ in story.steps():
        if parts := sorted((story.folder / METRICS).glob("*.parquet")):
            break
    assert len(parts) == 1
    assert read_record(story.folder).life.written["w" * 10] == len(read_part_points(parts[0]))
    assert (story.folder / RECORD).stat().st_mtime_ns >= parts[0].stat().st_mtime_ns


def test_points_that_spill_again_and_again_count_once(tmp_path: Path) -> None:
    """Nobody empties the queue in time: each round reads the log, and takes only what is new."""
    make_folders(tmp_path / METRICS)
    limits = Limits(most_waiting=3)
    identity = Identity(folder=tmp_path, run_id="r", writer="w")
    said: list[str] = []
    upkeep = Upkeep(identity, new_record(), FaultyFiles(), limits, said.append)
    for step in range(40):
        upkeep.tail.append(float(step), step, {"a": float(step)})
        if step % 10 == 9:
            upkeep.tick()
    assert upkeep.tail.held == 40
    assert upkeep.finish()
    (part,) = list_point_files(tmp_path).parts
    assert [each.step for each in read_part_points(part)] == [float(step) for step in range(40)]
    assert read_record(tmp_path).metrics["a"].count == 40


def test_a_disk_that_stays_full_costs_bounded_memory_and_counts(tmp_path: Path) -> None:
    """What was on disk before stays; what finds no room is counted."""
    limits = Limits(seal_points=10**9, longest_pause_s=0.0, most_waiting=100)
    make_folders(tmp_path / METRICS)
    said: list[str] = []
    files = FaultyFiles()
    upkeep = Upkeep(
        Identity(folder=tmp_path, run_id="r", writer="w"), new_record(), files, limits, said.append
    )
    for step in range(10):
        upkeep.tail.append(float(step), step, {"a": float(step)})
    files.failing = range(len(files.calls), 10**9)
    for step in range(10, 1000):
        upkeep.tail.append(float(step), step, {"a": float(step)})
        if step % 50 == 0:
            upkeep.tick()
    assert upkeep.tail.dropped == 1000 - 100
    assert len(said) == 1
    assert len(points_of(tmp_path)) >= 10
    files.failing = ()
    upkeep.tail.append(1000.0, 1000, {"a": 1000.0})
    upkeep.tick()
    upkeep.tail.append(1001.0, 1001, {"a": 1001.0})
    upkeep.finish()
    assert points_of(tmp_path) == [("a", float(step)) for step in (*range(100), 1001)]
    assert read_record(tmp_path).life.dropped == 901


class Deadly(FaultyFiles):
    """From the given call on, nothing reaches the disk any more."""

    def _count(self, name: str) -> bool:
        super()._count(name)
        if len(self.calls) > self.failing[0]:
            raise Killed
        return False


def test_dying_at_any_call_loses_no_acknowledged_point(tmp_path: Path) -> None:
    """Before, between and after each step of a seal: all points, once, and exact summaries for the reader."""
    for number in range(1000):
        files = Deadly(failing=range(number, number + 1))
        folder = tmp_path / str(number)
        acknowledged = 0
        story = None
        try:
            story = Story(folder, files)
            story.tell()
        except Killed:
            acknowledged = story.acknowledged if story else 0
        else:
            break
        found = points_of(folder)
        assert found[:acknowledged] == EXPECTED[:acknowledged], number
        assert len(found) in (acknowledged, acknowledged + 2)
        live = read_record_live(folder)
        assert sum(each.count for each in live.metrics.values()) == len(found), number
    else:
        pytest.fail("no clean pass")
    assert number > 30


def test_dying_between_rename_and_unlink_doubles_nothing(tmp_path: Path) -> None:
    """A part and the log it was sealed from are both there: the part wins."""
    folder = tmp_path / "r"
    story = Story(folder, FaultyFiles())
    story.tell()
    (part, *_) = sorted((folder / METRICS).glob("*.parquet"))
    log = part.with_suffix(".wal")
    log.write_bytes(b"anything")
    files = list_point_files(folder)
    assert log not in files.logs
    assert part in files.parts
    assert points_of(folder) == EXPECTED


def test_a_damaged_part_does_not_hide_its_log(tmp_path: Path) -> None:
    """The log serves while it is there."""
    folder = tmp_path / "r"
    story = Story(folder, FaultyFiles())
    for _ in story.steps():
        pass
    for log in list((folder / METRICS).glob("*.wal")):
        log.with_suffix(".parquet").write_bytes(b"")
    assert points_of(folder) == EXPECTED
    assert any("empty" in each.reason for each in list_point_files(folder).problems)


def test_points_that_never_reached_a_disk_are_counted(tmp_path: Path) -> None:
    """The log broke, and the end could not be sealed, but its record says how much is missing."""

    class OnlyRecords(FaultyFiles):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            if RECORD not in path.name and self.failing:
                raise OSError(errno.ENOSPC, "injected into open")
            return super().open(path, flags, mode)

    story = Story(tmp_path / "r", files := OnlyRecords())
    story.upkeep.tail.append(0.0, 0, {"a": 0.0, "b": 0.0})
    files.failing = range(len(files.calls), len(files.calls) + 1)
    story.upkeep.tail.append(1.0, 1, {"a": 1.0, "b": -1.0})
    assert story.upkeep.finish() is False
    life = read_record(story.folder).life
    assert life.dropped == 4
    assert life.degraded is not None


def test_strict_raises_and_loses_nothing_either(tmp_path: Path) -> None:
    """The caller is told at once; the points wait in memory all the same."""
    files = FaultyFiles()
    writer = new_writer(tmp_path, files=files, strict=True)
    writer.flush()
    files.failing = range(len(files.calls), 10**9)
    with pytest.raises(RecordingError, match="injected"):
        writer.append(0.0, 0, {"a": 0.0})
    files.failing = ()
    writer.append(1.0, 1, {"a": 1.0})
    assert writer.close()
    assert len(points_of(next(tmp_path.glob("*/*/metrics")).parent)) == 2


def test_strict_says_when_the_end_cannot_be_written(tmp_path: Path) -> None:
    """Closing raises; without `strict` it gives False."""
    for strict in (True, False):
        files = FaultyFiles()
        writer = new_writer(tmp_path / str(strict), files=files, strict=strict)
        writer.append(0.0, 0, {"a": 0.0})
        files.failing = range(10**9)
        if strict:
            with pytest.raises(RecordingError, match="end"):
                writer.close()
        else:
            assert writer.close() is False
        assert len(points_of(next((tmp_path / str(strict)).glob("*/*/metrics")).parent)) == 1


def test_a_run_folder_that_cannot_be_made_stops_no_training(tmp_path: Path) -> None:
    """A file is in the way: everything is dropped and said, nothing raises; strict raises."""
    record = new_record()
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "p").write_text("in the way")
    said: list[str] = []
    writer = new_writer(tmp_path / "s", record, warnings=said)
    writer.append(0.0, 0, {"a": 1.0})
    assert writer.flush() is False
    assert writer.close() is False
    assert len(said) == 1
    with pytest.raises(RecordingError, match="cannot make"):
        new_writer(tmp_path / "s", record, strict=True)


def test_a_store_that_vanishes_stops_no_training(tmp_path: Path) -> None:
    """The folder is deleted while the run goes on: no exception, one warning, False at the end."""
    import shutil

    said: list[str] = []
    writer = new_writer(tmp_path / "s", warnings=said)
    writer.append(0.0, 0, {"a": 1.0})
    writer.flush()
    shutil.rmtree(tmp_path / "s")
    writer.append(1.0, 0, {"a": 1.0})
    assert writer.flush() is False
    assert writer.close() is False
    assert len(said) == 1


_OVER_THE_LIMIT = """
import resource, sys
from pathlib import Path
from labtop.store.layout import RECORD
from tests.store.runs import Limits, new_writer
writer = new_writer(Path(sys.argv[1]), limits=Limits(tick_s=0.01, longest_pause_s=0.0))
writer.append(0.0, 0, {"a": 0.0})
assert writer.flush()
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
for step in range(1, 2000):
    writer.append(float(step), 0, {"a": float(step)})
assert writer._upkeep.tail.trouble is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
writer.append(2000.0, 0, {"a": 2000.0})
assert writer.flush()
assert writer.dropped == 0, writer.dropped
print(writer.close(), writer.degraded)
"""


def test_a_file_size_limit_kills_no_process(tmp_path: Path) -> None:
    """SIGXFSZ and EFBIG: the run goes on in memory and writes all when it can."""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", _OVER_THE_LIMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout
    (folder,) = (each.parent for each in tmp_path.glob("*/*/metrics"))
    assert points_of(folder) == [("a", float(step)) for step in range(2001)]
    assert (folder / RECORD).exists()
