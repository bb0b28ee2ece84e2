"""One tracker's run, measured in a process of its own; started by bench_peers with the tracker's interpreter.

python peer_worker.py TRACKER speed|loop|small|size FOLDER

Needs nothing but the tracker, and NumPy, which every tracker brings. Prints one JSON object: seconds, microseconds,
megabytes.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PARAMS = {"lr": 0.1, "width": 64, "optimizer": "adam"}
LOG_S = 1.0  # how long each count of metrics is logged at most
STEP_S = 0.005
WARM_S, OTHERS_S, LOOP_S = 4.0, 5.0, 12.0  # not measured, then the other threads, then the loop by turns
BLOCK = 4  # steps
SMALL_S = 4.0
SIZE_POINTS, SIZE_S = 1_000_000, 12.0


class Tracker(NamedTuple):
    """What is measured: `log(values, step)` and `end()`."""

    log: Callable[[dict[str, float], int], object]
    end: Callable[[], object]


def labtop(folder: str) -> Tracker:
    """This project, as it is by default."""
    import labtop

    run = labtop.init(project="bench", store=f"{folder}/runs", config=PARAMS)
    return Tracker(run.log, run.finish)


def trackio(folder: str) -> Tracker:
    """On its local database, in $TRACKIO_DIR."""
    import trackio

    trackio.init(project="bench", name="run", config=PARAMS)
    return Tracker(lambda values, step: trackio.log(values, step=step), trackio.finish)


def wandb(folder: str) -> Tracker:
    """Offline."""
    import wandb

    run = wandb.init(
        project="bench", mode="offline", dir=folder, config=PARAMS, settings=wandb.Settings(silent=True)
    )
    return Tracker(lambda values, step: run.log(values, step=step), run.finish)


def tensorboardx(folder: str) -> Tracker:
    """Event files; one call a metric."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(f"{folder}/events")
    writer.add_hparams(PARAMS, {})

    def log(values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return Tracker(log, writer.close)


def mlflow(folder: str) -> Tracker:
    """SQLite, which it uses by default."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("bench")
    mlflow.start_run()
    mlflow.log_params(PARAMS)
    return Tracker(lambda values, step: mlflow.log_metrics(values, step=step), mlflow.end_run)


def aim(folder: str) -> Tracker:
    """Its repository of RocksDB files."""
    from aim import Run

    run = Run(repo=folder, experiment="bench")
    run["hparams"] = PARAMS
    return Tracker(lambda values, step: run.track(values, step=step), run.close)


def bare_write(folder: str) -> Tracker:
    """The floor under all that have a point in the kernel when `log` returns: one `write()` of ready bytes."""
    descriptor = os.open(f"{folder}/points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    frame = bytes(300)  # of ten metrics
    return Tracker(lambda _values, _step: os.write(descriptor, frame), lambda: os.close(descriptor))


def main() -> None:
    """Measure and print."""
    name, what, folder = sys.argv[1:]
    begun = time.perf_counter()
    tracker = globals()[name](folder)
    found = {"start_s": time.perf_counter() - begun}
    found |= {"speed": speed, "loop": loop, "small": small, "size": size}[what](tracker)
    begun = time.perf_counter()
    tracker.end()
    found["end_s"] = time.perf_counter() - begun
    if what == "size":
        files = (path for path in Path(folder).rglob("*") if path.is_file())
        found["disk_mb"] = (
            sum(path.stat().st_size for path in files) / 1e6 * SIZE_POINTS / found.pop("points")
        )
    print("\n" + json.dumps(found))


def speed(tracker: Tracker) -> dict[str, float]:
    """Microseconds of a `log`, median."""
    found: dict[str, float] = {}
    step = 0
    for count, calls in ((1, 4000), (10, 4000), (1000, 200)):
        taken: list[float] = []
        until = time.perf_counter() + LOG_S
        while len(taken) < calls and time.perf_counter() < until:
            values, step = numbers(count), step + 1
            at = time.perf_counter_ns()
            tracker.log(values, step)
            taken.append((time.perf_counter_ns() - at) / 1000)
            if step % 200 == 0:
                time.sleep(0.005)
        found[f"log_{count}_us"] = statistics.median(taken)
    return found


def loop(tracker: Tracker) -> dict[str, float]:
    """What ten metrics a step add to steps of 5 ms that compute, in microseconds a step and in percent.

    Blocks of a few steps that log and of as many that don't take turns in this one process; what is told is the
    difference between a block and the mean of its neighbours, the mean of the middle four fifths of all. So a moment
    in which the machine does something else hits both sides, or is left out. `added_us` is wall time. `loop_cpu_us`
    is the same of the processor time of the loop's own thread: being interrupted by others does not count there.
    `other_cpu_us` is the processor time a step of all other threads and processes of the tracker, while all steps log:
    some or all of it passes on other cores, beside the loop. `log_cold_us` is the median of a call in this loop.
    """
    import numpy as np  # every tracker has it

    work = new_work(np)
    step, others_s = 0, 0.0
    for seconds in (WARM_S, OTHERS_S):  # git, packages and the like are looked at in the first seconds
        until, first, before = time.perf_counter() + seconds, step, others_cpu_s()
        while time.perf_counter() < until:
            work()
            tracker.log(numbers(10), step := step + 1)
        others_s = (others_cpu_s() - before) / (step - first)
    blocks: list[tuple[float, float]] = []  # seconds, and those of the thread; with and without log by turns
    calls: tuple[list[float], list[float]] = [], []  # without and with log
    until = time.perf_counter() + LOOP_S
    while time.perf_counter() < until or len(blocks) % 2 == 0:
        logs = len(blocks) % 2 == 1  # the first and the last have no neighbour on one side: they don't log
        at, thread_at = time.perf_counter(), time.thread_time()
        for _ in range(BLOCK):
            work()
            values = numbers(10)
            begun = time.perf_counter()  # on both sides alike
            if logs:
                tracker.log(values, step := step + 1)
            calls[logs].append(time.perf_counter() - begun)
        blocks.append((time.perf_counter() - at, time.thread_time() - thread_at))
    bare = statistics.median(wall for wall, _ in blocks[::2]) / BLOCK
    wall, thread = (
        [
            blocks[at][kind] - (blocks[at - 1][kind] + blocks[at + 1][kind]) / 2
            for at in range(1, len(blocks), 2)
        ]
        for kind in (0, 1)
    )
    added_s, loop_s = middle_mean(wall) / BLOCK, middle_mean(thread) / BLOCK
    return {
        "added_percent": 100 * added_s / bare,
        "added_us": 1e6 * added_s,
        "log_cold_us": 1e6 * statistics.median(calls[True]),
        "loop_cpu_us": 1e6 * loop_s,
        "other_cpu_us": 1e6 * others_s,
        "step_ms": 1e3 * bare,
        "blocks": len(blocks),
    }


def new_work(np: Any) -> Callable[[], None]:
    """A step of 5 ms on one core: products of matrices, and passes over 16 MB, which no L2 cache holds.

    Both let other threads run, as the steps of a training do.
    """
    passed, left = np.ones(1_000_000), np.ones(1_000_000)
    matrix = np.full((160, 160), 1 / 160)

    def once() -> None:
        np.add(passed, left, out=left)
        np.matmul(matrix, matrix)

    often = max(1, round(STEP_S / min(timed(once) for _ in range(50))))

    def work() -> None:
        for _ in range(often):
            once()

    return work


def middle_mean(values: list[float]) -> float:
    """The mean of the middle four fifths."""
    cut = len(values) // 10
    return statistics.mean(sorted(values)[cut : len(values) - cut])


def others_cpu_s() -> float:
    """Processor time of this process's other threads and of its children, where /proc tells of those."""
    mine = time.process_time() - time.thread_time()
    return mine + sum(cpu_s(pid) for pid in family() - {os.getpid()})


def cpu_s(pid: int) -> float:
    """Processor time of another process, in ticks of 10 ms; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def small(tracker: Tracker) -> dict[str, float]:
    """A run of some seconds and a thousand points, for what its end takes."""
    for step in range(100):
        tracker.log(numbers(10), step)
        time.sleep(SMALL_S / 100)
    return {}


def size(tracker: Tracker) -> dict[str, float]:
    """A million points, or as many as there is time for, a thousand a step; and the memory that is held then."""
    until = time.perf_counter() + SIZE_S
    step = points = 0
    while points < SIZE_POINTS and time.perf_counter() < until:
        tracker.log(numbers(1000), step)
        step, points = step + 1, points + 1000
        time.sleep(STEP_S)  # no training takes less a step
    return {"points": points, "memory_mb": memory_mb()}


def numbers(count: int) -> dict[str, float]:
    """Values as a training has them: no two alike."""
    return {f"group/metric_{at}": random.random() for at in range(count)}


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def memory_mb() -> float:
    """Resident memory of this process and its children, where /proc tells."""
    return sum(resident_mb(pid) for pid in family())


def family() -> set[int]:
    """This process and its children, and theirs."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return ours


def resident_mb(pid: int) -> float:
    """Resident memory of a process; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
