"""What goes on behind a training loop: sealing 50,000 points, rewriting the record, following a living run.

python -m tests.benchmarks.bench_seal
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet

from labtop.model.run import Status
from labtop.store.files import FILES, replace_file
from labtop.store.format import record_parquet
from labtop.store.live import fold_live
from labtop.store.part import OpenPart, seal
from labtop.store.reader import read_record
from labtop.store.record_file import write_record
from labtop.store.wal import PointFrame
from tests.store.runs import new_writer
from tests.stores import build_store

ROUNDS = 9
FRAMES = [
    PointFrame(at * 10, at, float(at), {f"metric_{m}": at * 0.1 + m for m in range(10)}) for at in range(5000)
]


def main() -> None:
    """Print a JSON line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        measure_seal(Path(folder))
        measure_record(Path(folder))
        measure_following(Path(folder))


def measure_seal(folder: Path) -> None:
    """A seal, against pyarrow writing the same table unsorted and unflushed."""
    part = OpenPart()
    for frame in FRAMES:
        part.add(tuple(frame.values), [frame])
    table = part.table("r" * 10, "w" * 10)
    ours, floor = interleaved(
        lambda: seal(part, folder / "w-00001.parquet", "r" * 10, "w" * 10, FILES, 0o600, True),
        lambda: pyarrow.parquet.write_table(table, folder / "plain.parquet", compression="zstd"),
    )
    report("seal 50,000 points", ours * 1e3, "ms", None, "pyarrow.write_table", floor * 1e3)


def measure_record(folder: Path) -> None:
    """A rewrite of a record with 120 packages and ten metrics, against a flushed rename of the same bytes."""
    record = read_record(next(build_store(folder / "s", runs=1, points=0).glob("*/*/run.parquet")).parent)
    content = record_parquet(record)
    ours, floor = interleaved(
        lambda: write_record(folder, record),
        lambda: replace_file(folder / "other.parquet", content),
        calls=20,
    )
    report("rewrite a record", ours * 1e3, "ms", None, "flush and rename of the same bytes", floor * 1e3)


def measure_following(folder: Path) -> None:
    """A reader's fold of a minute of points that a writer had not folded, against reading the log's bytes."""
    writer = new_writer(folder / "live")
    writer.flush()
    run = next((folder / "live").glob("*/*/metrics")).parent
    record = replace(read_record(run), status=Status.RUNNING)
    for frame in FRAMES[:600]:
        writer.append(frame.step, frame.time_us, frame.values)
    log = next(run.glob("metrics/*.wal"))
    ours, floor = interleaved(lambda: fold_live(record, run), log.read_bytes)
    report("fold 6,000 points of a living run", ours * 1e3, "ms", None, "reading the file", floor * 1e3)
    writer.close()


def interleaved(*calls: Callable[[], object], **options: int) -> tuple[float, ...]:
    """The median seconds of each call; taken in turns, so that a busy moment hits all alike."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS * options.get("calls", 1)):
        for call, times in zip(calls, taken, strict=True):
            begun = time.perf_counter()
            call()
            times.append(time.perf_counter() - begun)
    return tuple(statistics.median(each) for each in taken)


def report(what: str, value: float, unit: str, budget: float | None, peer: str, peer_value: float) -> None:
    """Print one figure."""
    figure = {
        "what": what,
        "value": value,
        "unit": unit,
        "budget": budget,
        "peer": peer,
        "peer_value": peer_value,
    }
    print(json.dumps({**figure, "ratio": value / peer_value}), flush=True)


if __name__ == "__main__":
    main()
