"""Logs of other trackers: whole processes of labtop beside the tracker's own reader, or beside reading the bytes.

    python -m tests.benchmarks.bench_sources [FOLDER] [PART…]

Parts: tensorboard, mlflow, files, wandb. The logs are made first, the same each time. The trackers' readers get virtual
environments of their own in FOLDER, as `bench_peers` makes them; one that cannot be had is left out. "First" begins
with an empty cache, "later" with what the first left; both are `labtop ls --limit 1`, which reads all runs, unless
another question is told. Labtop and the reader take turns, and the least of each counts: `ratio` is that of the time
that passed, `processor_ratio` that of the time of all processors.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from labtop.settings import cache_folder
from tests.benchmarks.bench_peers import installed
from tests.formats.event_files import event, events_file, simple
from tests.sources.writers import wandb_log
from tests.sources.writers.mlflow_files import START, run_id, write_experiment, write_run
from tests.sources.writers.mlflow_sql import Database

ROUNDS = 3
LABTOP = [sys.executable, "-c", "from labtop.cli.entry import main; main()", "ls"]
ONE = ("--limit", "1")

ACCUMULATOR = """
import sys
from pathlib import Path
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
points = 0
for folder in {each.parent for each in Path(sys.argv[1]).rglob("*tfevents*")}:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    points += sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])
print(points)
"""
SEARCH_RUNS = """
import sys, mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
print(len(mlflow.search_runs(search_all_experiments=True, max_results=50000)))
"""
RAW = """
import os, sys
total = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            total += len(file.read())
print(total)
"""


def main() -> None:
    """Make the logs, measure by turns, print a JSON line a figure."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else cache_folder() / "peers"
    parts = sys.argv[2:] or list(PARTS)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(XDG_DATA_HOME=f"{folder}/data", PYTHONPYCACHEPREFIX=f"{folder}/compiled")
        for part in parts:
            place = Path(folder) / part
            place.mkdir()
            for figure in PARTS[part](place, home.absolute()):
                print(json.dumps(figure), flush=True)
            shutil.rmtree(place)


class Spent(NamedTuple):
    """What a process took with those that it started: seconds, seconds of processors, peak memory of one in MB."""

    seconds: float
    processor_s: float
    memory: float


def spent(command: list[str], **environment: str) -> Spent:
    """Run a process. Raises CalledProcessError."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Spent(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def by_turns(logs: Path, question: Sequence[str], peer: list[str] | None) -> dict[str, Spent]:
    """The least of what a first and a later listing and the tracker's own reader took."""
    rounds: dict[str, list[Spent]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as cache:
            for name in ("first", "later"):
                command = [*LABTOP, *question, str(logs)]
                rounds.setdefault(name, []).append(spent(command, XDG_CACHE_HOME=cache))
        if peer is not None:
            rounds.setdefault("peer", []).append(spent(peer))
    return {name: Spent(*map(min, zip(*each, strict=True))) for name, each in rounds.items()}


def reader(home: Path, name: str, package: str, program: str, logs: Path) -> list[str] | None:
    """The tracker's own reader as a command; None where it cannot be had."""
    try:
        return [str(installed(home / name, package)), "-c", program, str(logs)]
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{package}: {error}", file=sys.stderr)
        return None


def figures(
    what: str,
    logs: Path,
    peer: tuple[str, list[str] | None] = ("", None),
    share: float | None = None,
    budgets: tuple[float | None, float | None] = (None, None),
    question: Sequence[str] = ONE,
) -> Iterator[dict[str, object]]:
    """The figures of one kind of logs. `share` is the budget of the first as a multiple of the peer's time."""
    told, command = peer
    took = by_turns(logs, question, command)
    theirs = took.get("peer")
    for name, budget in zip(("first", "later"), budgets, strict=True):
        ours = took[name]
        if share is not None and theirs is not None and name == "first":
            budget = share * theirs.seconds
        yield {
            "what": f"{what}, {name}", "value": ours.seconds, "unit": "s", "budget": budget, "peer": told,
            "peer_value": theirs and theirs.seconds, "ratio": theirs and ours.seconds / theirs.seconds,
            "processor_s": ours.processor_s,
            "processor_ratio": theirs and ours.processor_s / theirs.processor_s,
        }  # fmt: skip
    yield {"what": f"{what}, memory", "value": took["first"].memory, "unit": "MB", "budget": 300.0}


def tensorboard(folder: Path, home: Path) -> Iterator[dict[str, object]]:
    """20 runs with 5 scalars and 10,000 steps each: a million points."""
    for run in range(20):
        events = [
            event(step, 1.7e9 + step, simple(f"tag/{tag}", math.sin(step / 100 + run) + tag))
            for step in range(10_000)
            for tag in range(5)
        ]
        path = folder / f"run{run}" / f"events.out.tfevents.1700000000.host.{run}.0"
        path.parent.mkdir()
        path.write_bytes(events_file(*events))
    peer = "EventAccumulator", reader(home, "tensorboard", "tensorboard", ACCUMULATOR, folder)
    yield from figures("event files, 1,000,000 scalars", folder, peer, 1 / 5)


def mlflow(folder: Path, home: Path) -> Iterator[dict[str, object]]:
    """A database of 5,000 runs with 10 params, 10 metrics of 20 points and 5 tags each."""
    path = folder / "mlflow.db"
    try:  # the client opens what it made itself
        python = installed(home / "mlflow", "mlflow")
        subprocess.run([str(python), "-c", SEARCH_RUNS, str(path)], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        Database(path)
    with closing(sqlite3.connect(path)) as connection:
        for run in range(5000):
            name = run_id(run)
            connection.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, user_id, source_version, artifact_uri, "
                "status, start_time, end_time, lifecycle_stage, experiment_id) "
                "VALUES (?, ?, 'LOCAL', 'train.py', 'me', '', 's3://bucket', 'FINISHED', ?, ?, 'active', 0)",
                [name, f"run-{run}", START + run * 1000, START + run * 1000 + 60_000],
            )
            connection.executemany(
                "INSERT INTO params VALUES (?, ?, ?)",
                [(f"p{at}", str(run * at / 7), name) for at in range(10)],
            )
            connection.executemany(
                "INSERT INTO tags VALUES (?, ?, ?)", [(f"t{at}", f"v{at}", name) for at in range(5)]
            )
            connection.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
                [
                    (f"m{at}", math.sin(run + step) + at, START + step, name, step)
                    for at in range(10)
                    for step in range(20)
                ],
            )
            connection.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, 19, 0, ?)",
                [(f"m{at}", math.sin(run + 19) + at, START + 19, name) for at in range(10)],
            )
        connection.commit()
    # the client brings a database up to its own schema first, so it gets a copy
    copy = folder.with_name("mlflow-copy.db")
    shutil.copyfile(path, copy)
    peer = "search_runs", reader(home, "mlflow", "mlflow", SEARCH_RUNS, copy)
    yield from figures("MLflow database, 5,000 runs", folder, peer, 1 / 10)
    yield from figures("the same, all runs as a table", folder, peer, question=())
    yield from figures("the same, all runs and points as JSON", folder, question=("--format", "jsonl"))


def files(folder: Path, home: Path) -> Iterator[dict[str, object]]:
    """A file store of MLflow: 1,500 runs of 60 small files, 90,000 in all."""
    experiment = write_experiment(folder / "mlruns", "1", "digits")
    for run in range(1500):
        write_run(
            experiment,
            run,
            metrics={
                f"m{at}": "".join(f"{START + step} {step / 7} {step}\n" for step in range(30))
                for at in range(15)
            },
            params={f"p{at}": str(at * run) for at in range(34)},
            tags={f"t{at}": f"v{at}" for at in range(10)},
        )
    peer = "reading them", [sys.executable, "-c", RAW, str(folder)]
    yield from figures("MLflow file store, 90,000 files", folder, peer, 3.0)


def wandb(folder: Path, home: Path) -> Iterator[dict[str, object]]:
    """200 runs of W&B, 130 MB in all: history of some metrics, and what the machine did."""
    for run in range(200):
        records = [wandb_log.run(f"run{run:05}", lr=run / 100)]
        values = {f"metric/{at}": 0.0 for at in range(12)}
        for step in range(1250):
            for at, name in enumerate(values):
                values[name] = math.sin(step / 50 + at + run)
            records.append(wandb_log.row(step, values, at=1.7e9 + step))
            if step % 10 == 0:
                records.append(wandb_log.stats(1_700_000_000 + step, {"cpu": 50.0, "memory": 40.0}))
        records.append(wandb_log.end())
        wandb_log.write_run(folder / "wandb", records, run_id=f"run{run:05}")
    size = sum(each.stat().st_size for each in folder.rglob("*.wandb")) / 1e6
    yield from figures(f"{size:.0f} MB of .wandb, 200 runs", folder, budgets=(4.0, 1.0))


PARTS: dict[str, Callable[[Path, Path], Iterator[dict[str, object]]]] = {
    "tensorboard": tensorboard,
    "mlflow": mlflow,
    "files": files,
    "wandb": wandb,
}

if __name__ == "__main__":
    main()
