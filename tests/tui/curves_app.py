"""A store with curves of all kinds, and labtop opened on its Curves screen: for tests, and by hand as a module."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from labtop.model.run import RunRecord, Status
from labtop.settings import Settings
from labtop.store.layout import create_store
from labtop.tui.app import LabtopApp
from labtop.tui.screens.base import LabScreen
from labtop.tui.screens.curves.screen import CurvesScreen
from tests.stores import Point, summarise, write_run

STARTED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
IDS = tuple(f"run{letter}aaaaaa" for letter in "abcdefghi")
GOALS = {"val/loss": "min", "val/acc": "max"}


def build_curves(path: Path, runs: int = 6, points: int = 200) -> Path:
    """Runs of two learning rates and three seeds each: the second spikes, the third turns NaN, the fifth ends early."""
    create_store(path)
    for number in range(runs):
        write_curves(path, number, points if number != 4 else points // 2)
    return path


def write_curves(
    path: Path, number: int, points: int, status: Status = Status.FINISHED, name: str = ""
) -> None:
    """One run with four metrics."""
    chance = random.Random(number)
    rate = (0.01, 0.003, 0.001)[number // 3 % 3]
    rows: list[Point] = []
    started_us = round(STARTED.timestamp() * 1e6)
    for at in range(points):
        fall = math.exp(-at / 200 * (3 + number // 3 * 2))
        loss = math.nan if number == 2 and at >= 100 else 2 * fall + 0.2 + chance.gauss(0, 0.02)
        values = {
            "grad norm": math.inf if number == 2 and at == 100 else math.exp(chance.gauss(0, 1)) * fall,
            "train/loss": 4.0 if number == 1 and at == 60 else 2 * fall + chance.gauss(0, 0.05),
            "val/acc": 1 - 0.9 * fall,
            "val/loss": loss,
        }
        rows += [(key, at * 10.0, started_us + at * 3_000_000, value) for key, value in values.items()]
    record = RunRecord(
        id=IDS[number], name=name or f"digits-{number}", project="digits", status=status, started_at=STARTED,
        params={"lr": rate, "seed": number % 3}, metrics=summarise(rows, GOALS),
    )  # fmt: skip
    write_run(path, record, rows)


class CurvesApp(LabtopApp):
    """labtop that shows curves as soon as the store is open, over an empty first screen."""

    def __init__(
        self, path: Path, run_ids: Sequence[str] = IDS[:6], settings: Settings | None = None
    ) -> None:
        super().__init__(path, settings or Settings.load())
        self.first_run_ids = tuple(run_ids)

    def _make(self, name: str, run_ids: tuple[str, ...]) -> LabScreen:
        return Nothing(run_ids) if name == "runs" else super()._make(name, run_ids)

    def _refreshed(self, has_changed: bool) -> None:
        super()._refreshed(has_changed)
        if self.first_run_ids:
            self.session.mark(self.first_run_ids)
            self.show("curves", self.first_run_ids)
            self.first_run_ids = ()

    @property
    def curves(self) -> CurvesScreen:
        """The screen."""
        screen = self.front
        assert isinstance(screen, CurvesScreen)
        return screen


class Nothing(LabScreen):
    """In the place of the Runs screen."""

    NAME = "runs"
    HEADING = "Runs"


if __name__ == "__main__":
    app = CurvesApp(Path(sys.argv[1]), IDS[: int(sys.argv[2]) if len(sys.argv) > 2 else 6])
    app.run()
