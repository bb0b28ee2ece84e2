"""What drawing curves costs at 200×50, beside the floor: the lowest and highest value of the same arrays.

python -m tests.benchmarks.bench_chart

With PEERS_PYTHON naming an interpreter that has plotext, its drawing of the same points is measured too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from labtop.model.run import MetricSummary, RunRecord, Status
from labtop.query.catalog import Catalog
from labtop.settings import Settings
from labtop.store.format import point_schema, sorted_points_parquet
from labtop.store.layout import METRICS, create_store
from labtop.views.chart import Chart
from labtop.views.chart_curves import Curve, Face, Smoothing
from labtop.views.chart_drawing import draw
from labtop.views.chart_look import CurvesView
from labtop.views.chart_source import CurveSource
from tests.stores import write_run
from tests.terminal import Terminal
from tests.tui.curves_app import IDS, build_curves

WIDTH, HEIGHT = 198, 46
IDS_OF_TEN = tuple(f"runbig{letter}aaa" for letter in "abcdefghij")
PLOTEXT = """
import sys, time, random, plotext as plt
runs, points = int(sys.argv[1]), int(sys.argv[2])
series = [[random.random() for _ in range(points)] for _ in range(runs)]
steps = list(range(points))
began = time.perf_counter()
plt.plotsize(198, 46)
for each in series:
    plt.plot(steps, each, marker="braille")
plt.build()
print(time.perf_counter() - began)
"""


def main() -> None:
    """Measure and print a JSON line a figure."""
    rng = np.random.default_rng(0)
    for runs, points, budget in ((50, 1_000, 50), (10, 1_000_000, 150)):
        chart = Chart("loss", tuple(_curve(rng, number, points) for number in range(runs)))
        drawn = _median_ms(partial(draw, chart, WIDTH, HEIGHT))
        floor = _median_ms(partial(_extremes, chart))
        what = f"chart: draw {runs} × {points:,} points"
        report(what, drawn, "ms", budget, "min and max of the arrays", floor)
    _against_plotext(rng, 10, 10_000)
    _smoothing(rng)
    with tempfile.TemporaryDirectory() as folder:
        _from_disk(Path(folder) / "large", rng)
        _cursor(build_curves(Path(folder) / "small"))


def _extremes(chart: Chart) -> list[tuple[float, float]]:
    return [(float(each.drawn.min()), float(each.drawn.max())) for each in chart.curves]


def _curve(rng: np.random.Generator, number: int, points: int) -> Curve:
    x, y = np.arange(points, dtype=np.float64), rng.normal(size=points).cumsum()
    return Curve(f"run{number}", f"run {number}", "*", "red", x, y, y, x, last=float(y[-1]))


def _smoothing(rng: np.random.Generator) -> None:
    curve = _curve(rng, 0, 1_000_000)
    took = _median_ms(lambda: Smoothing("ema", 0.99).apply(curve.logged))
    report(
        "chart: EMA of 1,000,000 points",
        took,
        "ms",
        None,
        "a cumulative sum",
        _median_ms(curve.logged.cumsum),
    )


def _against_plotext(rng: np.random.Generator, runs: int, points: int) -> None:
    python = os.environ.get("PEERS_PYTHON")
    if not python:
        return
    chart = Chart("loss", tuple(_curve(rng, number, points) for number in range(runs)))
    took = _median_ms(lambda: draw(chart, WIDTH, HEIGHT))
    answer = subprocess.run(
        [python, "-c", PLOTEXT, str(runs), str(points)], capture_output=True, text=True, check=True
    )
    report(
        f"chart: draw {runs} × {points:,} points", took, "ms", None, "plotext", float(answer.stdout) * 1000
    )


def _from_disk(store: Path, rng: np.random.Generator) -> None:
    """Ten runs of a million points each, from their files to the picture."""
    create_store(store)
    for run_id in IDS_OF_TEN:
        _write_large(store, run_id, rng)
    catalog = Catalog(store, Settings())
    catalog.refresh()
    source = CurveSource(catalog)
    facts = source.facts(IDS_OF_TEN)
    faces = {each.run_id: Face(each.run_id, each.name, "*", "red") for each in facts}
    began = time.perf_counter()
    (chart,) = source.charts(facts, ["loss"], CurvesView(), faces)
    draw(chart, WIDTH, HEIGHT)
    took = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    for path in store.rglob("*.parquet"):
        path.read_bytes()
    raw = (time.perf_counter() - began) * 1000
    report(
        "chart: 10 × 1,000,000 points from disk to the picture", took, "ms", 1000, "reading the bytes", raw
    )
    catalog.close()


def _write_large(store: Path, run_id: str, rng: np.random.Generator) -> None:
    import pyarrow

    count = 1_000_000
    values = rng.normal(size=count).cumsum()
    numbers = np.arange(count)
    columns = [
        pyarrow.array([run_id]).take(pyarrow.array(np.zeros(count, dtype=np.int64))),
        pyarrow.array(["loss"]).take(pyarrow.array(np.zeros(count, dtype=np.int64))),
        numbers.astype(np.float64), numbers * 1000, values,
        pyarrow.array(["w" * 10]).take(pyarrow.array(np.zeros(count, dtype=np.int64))), numbers,
    ]  # fmt: skip
    schema = point_schema()
    arrays = [pyarrow.array(each).cast(field.type) for each, field in zip(columns, schema, strict=True)]
    summary = MetricSummary(
        count=count, first=float(values[0]), last=float(values[-1]), last_step=count - 1.0
    )
    record = RunRecord(
        id=run_id, name=run_id, project="large", status=Status.FINISHED, started_at=datetime(2026, 1, 5, tzinfo=UTC),
        metrics={"loss": summary},
    )  # fmt: skip
    folder = write_run(store, record)
    part = sorted_points_parquet(pyarrow.Table.from_arrays(arrays, schema=schema))
    (folder / METRICS / f"{'w' * 10}-00001.parquet").write_bytes(part)


def _cursor(store: Path) -> None:
    """Bytes and milliseconds of a cursor key at 80×24, with 6 runs in 4 charts and in one."""
    env = {"LANG": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": None}
    terminal = Terminal("-m", "tests.tui.curves_app", str(store), str(len(IDS[:6])), env=env)
    try:
        terminal.start(b"digits-0")
        terminal.read(quiet=1, limit=5)
        for what in ("four charts", "one chart"):
            answers = [terminal.key(b"\x1b[D") for _ in range(9)]
            size = statistics.median(len(each.data) for each in answers)
            first = statistics.median(each.first_ms for each in answers if each.first_ms is not None)
            report(f"chart: cursor key, {what} at 80×24", size, "B", 1500, "", None)
            report(f"chart: cursor key, {what} at 80×24, first byte", first, "ms", None, "", None)
            terminal.key(b"z")
            terminal.read(quiet=0.5, limit=3)
        report("chart: idle", len(terminal.read(quiet=3, limit=3).data), "B in 3 s", 0, "", None)
        report("chart: memory, 6 runs × 4 metrics", terminal.memory_mb(), "MB", 100, "", None)
    finally:
        terminal.close()


def report(
    what: str, value: float, unit: str, budget: float | None, peer: str, peer_value: float | None
) -> None:
    """Print one figure."""
    figure = {
        "what": what,
        "value": round(value, 3),
        "unit": unit,
        "budget": budget,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
        "ratio": round(value / peer_value, 4) if peer_value else None,
    }
    print(json.dumps(figure), flush=True)


def _median_ms(work: Callable[[], object], times: int = 9) -> float:
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
