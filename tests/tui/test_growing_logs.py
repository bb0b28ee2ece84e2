"""Logs of other trackers that grow while they are looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labtop.query.request import TableQuery
from tests.formats.event_files import event, field, record, simple
from tests.sources.writers import wandb_log
from tests.sources.writers.mlflow_sql import Database
from tests.terminal import PATIENCE_S
from tests.tui.shell_app import Driver, labtop

NOW = time.time()
Append = Callable[[int, float], None]
"""Write a point of `loss` with this step and value."""


def events(folder: Path) -> Append:
    """TensorBoard's."""
    folder.mkdir(parents=True)
    path = folder / f"events.out.tfevents.{int(NOW)}.host.1.0"
    path.write_bytes(record(b"\x09" + event(0, NOW)[1:9] + field(3, b"brain.Event:2")))

    def append(step: int, value: float) -> None:
        with path.open("ab") as file:
            file.write(record(event(step, NOW + step, simple("loss", value))))

    return append


def wandb(folder: Path) -> Append:
    """W&B's, while its run goes on."""
    records = [wandb_log.run()]
    path = wandb_log.write_run(folder / "wandb", records)

    def append(step: int, value: float) -> None:
        records.append(wandb_log.row(step, {"loss": value}, at=NOW + step))
        whole = wandb_log.log(records)
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size :])

    return append


def database(folder: Path) -> Append:
    """MLflow's, in SQLite."""
    folder.mkdir(parents=True)
    made = Database(folder / "mlflow.db")
    run = made.run(status="RUNNING", end_time=None, start_time=int(NOW * 1000))

    def append(step: int, value: float) -> None:
        made.points(run, "loss", [(value, int((NOW + step) * 1000), step)])

    return append


def table(folder: Path) -> Append:
    """A CSV with a row a step."""
    folder.mkdir(parents=True)
    path = folder / "metrics.csv"
    path.write_text("step,loss\n")

    def append(step: int, value: float) -> None:
        with path.open("a") as file:
            file.write(f"{step},{value}\n")

    return append


async def until(driver: Driver, is_so: Callable[[], bool]) -> float:
    """Seconds until something is so; that it comes to be so is asserted."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < PATIENCE_S, driver.screen
        await driver.pilot.pause(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize("write", [events, wandb, database, table])
async def test_new_points_are_shown_as_they_are_written(
    write: Callable[[Path], Append], tmp_path: Path
) -> None:
    """In the table and then in Curves, without a key."""
    append = write(tmp_path / "logs")
    for step in range(3):
        append(step, 1 / (step + 1))
    async with labtop(tmp_path / "logs") as driver:
        catalog = driver.app.session.catalog

        def last() -> object:
            rows = catalog.select(TableQuery()).rows
            return catalog.cells(rows, ["metrics.loss"])[0][0] if len(rows) else None

        await until(driver, lambda: last() is not None)
        append(3, 0.0625)
        seconds = await until(driver, lambda: "0.0625" in driver.screen)
        print(f"{write.__name__}: in the table after {seconds:.2f} s")
        await driver.press("3")
        await driver.settle()
        before = driver.screen
        append(4, 7.5)
        seconds = await until(driver, lambda: driver.screen != before and "7.5" in driver.screen)
        print(f"{write.__name__}: in Curves after {seconds:.2f} s")
