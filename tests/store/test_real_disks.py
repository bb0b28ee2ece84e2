"""Disks that are really full or read-only: small file systems in memory, mounted for one process.

Mounting needs root, or user namespaces; elsewhere these are skipped, and the injected faults of test_faults.py stand
alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@cache
def unshare() -> tuple[str, ...] | None:
    """The command that lets a process mount for itself alone; None where there is none."""
    for command in (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")):
        try:
            tried = subprocess.run(
                [*command, "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"],
                capture_output=True,
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if tried.returncode == 0:
            return command
    return None


def run_on_small_disk(script: str, place: Path, kilobytes: int) -> str:
    """Run Python text with a file system of that size mounted at `place`; what it printed."""
    command = unshare()
    if command is None:
        pytest.skip("mounting needs root or user namespaces")
    place.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size={kilobytes}k,mode=700 tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'
    done = subprocess.run(
        [*command, "sh", "-c", mount, "sh", str(place), sys.executable, script, str(place.parent)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_FULL = """
import sys, time
from pathlib import Path
from labtop.store.reader import read_points, read_record
from tests.store.runs import Limits, new_writer, wait_for

disk = Path(sys.argv[1])
durability = "@"
warnings = []
writer = new_writer(disk / "s", limits=Limits(tick_s=0.01, seal_points=400, longest_pause_s=0.0), warnings=warnings,
                    durability=durability)
writer.append(0.0, 0, {"a": 0.0})
assert writer.flush()
filler = disk / "filler"
with filler.open("wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
slowest = 0.0
for step in range(1, 3000):  # 100 kB of frames, and no room for them
    begun = time.perf_counter()
    writer.append(float(step), 0, {"a": float(step)})
    slowest = max(slowest, time.perf_counter() - begun)
wait_for(lambda: writer._upkeep.tail.trouble is not None)
assert writer.dropped == 0
filler.unlink()
wait_for(lambda: writer._upkeep.tail.trouble is None)
writer.append(3000.0, 0, {"a": 3000.0})
assert writer.close()
(folder,) = (each.parent for each in disk.glob("s/*/*/metrics"))
points, problems = read_points(folder)
assert problems == (), problems
assert [each.value for each in points] == [float(step) for step in range(3001)]
record = read_record(folder)
assert record.metrics["a"].count == 3001
assert record.life.dropped == 0
assert not list(folder.rglob("*.tmp"))
assert len(warnings) == 1, warnings
print(record.life.degraded, slowest)
"""


@pytest.mark.parametrize("durability", ["process", "os", "sync"])
def test_a_disk_that_is_full_for_a_while(durability: str, tmp_path: Path) -> None:
    """Short writes, then ENOSPC; the loop goes on from memory, and all points are there when space returns."""
    said = run_on_small_disk(_FULL.replace("@", durability), tmp_path / "disk", 256)
    assert "No space left" in said


_FULL_TO_THE_END = """
import logging, os, sys
from pathlib import Path
os.environ.update(LABTOP_CAPTURE_CODE="0", LABTOP_CAPTURE_OUTPUT="0", LABTOP_SPOOL=sys.argv[2] + "/spool")
os.chdir(sys.argv[2])
import labtop
run = labtop.init(store=sys.argv[1] + "/s", project="p")
run.log({"a": 0.0})
with open(sys.argv[1] + "/filler", "wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
for step in range(1, 3000):
    run.log({"a": float(step)})
run.finish()
from labtop.store.reader import read_points, read_record
points, problems = read_points(run.folder)
print(run.folder, read_record(run.folder).status, read_record(run.folder).metrics["a"].count, problems)
os.unlink(sys.argv[1] + "/filler")
(done,) = labtop.sync(sys.argv[2] + "/spool")
print(done.state, done.problems)
(record,) = [read_record(each.parent) for each in Path(sys.argv[1]).glob("s/*/*/run.parquet")]
points, problems = read_points(Path(sys.argv[1], "s", "p", record.id))
values = sorted(each.value for each in points)
print(record.status, record.metrics["a"].count, values == [float(value) for value in range(3000)])
"""


def test_a_disk_that_is_full_to_the_end(tmp_path: Path) -> None:
    """The run ends in the spool, and `labtop sync` brings the rest to the store when there is room."""
    first, second, third = run_on_small_disk(_FULL_TO_THE_END, tmp_path / "disk", 256).splitlines()
    assert first.startswith(str(tmp_path / "spool"))
    assert first.endswith("finished 3000 ()")
    assert second == "moved ()"
    assert third == "finished 3000 True"


_READ_ONLY = """
import os, subprocess, sys
os.environ.update(LABTOP_CAPTURE_CODE="0", LABTOP_CAPTURE_OUTPUT="0", LABTOP_SPOOL=sys.argv[2] + "/spool")
os.chdir(sys.argv[2])
import labtop
from labtop.store.reader import read_points, read_record
from tests.store.runs import wait_for
store = sys.argv[1] + "/s"
run = labtop.init(store=store, project="p")
run.log({"a": 0.0})
remount = lambda how: subprocess.run(["mount", "-o", f"remount,{how}", sys.argv[1]], capture_output=True).returncode
tail = run._facts.writer._upkeep.tail
log = tail.wal
log.close()  # a disk with open files will not become read-only
log.descriptor = os.open(log.path, os.O_RDONLY)
os.dup2(log.descriptor, tail.descriptor)
run._facts.writer._lock.acquire(); run._facts.writer._lock.release()
print(remount("ro"))
run.log({"a": 1.0})
wait_for(lambda: str(run.folder).startswith(sys.argv[2] + "/spool"))
run.log({"a": 2.0})
run.finish()
print(read_record(run.folder).status, [each.value for each in read_points(run.folder)[0]])
other = labtop.init(store=store, project="p")
print(str(other.folder).startswith(sys.argv[2] + "/spool"), other._facts.record.life.degraded)
other.finish()
try:
    labtop.init(store=store, strict=True)
except labtop.RecordingError as error:
    print("strict:", error.message)
"""


def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    """A running run goes on in the spool at once; a new one begins there with a clear word; strict raises."""
    lines = run_on_small_disk(_READ_ONLY, tmp_path / "disk", 512).splitlines()
    if lines[0] != "0":
        pytest.skip("this system cannot remount")
    assert lines[1] == "finished [0.0, 1.0, 2.0]"
    assert lines[2].startswith("True cannot write to the store")
    assert "Read-only file system" in lines[2]
    assert lines[3].startswith("strict: cannot write to the store")
