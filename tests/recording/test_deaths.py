"""Ways to die without a word, and to seem dead: what was logged is there, and a reader can tell what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import labtop
from labtop.model.run import Status
from labtop.query.catalog import Catalog
from labtop.store.layout import run_folders
from labtop.store.reader import read_points, read_record
from labtop.store.status import BeatHistory, infer_status
from tests.recording.conftest import RunScript, only_record
from tests.store.runs import wait_for

DEATHS = {
    "os._exit": "os._exit(3)",
    "a segmentation fault": "ctypes.string_at(0)",
    "abort": "os.abort()",
    "the killer of a machine without memory": "os.kill(os.getpid(), signal.SIGKILL)",
}


def statuses(store: Path) -> dict[str, str]:
    """What `ls` would say of each run."""
    catalog = Catalog(store)
    try:
        catalog.refresh()
        return {run_id: str(catalog.record(run_id).status) for run_id, _ in catalog.folders.all(packed=True)}
    finally:
        catalog.close()


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_death_without_a_word_loses_no_point(folder: Path, run_script: RunScript, death: str) -> None:
    """The run is crashed at once for readers on this machine, and complete up to its last `log`."""
    done = run_script(
        "import ctypes, os, signal, labtop\n"
        "run = labtop.init()\n"
        "for step in range(100): run.log({'loss': step})\n" + death
    )
    assert done.returncode != 0
    (run_folder,) = run_folders(folder / "runs")
    assert [point.value for point in read_points(run_folder)[0]] == list(range(100))
    assert list(statuses(folder / "runs").values()) == ["crashed"]
    with labtop.open(folder / "runs") as store:
        assert store.runs()["loss"].to_list() == [99.0]


def test_a_process_that_is_stopped_is_lost_and_found(folder: Path) -> None:
    """SIGSTOP for ten minutes of the reader's clock, then SIGCONT; never failed, never crashed."""
    code = "import sys, labtop\nlabtop.init()\nprint('up', flush=True)\nsys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (run_folder,) = run_folders(folder / "runs")
        now = [0.0]
        seen = BeatHistory(clock=lambda: now[0])
        assert infer_status(read_record(run_folder), seen) is Status.RUNNING
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        infer_status(read_record(run_folder), seen)
        now[0] += 600
        assert infer_status(read_record(run_folder), seen) is Status.LOST
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: infer_status(read_record(run_folder), seen) is Status.RUNNING, 60)
        process.communicate(b"\n", timeout=60)
    assert only_record(folder / "runs").status is Status.FINISHED


def test_a_clock_that_jumps_changes_no_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hours ahead, then back: points are in the order in which they were logged, and the run is running."""
    import time

    true_ns, jump_s = time.time_ns, [0.0]
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() + int(jump_s[0] * 1e9))
    monkeypatch.setattr(time, "time", lambda: (true_ns() + jump_s[0] * 1e9) / 1e9)
    with labtop.init(store="runs") as run:
        for number, jump in enumerate((0.0, 3 * 3600.0, -3 * 3600.0, 0.0)):
            jump_s[0] = jump
            run.log({"loss": float(number)}, step=7)
            _ = run.summary["loss"]  # writes the record, with its beat
            assert infer_status(read_record(run.folder), BeatHistory()) is Status.RUNNING
    with labtop.open("runs") as store:
        frame = store.metrics(run.id, "loss")
    assert frame["value"].to_list() == [0.0, 1.0, 2.0, 3.0]
    assert [each.value for each in read_points(run.folder)[0]] == [0.0, 1.0, 2.0, 3.0]
    metric = only_record(folder / "runs").metrics["loss"]
    assert (metric.first, metric.last) == (0.0, 3.0)


def test_two_processes_that_resume_one_run_are_told(folder: Path) -> None:
    """Both keep their points, in writers of their own; the first has the record, which names the other."""
    with labtop.init(store="runs") as first:
        first.log({"loss": 1.0}, step=0)
    code = (
        f"import sys, labtop\nrun = labtop.init(store='runs', resume={first.id!r})\n"
        "run.log({'loss': float(sys.argv[1])}, step=int(sys.argv[1]))\nprint('up', flush=True)\nsys.stdin.readline()"
    )
    processes = []
    for number in (1, 2):
        each = subprocess.Popen(
            [sys.executable, "-c", code, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert each.stdout is not None
        each.stdout.readline()
        processes.append(each)
    for each in reversed(processes):
        each.communicate(b"\n", timeout=60)
    record = only_record(folder / "runs")
    points, problems = read_points(first.folder)
    assert (sorted(point.value for point in points), problems) == ([1.0, 1.0, 2.0], ())
    assert len({point.writer for point in points}) == 3
    assert f"process {processes[1].pid}" in (record.life.degraded or "")
    with labtop.open("runs") as store:
        assert f"process {processes[1].pid}" in store.record(first.id).source.problems[0]
        assert store.metrics(first.id, "loss")["value"].to_list() == [1.0, 1.0]
        assert store.metrics(first.id, "loss", ranks="all")["value"].to_list() == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(("handles", "code"), [(False, -signal.SIGUSR1), (True, -signal.SIGKILL)])
def test_a_signal_of_the_scheduler_is_an_end_if_the_settings_say_so(
    folder: Path, run_script: RunScript, handles: bool, code: int
) -> None:
    """SLURM's --signal=USR1@60: recorded before the program's own handler, which may not come to its end."""
    handler = "signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n" * handles
    done = run_script(
        f"import os, signal, labtop\n{handler}labtop.init().log({{'x': 1.0}})\nos.kill(os.getpid(), signal.SIGUSR1)",
        LABTOP_SIGNALS="SIGUSR1",
    )
    record = only_record(folder / "runs")
    assert (done.returncode, record.status, record.life.signal) == (code, Status.KILLED, "SIGUSR1")
    assert len(read_points(next(run_folders(folder / "runs")))[0]) == 1
