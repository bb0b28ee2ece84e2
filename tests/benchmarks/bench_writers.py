"""Thousands of processes that record runs of their own into one store at once, and how long it takes to list them.

    python -m tests.benchmarks.bench_writers [WRITERS] [AT_ONCE] [init]

Each is a process that begins a run, logs 20 times, waits until all of its batch have begun, logs 20 times more and
ends it: with a `RunWriter`, or with `init` by `labtop.init`, which records code and environment too. They come from
one process that has imported labtop, so that 2,000 of them fit on a laptop. It is checked that no run,
no point and no end is missing. One JSON line a figure; listing is compared with reading the records as bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import labtop
from labtop.model.run import Life, RunRecord
from labtop.store.layout import create_store, new_run_id, run_folder
from labtop.store.process import this_process
from labtop.store.writer import RunWriter

POINTS = 20


def say(what: str, value: float, unit: str, **more: object) -> None:
    """One figure as a JSON line."""
    print(json.dumps({"what": what, "value": round(value, 3), "unit": unit, **more}), flush=True)


class Bare:
    """A run as the store sees it."""

    def __init__(self, project: str, store: Path, config: dict[str, Any]) -> None:
        record = RunRecord(
            id=new_run_id(), name="run", project=project, params=config, started_at=datetime.now(UTC)
        )
        record = replace(record, life=Life(process=this_process()))
        self._writer = RunWriter(run_folder(store, project, record.id), record)

    def log(self, values: dict[str, float], step: int) -> None:
        """Log values."""
        self._writer.append(step, time.time_ns() // 1000, values)

    def finish(self) -> None:
        """End the run."""
        self._writer.close()


def record_one(store: Path, number: int, with_init: bool, begun: int, go: int, told: int) -> None:
    """What one process does; its times go down a pipe."""
    start = time.perf_counter()
    begin = labtop.init if with_init else Bare
    run = begin(project=f"p{number % 10}", store=store, config={"number": number, "lr": 0.1})
    began = time.perf_counter() - start
    for step in range(POINTS):
        run.log({"loss": float(step), "acc": 1.0}, step=step)
    os.write(begun, b".")
    os.read(go, 1)  # until the parent closes it
    slowest = 0.0
    for step in range(POINTS, 2 * POINTS):
        before = time.perf_counter()
        run.log({"loss": float(step), "acc": 1.0}, step=step)
        slowest = max(slowest, time.perf_counter() - before)
    start = time.perf_counter()
    run.finish()
    times = {"init": began, "log": slowest, "finish": time.perf_counter() - start}
    os.write(told, (json.dumps(times) + "\n").encode())


def batch(store: Path, first: int, count: int, with_init: bool, told: int) -> None:
    """Processes that are all alive at once."""
    begun_read, begun = os.pipe()
    go, hold = os.pipe()
    children = []
    for number in range(first, first + count):
        child = os.fork()
        if child == 0:
            os.close(hold)
            code = 1
            try:
                record_one(store, number, with_init, begun, go, told)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    waited = 0
    while waited < count:
        waited += len(os.read(begun_read, 4096))
    for descriptor in (hold, go, begun, begun_read):
        os.close(descriptor)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)


def main(writers: int, at_once: int, *, with_init: bool) -> None:
    """Record, check and list."""
    os.environ["LABTOP_CAPTURE_CODE"] = os.environ["LABTOP_CAPTURE_OUTPUT"] = "false"
    import pyarrow.parquet  # noqa: F401 - before forking

    place = Path(tempfile.mkdtemp(prefix="labtop-writers-"))
    store = place / "runs"
    create_store(store)
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        for first in range(0, writers, at_once):
            batch(store, first, min(at_once, writers - first), with_init, said.fileno())
        say("record", time.perf_counter() - start, "s", writers=writers, at_once=at_once)
        said.seek(0)
        times = [json.loads(line) for line in said]
    for name in ("init", "log", "finish"):
        values = sorted(each[name] * 1000 for each in times)
        say(name, statistics.median(values), "ms", p99=round(values[len(values) * 99 // 100], 2))
    check(store, writers)
    shutil.rmtree(place)


def check(store: Path, writers: int) -> None:
    """Nothing is missing; and how long it takes to see that."""
    from labtop.query.catalog import Catalog, TableQuery
    from labtop.store.layout import run_folders
    from labtop.store.reader import read_points

    start = time.perf_counter()
    folders = list(run_folders(store))
    content = [(folder / "run.parquet").read_bytes() for folder in folders]
    floor = time.perf_counter() - start
    cache = store.parent / "cache"
    for what in ("list, first time", "list, again"):
        start = time.perf_counter()
        catalog = Catalog(store, cache_root=cache)
        catalog.refresh()
        found = len(catalog.select(TableQuery()))
        took = time.perf_counter() - start
        finished = len(catalog.select(TableQuery("status = finished")))
        say(what, took, "s", runs=found, files_alone=round(floor, 3))
        assert (found, finished, catalog.problems) == (writers, writers, ())
        catalog.close()
    assert len(content) == writers
    for folder in folders:
        logged = [each for each in read_points(folder)[0] if each.name in ("loss", "acc")]
        assert len(logged) == 4 * POINTS
    say("points", writers * 4 * POINTS, "points", missing=0)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdecimal()]
    main(*(numbers if len(numbers) == 2 else (2000, 200)), with_init="init" in sys.argv[1:])
