"""`kill -9` at random moments: what was acknowledged is there, once, and the reader's summaries are exact.

A process that has imported everything forks one child a run; the child says on standard output what log() has
acknowledged, and that pipe survives it. LABTOP_TEST_KILLS=500 makes a long run of it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.store.live import read_record_live
from labtop.store.reader import read_points
from labtop.store.status import BeatHistory, infer_status
from tests.store.runs import wait_for

KILLS = int(
    os.environ.get("LABTOP_TEST_KILLS", "40")
)  # read here: the tests' own environment has no LABTOP_*

_PARENT = """
import os, sys, time
from pathlib import Path
import psutil, pyarrow.compute, pyarrow.parquet
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.points import PointLog
from labtop.store.faults import Limits
from tests.store.runs import new_writer

def run(store):
    writer = new_writer(Path(store), limits=Limits(tick_s=0.002, seal_points=40))
    points = PointLog(RunFacts(writer.record, writer, Redactor.build({}, ())), None)
    for step in range(10**9):
        values = {"a": float(step), "b": -float(step)}
        points.log(values, step=step)
        os.write(1, b".")
        time.sleep(0.0001)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(line.strip())
    os.write(2, b"%d\\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"\\n")
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """The process that forks a run for each line it reads."""
    root = str(Path(__file__).parent.parent.parent)
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    ) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


def _has_sealed(store: Path) -> bool:
    return any(store.glob("*/*/metrics/*.parquet"))


def test_killed_at_random_moments(parent: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """No acknowledged point lost, no gap, none doubled, no wrong value, and the run counts as crashed."""
    assert parent.stdin is not None
    assert parent.stdout is not None
    assert parent.stderr is not None
    chance = random.Random(11)
    seen = BeatHistory()
    parts_seen = logs_seen = 0
    for number in range(KILLS):
        store = tmp_path / str(number)
        parent.stdin.write(f"{store}\n".encode())
        parent.stdin.flush()
        child = int(parent.stderr.readline())
        if number % 2:  # every other one is let live until it seals for the first time
            wait_for(partial(_has_sealed, store))
        time.sleep(chance.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        acknowledged = parent.stdout.readline().count(b".")

        folders = [each.parent for each in store.glob("*/*/metrics")]
        if not folders:
            assert acknowledged == 0
            continue
        points, problems = read_points(folders[0])
        assert problems == ()
        assert [each.seq for each in points] == list(range(len(points)))
        assert len(points) in (2 * acknowledged, 2 * acknowledged + 2)
        assert all(abs(each.value) == each.step == each.seq // 2 for each in points)
        live = read_record_live(folders[0])
        assert sum(each.count for each in live.metrics.values()) == len(points)
        # before its first record was written nobody can tell
        assert infer_status(live, seen) in (Status.CRASHED, Status.UNKNOWN)
        parts_seen += len(list(folders[0].glob("metrics/*.parquet")))
        logs_seen += len(list(folders[0].glob("metrics/*.wal")))
    assert parts_seen > 0
    assert logs_seen > 0
