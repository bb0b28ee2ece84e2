"""labtop beside trackio, wandb (offline), tensorboardX, mlflow and aim: the same calls in the same run of this program.

    python -m tests.benchmarks.bench_peers [FOLDER]

Each peer gets a virtual environment of its own in FOLDER (by default in the user's cache), made when it is not there;
that takes minutes, the measuring about ten. One that cannot be installed is named with the reason. Peers take turns,
and what is told of each is the median of its rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from labtop.settings import cache_folder

WORKER = Path(__file__).with_name("peer_worker.py")
PEERS = {
    "trackio": "trackio",
    "wandb": "wandb",
    "tensorboardx": "tensorboardX",
    "mlflow": "mlflow",
    "aim": "aim",
}
ROUNDS = 2
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)  # for the steps
INSTALL_S, WORK_S = 900, 90


class Measure(NamedTuple):
    """One figure: `key` of the worker's answer, lower is better."""

    key: str
    what: str
    unit: str
    budget: float | None = None


MEASURES = (
    Measure("log_1_us", "`log()` of 1 metric", "µs", 10),
    Measure("log_10_us", "`log()` of 10 metrics", "µs", 10),
    Measure("log_1000_us", "`log()` of 1,000 metrics", "µs"),
    Measure("added_percent", "added to a loop of 5 ms steps, ten metrics a step, wall time", "%", 0.5),
    Measure("log_cold_us", "the same: `log()`, median, with cold caches", "µs", 25),
    Measure("loop_cpu_us", "the same: processor time in the loop's thread, a step", "µs", 25),
    Measure("other_cpu_us", "the same: processor time of other threads and processes, a step", "µs"),
    Measure("start_s", "import and start of a run", "s"),
    Measure("end_s", "end of a run of 4 s and 1,000 points", "s", 0.03),
    Measure("disk_mb", "on disk, 1,000,000 points", "MB"),
    Measure("memory_mb", "memory while they are logged, with Python's", "MB"),
)


def main() -> None:
    """Install, measure, print a JSON line a figure and a table of all."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else cache_folder() / "peers"
    pythons: dict[str, str] = {"labtop": sys.executable}
    missing: dict[str, str] = {}
    for name, package in PEERS.items():
        try:
            pythons[name] = str(installed(home.absolute() / name, package))
        except (OSError, subprocess.SubprocessError) as problem:
            missing[name] = reason_of(problem)
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in pythons}
    for at in range(ROUNDS):
        for name, python in [*pythons.items()]:
            for what in ("speed", "loop", "small", "size") if at == 0 else ("speed", "loop", "small"):
                try:
                    for key, value in measured(name, python, what).items():
                        if what == "small" or key != "end_s":
                            taken[name].setdefault(key, []).append(value)
                except (ValueError, OSError, subprocess.SubprocessError) as problem:
                    missing[name] = reason_of(problem)
                    del pythons[name], taken[name]
                    break
    medians = {
        name: {key: statistics.median(values) for key, values in found.items()}
        for name, found in taken.items()
    }
    for measure in MEASURES:
        print(json.dumps(figure(measure, medians)))
    print("\n".join(table(medians, missing)))


def installed(folder: Path, package: str) -> Path:
    """The interpreter of the environment that has a package; made where it is not there."""
    python = folder / "bin/python"
    done = folder / "installed"
    if not done.exists():
        subprocess.run(
            [sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120
        )
        install = [str(python), "-m", "pip", "install", "--quiet", package, "numpy"]
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=INSTALL_S)
        done.touch()
    return python


def measured(name: str, python: str, what: str) -> dict[str, float]:
    """What the worker says of one tracker."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, **ONE_THREAD, "TRACKIO_DIR": f"{folder}/data/trackio", "HOME": folder,
            "XDG_CACHE_HOME": f"{folder}/.cache", "PYTHONDONTWRITEBYTECODE": "", "DO_NOT_TRACK": "1",
        }  # fmt: skip
        data = Path(folder, "data")
        data.mkdir()
        done = subprocess.run(
            [python, str(WORKER), name, what, str(data)],
            cwd=folder, env=environment,
            capture_output=True, text=True, timeout=WORK_S, check=True,
        )  # fmt: skip
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def reason_of(problem: Exception) -> str:
    """In a line: that it took too long, else the last line of what a program said, or the problem itself."""
    if isinstance(problem, subprocess.TimeoutExpired):
        return f"{Path(problem.cmd[1]).name} had not ended after {problem.timeout:g} s"
    said = str(getattr(problem, "stderr", None) or problem).strip().splitlines()
    return said[-1][:200] if said else type(problem).__name__


def figure(measure: Measure, medians: dict[str, dict[str, float]]) -> dict[str, object]:
    """labtop's value beside the best peer's."""
    ours = medians["labtop"][measure.key]
    others = {name: found[measure.key] for name, found in medians.items() if name != "labtop"}
    best = min(others, key=others.__getitem__, default="")
    value = others.get(best)
    return {
        "what": measure.what, "value": ours, "unit": measure.unit, "budget": measure.budget, "peer": best,
        "peer_value": value, "ratio": ours / value if value and value > 0 else None, "all": others,
    }  # fmt: skip


def table(medians: dict[str, dict[str, float]], missing: dict[str, str]) -> Iterator[str]:
    """All of them in Markdown."""
    yield f"\n| what | {' | '.join(medians)} |"
    yield f"|---|{'---:|' * len(medians)}"
    for measure in MEASURES:
        cells = (f"{found[measure.key]:.3g} {measure.unit}" for found in medians.values())
        yield f"| {measure.what} | {' | '.join(cells)} |"
    for name, reason in missing.items():
        yield f"\n{name}: not measured: {reason}"


if __name__ == "__main__":
    main()
