"""TensorBoard's `SummaryWriter`, by another import."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

import labtop
from labtop import Curve, Histogram, Image, Text
from labtop.integrations.tensorboard import SummaryWriter
from labtop.model.run import Status
from tests.recording.conftest import only_record


def test_scalars_and_hyperparameters(folder: Path) -> None:
    """What is added is in a run named like the folder, which ends with the block."""
    with SummaryWriter("logs/first") as writer:
        for step in range(3):
            writer.add_scalar("loss", 1.0 - step, step, walltime=1.0, new_style=True)
            writer.add_scalars("acc", {"train": 0.5, "val": 0.25}, step)
        writer.add_hparams({"lr": 0.1}, {"hparam/acc": 0.9})
        writer.flush()
        assert writer.get_logdir() == "logs/first"
    record = only_record(folder / "runs")
    assert (record.name, record.status, record.params) == ("first", Status.FINISHED, {"lr": 0.1})
    assert {name: metric.count for name, metric in record.metrics.items() if metric.count} == {
        "loss": 3,
        "acc/train": 3,
        "acc/val": 3,
    }
    assert record.metrics["loss"].last_step == 2
    assert record.metrics["hparam/acc"].last == 0.9
    assert not (folder / "logs").exists()


def test_pictures_histograms_texts_and_curves(folder: Path) -> None:
    """They are rich values; pictures stand upright whatever the order of their axes."""
    with SummaryWriter() as writer:
        writer.add_histogram("weights", np.arange(100), 1, bins="tensorflow")
        writer.add_image("chw", np.zeros((3, 4, 6)), 1)
        writer.add_image("hwc", np.zeros((4, 6, 3)), 1, dataformats="HWC")
        writer.add_image("hw", np.zeros((4, 6)), 1, dataformats="HW")
        writer.add_images("batch", np.zeros((2, 1, 4, 6)), 1)
        writer.add_text("note", "**good**", 1)
        writer.add_pr_curve("pr", np.array([0, 1, 1]), np.array([0.1, 0.4, 0.8]), 1)
    kinds = {
        "weights": Histogram, "chw": Image, "hwc": Image, "hw": Image, "batch/0": Image, "batch/1": Image,
        "note": Text, "pr": Curve,
    }  # fmt: skip
    with labtop.open("runs") as store:
        values = {name: store.value("@last", name) for name in kinds}
    assert {name: type(value) for name, value in values.items()} == kinds
    assert {value.size for value in values.values() if isinstance(value, Image)} == {(6, 4)}


def test_a_picture_that_is_none_stops_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once."""
    with caplog.at_level(logging.WARNING, "labtop"), SummaryWriter() as writer:
        writer.add_image("odd", np.zeros((4, 6)), 1)
    assert len(caplog.records) == 1


def test_an_open_run_stays_open(folder: Path) -> None:
    """It belongs to the program."""
    with labtop.init() as run:
        SummaryWriter().close()
        assert not run.has_ended


def test_what_has_no_place_is_said_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And the training goes on."""
    with caplog.at_level(logging.WARNING, "labtop"), SummaryWriter() as writer:
        writer.add_graph(object())
        writer.add_graph(object())
    assert [record.getMessage() for record in caplog.records] == [
        "labtop: SummaryWriter.add_graph is not recorded"
    ]


def test_an_exception_in_the_block_is_a_failed_run(folder: Path) -> None:
    """As in a block of labtop's own."""
    with pytest.raises(RuntimeError), SummaryWriter():
        raise RuntimeError("diverged")
    assert only_record(folder / "runs").status is Status.FAILED
