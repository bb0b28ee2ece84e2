"""Opening, filtering, sorting, cells, groups and series, beside plain DuckDB, Polars and raw reading of the same files.

    python -m tests.benchmarks.bench_catalog [RUNS [STORE]]

Makes a store of 10,000 runs × 20 params × 10 metrics first (half a minute), or uses the one that is named.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from labtop.model.run import Beat, Life, Status
from labtop.query.catalog import Catalog, SortKey, TableQuery
from labtop.query.encoded_record import COLUMNS
from labtop.query.engine import new_connection, quote_name
from labtop.query.frames import rows_frame
from labtop.query.series import load_series
from labtop.store.format import point_schema, sorted_points_parquet
from labtop.store.layout import METRICS, create_store
from labtop.store.process import this_process
from labtop.store.writer import RunWriter
from tests.query.runs import run
from tests.stores import build_store, write_run

OPEN = """
import sys, time
from pathlib import Path
from labtop.query.catalog import Catalog, TableQuery
catalog = Catalog(Path(sys.argv[1]), cache_root=Path(sys.argv[2]))
first = []
def seen(done, total):
    if not first:
        rows = catalog.select(TableQuery()).rows
        catalog.cells(rows[:50], [each.key for each in catalog.columns()][:30])
        first.append(time.time())
catalog.refresh(seen)
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
print(first[0], time.time(), status['VmRSS'].split()[0], status['VmHWM'].split()[0])
catalog.close()
"""
BARE = """
import duckdb
duckdb.connect().execute('SELECT 1')
print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))
"""


def say(what: str, value: float, unit: str, budget: float | None, peer: str, peer_value: float) -> None:
    """One figure as a JSON line."""
    figure = {"what": what, "value": round(value, 4), "unit": unit, "budget": budget, "peer": peer}
    print(
        json.dumps({**figure, "peer_value": round(peer_value, 4), "ratio": round(value / peer_value, 2)}),
        flush=True,
    )


def median(ask: Callable[[], Any], times: int = 9) -> float:
    """The median of seconds that a call takes."""
    ask()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


class Opening(NamedTuple):
    """Seconds from the start of a process to rows and to the end of the refresh, of processor time; memory in MB."""

    first_s: float
    whole_s: float
    now_mb: float
    peak_mb: float
    cpu_s: float


def opening(store: Path, cache: Path) -> Opening:
    """Open a store in a process of its own."""
    started, before = time.time(), _cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(store), str(cache)], capture_output=True, text=True, check=True
    )
    first, end, now_kb, peak_kb = map(float, done.stdout.split())
    cpu_s = _cpu_of_children() - before
    return Opening(first - started, end - started, now_kb / 1000, peak_kb / 1000, cpu_s)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bench_opening(store: Path, cache: Path, runs: int) -> None:
    """First and later openings."""
    files = [str(path) for path in store.glob("*/*/run.parquet")]
    started = time.perf_counter()
    for path in files:
        Path(path).read_bytes()
    raw_s = time.perf_counter() - started
    connection = new_connection()
    columns = ", ".join(quote_name(name) for name in COLUMNS)
    started = time.perf_counter()
    connection.execute(
        f"CREATE TABLE t AS SELECT {columns} FROM read_parquet(?, union_by_name = true)", [files]
    )
    plain_s = time.perf_counter() - started
    connection.close()
    first = opening(store, cache)
    name = f"catalog: {runs:,} runs"
    say(
        f"{name}, first open, all indexed",
        first.whole_s,
        "s",
        4 * runs / 10_000,
        "DuckDB reads the same columns",
        plain_s,
    )
    say(
        f"{name}, first open, processor time of all processes",
        first.cpu_s,
        "s",
        None,
        "DuckDB reads the same columns",
        plain_s,
    )
    say(f"{name}, first open, first rows", first.first_s, "s", 1.0, "raw read of the files", raw_s)
    bare_started = time.time()
    bare = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True)
    bare_s, bare_mb = time.time() - bare_started, float(bare.stdout) / 1000
    say(f"{name}, first open, peak memory", first.peak_mb, "MB", None, "bare Python with DuckDB", bare_mb)
    warm = sorted(opening(store, cache) for _ in range(5))[2]
    budget = 1.2 if runs >= 100_000 else 1.0
    say(f"{name}, later open, first rows", warm.first_s, "s", budget, "bare Python with DuckDB", bare_s)
    say(
        f"{name}, later open, live runs read again",
        warm.whole_s,
        "s",
        None,
        "bare Python with DuckDB",
        bare_s,
    )
    say(f"{name}, later open, memory", warm.now_mb, "MB", None, "bare Python with DuckDB", bare_mb)


def bench_asking(store: Path, cache: Path, runs: int) -> None:
    """Filter, sort, cells, profile and groups of a store that is open."""
    catalog = Catalog(store, cache_root=cache)
    catalog.refresh()
    name = f"catalog: {runs:,} runs"
    everything = catalog.select(TableQuery())
    keys = [each.key for each in catalog.columns()]
    shown = [
        "id",
        "name",
        "status",
        "started_at",
        *[key for key in keys if key.startswith(("params", "metrics"))],
    ][:30]
    frame = rows_frame(catalog, everything.rows, {key: key for key in keys})
    import polars

    lr, loss = polars.col("params.lr"), polars.col("metrics.val/loss")

    def asked(where: str, sort: tuple[SortKey, ...] = ()) -> float:
        def ask() -> None:
            catalog._last = None
            catalog.select(TableQuery(where, sort))

        return median(ask)

    def in_polars(frame_of: Callable[[], polars.DataFrame]) -> float:
        return median(lambda: frame_of()["id"].to_list())

    say(f"{name}, filter", asked("lr < 1e-3") * 1e3, "ms", 40, "Polars, to a list of ids", in_polars(
        lambda: frame.filter(lr < 1e-3).sort("started_at", descending=True)) * 1e3)  # fmt: skip
    by_loss = (SortKey("metrics.val/loss"),)
    say(f"{name}, sort by a metric", asked("", by_loss) * 1e3, "ms", 40, "Polars, to a list of ids", in_polars(
        lambda: frame.sort("metrics.val/loss")) * 1e3)  # fmt: skip
    say(f"{name}, sort by name", asked("", (SortKey("name"),)) * 1e3, "ms", 40, "Polars, to a list of ids", in_polars(
        lambda: frame.sort("name")) * 1e3)  # fmt: skip
    both = in_polars(lambda: frame.filter((lr < 1e-2) & (loss < 0.5)).sort("metrics.val/loss"))
    ours = asked("lr < 1e-2 and val/loss < 0.5", by_loss)
    say(f"{name}, filter and sort", ours * 1e3, "ms", 40, "Polars, to a list of ids", both * 1e3)
    chance = random.Random(0)
    rows = chance.sample(list(everything.rows), min(50, runs))
    picked = median(lambda: frame.select(shown)[list(rows)].rows())
    say(f"{name}, cells of 50 rows × 30", median(lambda: catalog.cells(rows, shown)) * 1e3, "ms", 5,
        "Polars, rows by number", picked * 1e3)  # fmt: skip
    page = everything.rows[:50]
    say(f"{name}, cells of the first page", median(lambda: catalog.cells(page, shown)) * 1e3, "ms", 5,
        "Polars, rows by number", picked * 1e3)  # fmt: skip
    sparks = ["spark" + key.removeprefix("metrics") for key in keys if key.startswith("metrics")]
    say(f"{name}, sparklines of 50 rows × 10", median(lambda: catalog.cells(rows, sparks)) * 1e3, "ms", 5,
        "Polars, rows by number", picked * 1e3)  # fmt: skip
    say(f"{name}, profile of 30 columns", median(lambda: catalog.profile(everything, shown), 3) * 1e3, "ms", None,
        "Polars describe", median(lambda: frame.select(shown).describe(), 3) * 1e3)  # fmt: skip
    values = ["metrics.val/loss", "metrics.val/acc"]
    by = ["params.optimizer", "params.batch_size", "params.amp"]
    mean, std = polars.col(values).mean().name.suffix(".mean"), polars.col(values).std().name.suffix(".std")
    grouped = median(lambda: frame.group_by(by).agg(mean, std, polars.len()), 5)
    say(f"{name}, group by three params", median(lambda: catalog.group(everything, by, values), 5) * 1e3, "ms", None,
        "Polars group_by", grouped * 1e3)  # fmt: skip
    say(f"{name}, group by seed", median(lambda: catalog.group(everything, "seed", values), 3) * 1e3, "ms", None,
        "Polars group_by", grouped * 1e3)  # fmt: skip
    listing = median(lambda: [path for path in store.iterdir() if path.is_dir()])
    say(
        f"{name}, refresh with nothing new",
        median(catalog.refresh, 5) * 1e3,
        "ms",
        None,
        "listing the projects",
        listing * 1e3,
    )
    catalog.close()


def bench_living(folder: Path) -> None:
    """What it takes to follow one run that logs ten metrics, among two hundred that have ended."""
    store = build_store(folder / "living", runs=200, points=0)
    record = run(
        {f"p{at}": at for at in range(20)},
        name="live",
        status=Status.RUNNING,
        ended_at=None,
        life=Life(beat=Beat(interval_s=1), process=this_process()),
    )
    writer = RunWriter(store / "digits" / record.id, record)
    catalog = Catalog(store, cache_root=folder / "cache of the living")
    catalog.refresh()
    taken: list[float] = []
    idle: list[float] = []
    for step in range(30):
        writer.append(float(step), step + 1, {f"m{at}": 1 / (step + 1) for at in range(10)})
        for times in (taken, idle):
            started = time.process_time()
            catalog.refresh()
            times.append((time.process_time() - started) * 1e3)
    say(
        "catalog: a live run that changed is taken in, processor time",
        statistics.median(taken[5:]),
        "ms",
        10,
        "a refresh with nothing new",
        statistics.median(idle[5:]),
    )
    writer.close()
    catalog.close()


def bench_series(folder: Path, points: int = 1_000_000, runs: int = 10) -> None:
    """Ten series of a million points from disk."""
    import numpy
    import pyarrow

    store = folder / "points"
    create_store(store)
    values = numpy.random.default_rng(0).random(points)
    ids = [f"{letter}" * 10 for letter in "abcdefghij"[:runs]]
    part = 50_000
    for run_id in ids:
        write_run(store, run(id=run_id, name=run_id))
        for number, start in enumerate(range(0, points, part), 1):
            steps = numpy.arange(start, start + part)
            columns = [
                [run_id] * part,
                ["loss"] * part,
                steps.astype(float),
                steps,
                values[start : start + part],
                ["w" * 10] * part,
                steps,
            ]
            arrays = [
                pyarrow.array(each, kind.type) for each, kind in zip(columns, point_schema(), strict=True)
            ]
            content = sorted_points_parquet(pyarrow.Table.from_arrays(arrays, schema=point_schema()))
            (store / "digits" / run_id / METRICS / f"{'w' * 10}-{number:05}.parquet").write_bytes(content)
    catalog = Catalog(store, cache_root=folder / "cache of points")
    catalog.refresh()
    files = [str(path) for path in store.glob("*/*/metrics/*.parquet")]
    connection = new_connection()
    plain = median(
        lambda: connection.execute(
            "SELECT sum(step), sum(value), max(time) FROM read_parquet(?)", [files]
        ).fetchall(),
        3,
    )
    loaded = median(lambda: load_series(catalog, ids, ["loss"]), 3)
    assert sum(map(len, load_series(catalog, ids, ["loss"]))) == points * runs
    say(
        f"series: {runs} × {points:,} points from disk",
        loaded,
        "s",
        1.0,
        "DuckDB sums the same columns",
        plain,
    )
    catalog.close()


def main() -> None:
    """Measure and print a JSON line a figure."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="labtop-bench-") as name:
        folder = Path(name)
        store = Path(sys.argv[2]) if len(sys.argv) > 2 else build_store(folder / "store", runs, points=0)
        bench_opening(store, folder / "cache", runs)
        bench_asking(store, folder / "cache", runs)
        bench_living(folder)
        bench_series(folder)


if __name__ == "__main__":
    main()
