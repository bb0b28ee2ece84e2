"""Builds stores for tests: many synthetic runs fast, or handmade ones one by one.

Everything goes through the same encoding as a recorded run; `points=0` leaves the series out where only the table
matters. The same arguments give the same store.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labtop.model.fold import SummaryFold
from labtop.model.run import (
    Beat,
    Code,
    Command,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    Life,
    MetricSummary,
    Process,
    Randomness,
    RunError,
    RunRecord,
    Status,
    Value,
)
from labtop.store.format import point_schema, record_parquet, sorted_points_parquet
from labtop.store.layout import METRICS, RECORD, create_store, run_folder
from labtop.store.process import this_host

Point = tuple[str, float, int, float]
"""name, step, time in microseconds since the epoch, value."""

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
METRIC_NAMES = ("train/loss", "val/loss", "val/acc", "train/acc", "lr", "grad norm", "val/f1", "time/step_s")
_SEEDS = 5
_LAST_STEP = 1000.0


def build_store(
    path: Path,
    runs: int = 200,
    params: int = 20,
    metrics: int = 10,
    points: int = 50,
    seed: int = 0,
    project: str = "synth",
) -> Path:
    """A store of `runs` synthetic runs in one project, five seeds to a configuration.

    Of a hundred runs about four failed, two were killed, three crashed and one is running on another host; one in
    twenty diverged to NaN. `points` is the number of points of each metric that are on disk; summaries and sparklines
    are of at least 40 points in any case.
    """
    create_store(path)
    for number in range(runs):
        record, series = _synthetic_run(number, params, metrics, max(points, 40), seed, project)
        write_run(path, record, series if points else ())
    return path


def write_run(store: Path, record: RunRecord, points: Iterable[Point] = (), writer: str = "w" * 10) -> Path:
    """Write one run as if it had been recorded: its record as given, and its points in one sealed part."""
    folder = run_folder(store, record.project, record.id)
    (folder / METRICS).mkdir(parents=True, exist_ok=True)
    rows = list(points)
    if rows:
        (folder / METRICS / f"{writer}-00001.parquet").write_bytes(_part(record.id, rows, writer))
    (folder / RECORD).write_bytes(record_parquet(record))
    return folder


def summarise(points: Iterable[Point], goals: Mapping[str, str] | None = None) -> dict[str, MetricSummary]:
    """The summaries of points in logged order."""
    folds: dict[str, SummaryFold] = {}
    for name, step, _, value in points:
        if name not in folds:
            folds[name] = SummaryFold(MetricSummary(goal=(goals or {}).get(name)))
        folds[name].add(step, value)
    return {name: fold.summary() for name, fold in folds.items()}


def _part(run_id: str, points: Sequence[Point], writer: str) -> bytes:
    import pyarrow

    names, steps, times, values = zip(*points, strict=True)
    count = len(points)
    columns = [[run_id] * count, names, steps, times, values, [writer] * count, range(count)]
    schema = point_schema()
    arrays = [pyarrow.array(column, each.type) for column, each in zip(columns, schema, strict=True)]
    table = pyarrow.Table.from_arrays(arrays, schema=schema)
    return sorted_points_parquet(table.sort_by([(name, "ascending") for name in ("name", "step", "seq")]))


def _synthetic_run(
    number: int, params: int, metrics: int, points: int, seed: int, project: str
) -> tuple[RunRecord, list[Point]]:
    chance = random.Random(f"{seed}/{project}/{number}")
    group = number // _SEEDS
    status = _status(chance)
    diverged = status is not Status.RUNNING and chance.random() < 0.05
    started = START + timedelta(minutes=7 * number, seconds=chance.random() * 60)
    ended = started + timedelta(seconds=60 + chance.random() * 7200) if status.is_end else None
    config = _config(random.Random(f"{seed}/{project}/group{group}"), params)
    config["seed"] = number % _SEEDS
    series = _series(chance, metrics, points, diverged, started)
    record = RunRecord(
        id=_run_id(random.Random(f"{seed}/{project}/{number}/id")),
        name=f"{config['optimizer']}-{group}-s{config['seed']}",
        project=project,
        status=Status.RUNNING if status in (Status.CRASHED, Status.RUNNING) else status,
        started_at=started,
        ended_at=ended,
        params=config,
        metrics=summarise(series, {"val/acc": "max", "val/loss": "min", "train/loss": "min"}),
        summary={"best_epoch": chance.randrange(40)},
        life=_life(chance, status, group),
        command=Command(
            argv=("train.py", f"--lr={config['lr']}", f"--seed={config['seed']}"),
            cwd=".",
            executable="/usr/bin/python3",
            entry_point="train.py",
        ),
        code=Code(
            commit=f"{group % 7:040x}",
            branch="main",
            remote="https://example.org/lab/digits.git",
            dirty=group % 3 == 0,
        ),
        data=(
            DataInput(
                name="train",
                uri="data/train.parquet",
                kind="file",
                digest=f"{group % 2:064x}",
                algorithm="sha256",
                bytes=1_234_567,
                rows=50_000,
            ),
        ),
        randomness=Randomness(
            seeds={"python": number % _SEEDS, "numpy": number % _SEEDS}, imported=("numpy",)
        ),
        environment=_ENVIRONMENTS[group % len(_ENVIRONMENTS)],
        hardware=Hardware(
            cpu="Synthetic CPU",
            cores=16,
            memory_bytes=64 * 2**30,
            gpus=(Gpu(name="Synthetic GPU 80GB", memory_bytes=80 * 2**30, driver="550.1"),),
            cuda="12.4",
        ),
    )
    return record, series


def _run_id(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=10))


def _status(chance: random.Random) -> Status:
    shares = {Status.FINISHED: 90, Status.FAILED: 4, Status.KILLED: 2, Status.CRASHED: 3, Status.RUNNING: 1}
    return chance.choices([*shares], [*shares.values()])[0]


def _life(chance: random.Random, status: Status, group: int) -> Life:
    # a boot that was never makes "crashed" certain here; a host that is not this one leaves "running" open
    process = Process(host="elsewhere", pid=4242, boot_id="another", pid_started=12.5)
    if status is Status.CRASHED:
        process = Process(host=this_host(), pid=4242, boot_id="another", pid_started=12.5)
    return Life(
        group=f"group {group}",
        job_type="train",
        tags=("paper",) if chance.random() < 0.1 else (),
        notes="looks promising" if chance.random() < 0.05 else "",
        exit_code={Status.FINISHED: 0, Status.FAILED: 1}.get(status),
        signal="SIGTERM" if status is Status.KILLED else None,
        error=RunError(type="ValueError", message="loss is NaN", where="train.py:41 in step")
        if status is Status.FAILED
        else None,
        beat=Beat(counter=17),
        process=process,
        written={"w" * 10: 2**40},
    )


def _config(chance: random.Random, params: int) -> dict[str, Value]:
    config: dict[str, Value] = {
        "lr": round(10 ** chance.uniform(-5, -1), 6),
        "optimizer": chance.choice(["adam", "sgd", "lion"]),
        "seed": 0,
        "batch_size": chance.choice([32, 64, 128]),
        "model": {"width": chance.choice([64, 128, 256]), "depth": chance.randrange(2, 9), "norm": "layer"},
        "amp": chance.random() < 0.5,
        "dataset": "digits",
        "scheduler": chance.choice(["cosine", None]),
    }
    for number in range(len(config) + 2, params):
        value: Value = round(chance.random(), 4) if number % 2 else chance.choice(["a", "b", "c"])
        config[f"option_{number}"] = value
    return config


def _series(
    chance: random.Random, metrics: int, points: int, diverged: bool, started: datetime
) -> list[Point]:
    names = [*METRIC_NAMES[:metrics], *(f"metric_{number}" for number in range(len(METRIC_NAMES), metrics))]
    floors = [chance.random() for _ in names]
    speeds = [chance.uniform(1, 6) for _ in names]
    begin_us = int(started.timestamp() * 1_000_000)
    series: list[Point] = []
    for at in range(points):
        share = at / max(points - 1, 1)
        step = float(round(_LAST_STEP * share))
        time_us = begin_us + int(60_000_000 * share)
        for name, floor, speed in zip(names, floors, speeds, strict=True):
            curve = math.exp(-speed * share) * (1 - floor)
            value = (1 - curve if "acc" in name or "f1" in name else floor + curve) + chance.uniform(
                -0.01, 0.01
            )
            series.append(
                (name, step, time_us, math.nan if diverged and share > 0.6 and "loss" in name else value)
            )
    return series


def _environments() -> tuple[Environment, ...]:
    packages = {f"package-{number}": f"{number % 4}.{number}.0" for number in range(117)}
    packages |= {"numpy": "2.1.0", "scikit-learn": "1.5.2"}
    return tuple(
        Environment(
            python="3.11.9",
            implementation="CPython",
            os="Linux",
            kernel="6.8.0",
            libc="glibc 2.39",
            packages=packages | {"torch": version},
            lock_file="uv.lock",
            lock_sha256=version.replace(".", "").ljust(64, "0"),
            variables={"CUDA_VISIBLE_DEVICES": "0"},
        )
        for version in ("2.4.0", "2.5.0", "2.5.1")
    )


_ENVIRONMENTS = _environments()
