"""One tracker's run, measured in a process of its own; started by bench_peers with the tracker's interpreter.

python peer_worker.py TRACKER speed|size FOLDER

Needs nothing but the tracker. Prints one JSON object: seconds, microseconds, megabytes.
"""

from __future__ import annotations

import hashlib
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
STEPS = 300
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


def main() -> None:
    """Measure and print."""
    name, what, folder = sys.argv[1:]
    begun = time.perf_counter()
    tracker = globals()[name](folder)
    found = {"start_s": time.perf_counter() - begun}
    found |= speed(tracker) if what == "speed" else size(tracker)
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
    """Microseconds of a `log`, median, and what a loop of 5 ms steps takes longer with ten metrics a step."""
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
    return {**found, **loop(tracker, step)}


def loop(tracker: Tracker, step: int) -> dict[str, float]:
    """By turns a block of steps that log and one of steps that don't; medians, so that a busy moment hits neither."""
    content = b"x" * 1_000_000

    def work() -> None:  # as a training step does it, this lets other threads run
        hashlib.sha256(content).digest()

    one = min(timed(work) for _ in range(50))
    rounds = max(1, round(STEP_S / one))
    taken: dict[bool, list[float]] = {True: [], False: []}
    for at in range(STEPS):
        logs = at // 10 % 2 == 0
        begun = time.perf_counter()
        for _ in range(rounds):
            work()
        values = numbers(10)
        if logs:
            tracker.log(values, step + at + 1)
        taken[logs].append(time.perf_counter() - begun)
    with_log, without = statistics.median(taken[True]), statistics.median(taken[False])
    return {"added_percent": 100 * (with_log - without) / without}


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
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(resident_mb(pid) for pid in ours)


def resident_mb(pid: int) -> float:
    """Resident memory of a process; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
