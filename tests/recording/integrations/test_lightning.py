"""The logger of PyTorch Lightning, by both its names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Status
from tests.recording.conftest import RunScript, only_record, records

SLOW_S = 240  # torch alone takes half a minute to import on a busy machine
TRAIN = """
import sys, warnings
warnings.simplefilter("ignore")
import torch
import NAME as L
from torch.utils.data import DataLoader, TensorDataset
from labtop.integrations.lightning import LabtopLogger
import labtop

class Line(L.LightningModule):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(2, 1)
    def loss(self, x, y):
        return ((self.layer(x)[:, 0] - y) ** 2).mean()
    def training_step(self, batch, at):
        if "fail" in sys.argv:
            raise ArithmeticError("diverged")
        loss = self.loss(*batch)
        self.log("train/loss", loss)
        return loss
    def test_step(self, batch, at):
        self.log("test/loss", self.loss(*batch))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

torch.manual_seed(0)
x = torch.randn(64, 2)
data = DataLoader(TensorDataset(x, x.sum(1)), batch_size=16)
logger = LabtopLogger("lines", name="first", tags=["lightning"], log_checkpoints=True)
trainer = L.Trainer(max_epochs=3, logger=logger, log_every_n_steps=2, accelerator="cpu", devices=DEVICES,
                    strategy="STRATEGY", enable_progress_bar=False, enable_model_summary=False)
model = Line(lr=0.05)
trainer.fit(model, data)
trainer.test(model, data, verbose=False)
"""


def script(name: str, devices: int = 1, strategy: str = "auto") -> str:
    """The training for one of the package's names."""
    return TRAIN.replace("NAME", name).replace("DEVICES", str(devices)).replace("STRATEGY", strategy)


def need(name: str) -> None:
    """Skip where the package is not installed; importing it here would take a while."""
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    if subprocess.run([sys.executable, "-c", found], check=False).returncode:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("name", ["lightning", "pytorch_lightning"])
def test_a_training_and_its_test_are_one_run(folder: Path, run_script: RunScript, name: str) -> None:
    """With hyperparameters, metrics at Lightning's steps, and the best checkpoint."""
    need(name)
    done = run_script(script(name), timeout_s=SLOW_S)
    assert done.returncode == 0, done.stderr
    record = only_record(folder / "runs")
    assert (record.name, record.project, record.status) == ("first", "lines", Status.FINISHED)
    assert record.life.tags == ("lightning",)
    assert record.params == {"lr": 0.05}
    assert record.metrics["train/loss"].count == 6
    assert record.metrics["train/loss"].last_step == 11
    assert record.metrics["test/loss"].count == 1
    (checkpoint,) = record.artifacts
    assert checkpoint.kind == "model"
    assert checkpoint.name.endswith(".ckpt")


def test_a_training_that_fails_is_a_failed_run(folder: Path, run_script: RunScript) -> None:
    """With its error."""
    need("lightning")
    assert run_script(script("lightning"), "fail", timeout_s=SLOW_S).returncode
    record = only_record(folder / "runs")
    assert record.status is Status.FAILED
    assert record.life.error is not None
    assert (record.life.error.type, record.life.error.message) == ("ArithmeticError", "diverged")


def test_only_rank_0_records(folder: Path, run_script: RunScript) -> None:
    """Two processes of one training are one run."""
    need("lightning")
    done = run_script(script("lightning", 2, "ddp"), timeout_s=SLOW_S)
    assert done.returncode == 0, done.stderr
    (record,) = records(folder / "runs")
    assert record.metrics["test/loss"].count == 1
