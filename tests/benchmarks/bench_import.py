"""What `import labtop` costs a training script over bare Python, and what beginning a run costs once.

python -m tests.benchmarks.bench_import
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 11
PROGRAMS = {
    "bare": "pass",
    "import": "import labtop",
    "numpy": "import numpy",
    "verbs": "import labtop; labtop.init",
    "init": "import labtop; labtop.init(); import os; os._exit(0)",
}


def main() -> None:
    """Time each program, interleaved, and print a JSON line a figure."""
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": folder,
            "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),
        }
        for _ in range(ROUNDS):
            for name, code in PROGRAMS.items():
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, env=environment)
                taken[name].append((time.perf_counter() - begun) * 1000)
    median = {name: statistics.median(times) for name, times in taken.items()}
    bare = median["bare"]
    report(
        "import labtop, over bare Python",
        median["import"] - bare,
        60.0,
        "import numpy",
        median["numpy"] - bare,
    )
    report(
        "import labtop and the first verb, over bare Python",
        median["verbs"] - bare,
        None,
        "import numpy",
        median["numpy"] - bare,
    )
    report(
        "labtop.init(), with the import, over bare Python", median["init"] - bare, None, "bare Python", bare
    )


def report(what: str, value: float, budget: float | None, peer: str, peer_value: float) -> None:
    """Print one figure."""
    figure = {
        "what": what,
        "value": value,
        "unit": "ms",
        "budget": budget,
        "peer": peer,
        "peer_value": peer_value,
    }
    print(json.dumps({**figure, "ratio": value / peer_value}))


if __name__ == "__main__":
    main()
