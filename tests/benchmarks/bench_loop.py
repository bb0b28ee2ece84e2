"""What ten metrics a step add to a loop of 5 ms steps that compute: of labtop alone, as bench_peers measures all.

    python -m tests.benchmarks.bench_loop [ROUNDS]

peer_worker.loop says how. On a busy machine the wall time is noise; the processor time of the loop's thread still
tells.
"""

from __future__ import annotations

import json
import statistics
import sys

from tests.benchmarks.bench_peers import MEASURES, measured

ROUNDS = 3


def main() -> None:
    """Measure some rounds and print a JSON line a figure, the median."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = [measured("labtop", sys.executable, "loop") for _ in range(rounds)]
    for measure in (each for each in MEASURES if each.key in found[0]):
        value = statistics.median(each[measure.key] for each in found)
        figure = {
            "what": measure.what,
            "value": round(value, 3),
            "unit": measure.unit,
            "budget": measure.budget,
        }
        print(json.dumps({**figure, "peer": "", "peer_value": None, "ratio": None}), flush=True)


if __name__ == "__main__":
    main()
