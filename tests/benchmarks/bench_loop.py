"""What ten metrics a step cost a loop of 5 ms steps: processor time of the whole process, with all of labtop's threads.

    python -m tests.benchmarks.bench_loop [ROUNDS] [STEPS]

For a loop that computes (sha256 of a megabyte, which lets other threads run, as a training step does) and for one that
waits: what `log()` takes, with the processor time of labtop's threads. Beside it the difference to a process that takes
the same steps and does not log, by turns, the median of the pairs: true, but for a loop that computes drowned in noise
unless the machine is quiet. The first seconds, while git and packages are looked at, are left out; see bench_import.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS, STEPS = 9, 600
STEP_S = 0.005
WARM_S = 3.0
NAMES = [f"group/metric_{at}" for at in range(10)]


class Cost(NamedTuple):
    """Microseconds a step: of processor for the whole process and its main thread, and of waiting for `log()`."""

    process: float
    main: float
    log: float


def main() -> None:
    """Measure by turns, and print a JSON line a figure."""
    asked = [int(each) for each in sys.argv[1:]]
    rounds, steps = [*asked, *(ROUNDS, STEPS)[len(asked) :]]
    for work in ("computes", "waits"):
        pairs: list[tuple[Cost, Cost]] = []
        for _ in range(rounds):
            pairs.append((measured("log", work, steps), measured("bare", work, steps)))
        added = statistics.median(ours.process - bare.process for ours, bare in pairs)
        main_thread = statistics.median(ours.main - bare.main for ours, bare in pairs)
        log = statistics.median(ours.log for ours, _ in pairs)
        threads = statistics.median(ours.process - ours.main for ours, _ in pairs)
        share = (log + threads) / (STEP_S * 1e6) * 100
        say(f"added to a loop of 5 ms steps that {work}, ten metrics a step", share, "%", 0.5)
        say("  the same: log(), median, with cold caches", log, "µs", None)
        say("  the same: processor time of labtop's threads a step", threads, "µs", None)
        say("  the same: processor time a step, by the difference to the bare loop", added, "µs", 25.0)
        say("  the same: of it in the loop's own thread", main_thread, "µs", None)


def say(what: str, value: float, unit: str, budget: float | None) -> None:
    """One figure as a JSON line."""
    figure = {"what": what, "value": round(value, 3), "unit": unit, "budget": budget, "peer": ""}
    print(json.dumps({**figure, "peer_value": None, "ratio": None}), flush=True)


def measured(mode: str, work: str, steps: int) -> Cost:
    """One process's costs."""
    with tempfile.TemporaryDirectory(prefix="labtop-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_loop", mode, work, str(steps)],
            env={**os.environ, "LABTOP_STORE": f"{folder}/runs", "XDG_CACHE_HOME": f"{folder}/cache"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent.parent,
        )
        return Cost(*json.loads(done.stdout.splitlines()[-1]))


def take_steps(mode: str, work: str, steps: int) -> Cost:
    """The loop itself."""
    log = None
    if mode == "log":
        import labtop

        log = labtop.init(project="bench", config={"lr": 0.1}).log
    content = b"x" * 1_000_000
    often = max(1, round(STEP_S / min(_once(content) for _ in range(50))))
    until = time.monotonic() + WARM_S
    while log and time.monotonic() < until:
        log(numbers())
        time.sleep(STEP_S)
    taken: list[float] = []
    process, thread = time.process_time(), time.thread_time()
    for _ in range(steps):
        if work == "computes":
            for _ in range(often):
                hashlib.sha256(content).digest()
        else:
            time.sleep(STEP_S)
        values = numbers()
        if log:
            begun = time.perf_counter()
            log(values)
            taken.append(time.perf_counter() - begun)
    process, thread = time.process_time() - process, time.thread_time() - thread
    return Cost(process / steps * 1e6, thread / steps * 1e6, statistics.median(taken or [0.0]) * 1e6)


def numbers() -> dict[str, float]:
    """Values as a training has them: no two alike."""
    return {name: random.random() for name in NAMES}


def _once(content: bytes) -> float:
    begun = time.perf_counter()
    hashlib.sha256(content).digest()
    return time.perf_counter() - begun


if __name__ == "__main__":
    if sys.argv[1:2] in (["log"], ["bare"]):
        print(json.dumps(take_steps(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
