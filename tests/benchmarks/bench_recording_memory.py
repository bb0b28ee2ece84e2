"""How much memory a run of ten million points takes, over bare Python.

python -m tests.benchmarks.bench_recording_memory [POINTS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

POINTS = 10_000_000
METRICS = 10
BUDGET_MB = 130.0

_BARE = "import psutil; print(psutil.Process().memory_info().rss / 1e6)"
_PYARROW = "import psutil, pyarrow.parquet; print(psutil.Process().memory_info().rss / 1e6)"
_RUN = """
import json, resource, sys, time
import psutil
import labtop
points, metrics = int(sys.argv[1]), int(sys.argv[2])
calls = points // metrics
rss = psutil.Process().memory_info
values = {f"train/metric_{at}": 0.5 * at for at in range(metrics)}
seen = []
begun = time.perf_counter()
with labtop.init(store="runs", config={"lr": 0.1}) as run:
    for step in range(calls):
        values["train/metric_0"] = float(step)
        run.log(values)
        if step % (calls // 20) == calls // 20 - 1:
            seen.append(rss().rss / 1e6)
loop_s = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps({"seen": seen, "peak": peak, "end": rss().rss / 1e6, "loop_s": loop_s}))
"""


def main() -> None:
    """Print a JSON line a figure."""
    points = int(sys.argv[1]) if len(sys.argv) > 1 else POINTS
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "XDG_CACHE_HOME": folder,
            "LABTOP_CAPTURE_CODE": "0",
        }

        def python(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-c", *arguments],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            return done.stdout

        bare = float(python(_BARE))
        floor = float(python(_PYARROW)) - bare
        told = json.loads(python(_RUN, str(points), str(METRICS)))
    millions = f"{points / 1e6:g} M"
    report(
        f"memory of a run of {millions} points, peak over bare Python", told["peak"] - bare, BUDGET_MB, floor
    )
    seen = told["seen"]
    early, late = sum(seen[4:10]) / 6, sum(seen[-6:]) / 6
    report(f"growth in the last third of {millions} points", late - early, 5.0, None)
    report(
        f"{millions} points logged in a bare loop, µs a point",
        told["loop_s"] / points * 1e6,
        None,
        None,
        "µs",
    )
    print(json.dumps({"seen": [round(each) for each in seen], "bare": round(bare)}), file=sys.stderr)


def report(what: str, value: float, budget: float | None, floor: float | None, unit: str = "MB") -> None:
    """Print one figure."""
    peer = "importing pyarrow" if floor is not None else ""
    print(
        json.dumps(
            {
                "what": what, "value": round(value, 2), "unit": unit, "budget": budget, "peer": peer,
                "peer_value": floor, "ratio": value / floor if floor else None,
            }
        ),
        flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
