"""What `log()` costs a training loop, beside one write() of the same bytes and a row in SQLite.

python -m tests.benchmarks.bench_log
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import labtop
from labtop.store.wal import encode_points

CALLS = 20_000
ROUNDS = 5  # interleaved, so that a busy moment hits all alike


def main() -> None:
    """Measure one and ten metrics a call and print a JSON line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(LABTOP_CAPTURE_CODE="0", XDG_CACHE_HOME=folder)
        with labtop.init(store="runs") as run:
            for count in (1, 10):
                measure(run, Path(folder), count)


def measure(run: labtop.Run, folder: Path, count: int) -> None:
    """Compare the three ways with `count` metrics a call."""
    values = {f"train/metric_{at}": 0.1 * at for at in range(count)}
    frame = encode_points(10_000, time.time_ns() // 1000, 10_000, values)
    raw = os.open(folder / f"raw{count}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    database = sqlite3.connect(folder / f"{count}.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")  # survives a kill of the process, as log() does at once
    database.execute("CREATE TABLE metrics (step INTEGER, time INTEGER, data TEXT)")

    def log() -> None:
        run.log(values)

    def write() -> None:
        os.write(raw, frame)

    def insert() -> None:
        row = (1, time.time_ns(), json.dumps(values))
        database.execute("INSERT INTO metrics VALUES (?, ?, ?)", row)

    taken: dict[Callable[[], None], list[float]] = {log: [], write: [], insert: []}
    for _ in range(ROUNDS):
        for call, times in taken.items():
            times += timed(call)
    ours, floor, sqlite = (statistics.median(taken[call]) for call in (log, write, insert))
    metrics = "1 metric" if count == 1 else f"{count} metrics"
    report(f"log() of {metrics}, median", ours, 10.0, "write() of the same bytes", floor)
    report(f"log() of {metrics}, median", ours, 10.0, "a row in SQLite", sqlite)
    worst = sorted(taken[log])[-len(taken[log]) // 100]
    report(f"log() of {metrics}, 99th percentile", worst, None, "", None)
    os.close(raw)
    database.close()


def timed(call: Callable[[], None]) -> list[float]:
    """Microseconds of each of many calls, with a breath now and then as a training loop takes one."""
    times: list[float] = []
    for at in range(CALLS // ROUNDS):
        begun = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - begun) / 1000)
        if at % 500 == 0:
            time.sleep(0.005)
    return times


def report(what: str, value: float, budget: float | None, peer: str, peer_value: float | None) -> None:
    """Print one figure."""
    ratio = value / peer_value if peer_value else None
    figure = {
        "what": what,
        "value": value,
        "unit": "µs",
        "budget": budget,
        "peer": peer,
        "peer_value": peer_value,
    }
    print(json.dumps({**figure, "ratio": ratio}))


if __name__ == "__main__":
    main()
