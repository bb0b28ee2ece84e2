"""A store for pictures of the screens: the same ids, names, times and values on every machine."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labtop.model.run import (
    Code,
    Command,
    DataInput,
    Environment,
    Life,
    Process,
    RunError,
    RunRecord,
    Status,
    Writer,
)
from labtop.store.layout import create_store
from labtop.store.writers import write_writer
from tests.stores import Point, summarise, write_run

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NAMES = ("brave-otter", "calm-heron", "dry-finch", "eager-mole", "fair-lynx", "glad-wren")
IDS = tuple(f"snapshot{letter}a" for letter in "abcdef")


def build_snapshot_store(path: Path) -> Path:
    """Six runs: two sizes by three seeds, one failed, one diverged, one of four ranks that lost one."""
    create_store(path)
    for number, name in enumerate(NAMES):
        points = list(_points(number))
        folder = write_run(path, _record(number, name, points), points)
        if number == 2:
            for rank in range(4):
                write_writer(folder, _rank(rank))
    return path


def _points(number: int) -> list[Point]:
    started_us = int((START + timedelta(hours=number)).timestamp() * 1e6)
    size, found = 1 + number // 3, []
    for step in range(0, 400, 10):
        loss = math.exp(-step / (60 * size)) + 0.1 / size + 0.01 * math.sin(step * (number + 1))
        if number == 4 and step > 250:
            loss = math.nan
        if number == 5 and step > 120:
            break
        for metric, value in (("val/loss", loss), ("val/acc", 1 - loss / 1.2), ("lr", 0.1 * 0.99**step)):
            found.append((metric, float(step), started_us + step * 1_000_000, value))
    return found


def _record(number: int, name: str, points: list[Point]) -> RunRecord:
    started = START + timedelta(hours=number)
    failed = number == 5
    error = RunError(type="RuntimeError", message="CUDA out of memory") if failed else None
    return RunRecord(
        id=IDS[number],
        name=name,
        project="digits",
        status=Status.FAILED if failed else Status.FINISHED,
        started_at=started,
        ended_at=started + timedelta(minutes=7, seconds=number),
        params={"width": 32 * (1 + number // 3), "lr": 0.1, "seed": number % 3, "aug": {"flip": number > 2}},
        metrics=summarise(points, {"val/loss": "min", "val/acc": "max"}),
        life=Life(
            tags=("paper",) if number == 1 else (),
            notes="the one in the talk" if number == 1 else "",
            exit_code=1 if failed else 0,
            error=error,
            process=Process(host="node1", pid=4711 + number),
        ),
        command=Command(argv=("train.py", f"--seed={number % 3}"), cwd=".", entry_point="train.py"),
        code=Code(commit=f"{1 + number // 3}" * 40, branch="main", dirty=False),
        data=(DataInput(
            name="train", uri="data/train.parquet", kind="file", digest="ab" * 32, algorithm="sha256",
            bytes=1_250_000,
        ),),
        environment=Environment(python="3.12.4", os="Linux", packages={"torch": "2.4.1", "numpy": "2.1.0"}),
    )  # fmt: skip


def _rank(number: int) -> Writer:
    dead = number == 3
    return Writer(
        writer=f"writer{number:04}",
        rank=number,
        world_size=4,
        status=Status.FAILED if dead else Status.FINISHED,
        error=RunError(type="OutOfMemoryError", message="CUDA out of memory") if dead else None,
        process=Process(host=f"node{number // 2}", pid=100 + number),
    )
