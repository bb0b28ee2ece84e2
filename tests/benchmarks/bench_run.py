"""What `labtop run` adds to a command: before it starts, after it has ended, and in all for one that does nothing.

    python -m tests.benchmarks.bench_run [TIMES]

The command prints the time at which it runs. "Until the command runs" is counted from the start of labtop's process,
beside the same command started by a Python that does nothing else (`os.execvp`): the difference is what labtop adds,
since no program in Python can start one sooner. "After the command has ended" is counted from the time that the command
prints as its last act to the end of labtop's process, for a command of some seconds, so that git, packages and hardware
have been asked meanwhile. `true` ends before that: all of it is waited for. The working folder is a small repository.
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

TIMES = 7
LASTS_S = 4
LABTOP = [sys.executable, "-c", "from labtop.cli.entry import main; main()", "run", "--"]
PYTHON = [sys.executable, "-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"]
NOW = ["date", "+%s.%N"]
LATE = ["sh", "-c", f"sleep {LASTS_S}; exec date +%s.%N"]


def main() -> None:
    """Measure by turns, and print a JSON line a figure."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(XDG_CACHE_HOME=f"{folder}/cache", PYTHONPYCACHEPREFIX=f"{folder}/compiled")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        _make_repository()
        spent([*LABTOP, "true"])  # compiles
        starts: dict[str, list[float]] = {"labtop": [], "python": [], "bare": []}
        ends: dict[str, list[float]] = {"labtop": [], "bare": []}
        wholes: dict[str, list[float]] = {"labtop": [], "python": [], "bare": []}
        for _ in range(times):
            for name, before in (("labtop", LABTOP), ("python", PYTHON), ("bare", [])):
                starts[name].append(spent([*before, *NOW])[0])
            for name, before in (("labtop", LABTOP), ("bare", [])):
                ends[name].append(spent([*before, *LATE])[1])
            wholes["labtop"].append(sum(spent([*LABTOP, "true"])))
            wholes["python"].append(sum(spent([sys.executable, "-c", "pass"])))
            wholes["bare"].append(sum(spent(["true"])))
        start, floor = statistics.median(starts["labtop"]), statistics.median(starts["python"])
        end, bare_end = statistics.median(ends["labtop"]), statistics.median(ends["bare"])
        say("labtop run: until the command runs", start, None, "a Python that does nothing else", floor)
        say(f"labtop run: after a command of {LASTS_S} s has ended", end, None, "the command alone", bare_end)
        added = start - floor + end - bare_end
        say("labtop run: added to such a command, beyond Python's own start", added, 50.0, "", None)
        whole = statistics.median(wholes["labtop"])
        say("labtop run -- true, in all", whole, None, "python -c pass", statistics.median(wholes["python"]))


def _make_repository() -> None:
    Path("train.py").write_text("print('hello')\n")
    Path(".gitignore").write_text("runs\ncache\ncompiled\n")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *words], check=True)


def spent(command: list[str]) -> tuple[float, float]:
    """Milliseconds until a command printed the time, and from then to its end; (all, 0) for one that prints none."""
    began = time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    ended = time.time()
    printed = float(done.stdout) if done.stdout else ended
    return (printed - began) * 1000, (ended - printed) * 1000


def say(what: str, value: float, budget: float | None, peer: str, peer_value: float | None) -> None:
    """One figure as a JSON line."""
    ratio = value / peer_value if peer_value else None
    figure = {"what": what, "value": value, "unit": "ms", "budget": budget, "peer": peer}
    print(json.dumps({**figure, "peer_value": peer_value, "ratio": ratio}))


if __name__ == "__main__":
    main()
