"""What ten metrics a step add to a loop of 5 ms steps that compute: of labtop, and of one bare `write()` a step.

    python -m tests.benchmarks.bench_loop [ROUNDS]

peer_worker.loop says how. The bare write is the floor: a point that outlives `kill -9` has to be in the kernel when
`log()` returns. On a busy machine the wall time is noise; `log()`'s own time and the processor time of the loop's
thread still tell.
"""

from __future__ import annotations

import json
import statistics
import sys

from tests.benchmarks.bench_peers import MEASURES, measured

ROUNDS = 3
FLOOR = "bare_write"


def main() -> None:
    """Measure some rounds, the two by turns, and print a JSON line a figure, the median."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found: dict[str, list[dict[str, float]]] = {"labtop": [], FLOOR: []}
    for _ in range(rounds):
        for name, each in found.items():
            each.append(measured(name, sys.executable, "loop"))
    for measure in (each for each in MEASURES if each.key in found["labtop"][0]):
        ours, floor = (
            statistics.median(one[measure.key] for one in found[name]) for name in ("labtop", FLOOR)
        )
        figure = {
            "what": measure.what,
            "value": round(ours, 3),
            "unit": measure.unit,
            "budget": measure.budget,
            "peer": "one bare write() a step",
            "peer_value": round(floor, 3),
            "ratio": round(ours / floor, 2) if floor > 0 else None,
        }
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
