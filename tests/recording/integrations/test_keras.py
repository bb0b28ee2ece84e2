"""The callback of Keras 3."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from labtop.model.run import Status
from tests.recording.conftest import RunScript, only_record

if importlib.util.find_spec("keras") is None:
    pytest.skip("keras is not installed", allow_module_level=True)
BACKEND = next((name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)), None)
pytestmark = pytest.mark.skipif(BACKEND is None, reason="no backend of keras is installed")

SLOW_S = 240  # torch alone takes half a minute to import on a busy machine
TRAIN = """
import sys
import keras, numpy as np
from labtop.integrations.keras import LabtopCallback

x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
model.fit(x, x.sum(1), epochs=3, batch_size=8, validation_split=0.5, verbose=0,
          callbacks=[LabtopCallback(project="lines", batches=int(sys.argv[1]) or None)])
"""


@pytest.mark.parametrize(("batches", "last_step"), [("0", 2), ("2", 6)])
def test_a_fit_is_a_run(folder: Path, run_script: RunScript, batches: str, last_step: int) -> None:
    """An epoch a step, or batches; with the optimizer's configuration."""
    done = run_script(TRAIN, batches, timeout_s=SLOW_S, KERAS_BACKEND=BACKEND or "")
    assert done.returncode == 0, done.stderr
    record = only_record(folder / "runs")
    assert (record.project, record.status) == ("lines", Status.FINISHED)
    optimizer = record.params["optimizer"]
    assert isinstance(optimizer, dict)
    assert optimizer["learning_rate"] == pytest.approx(0.05)
    assert record.params["epochs"] == 3
    assert record.metrics["val/mae"].count == 3
    assert record.metrics["train/loss"].last_step == last_step
    assert record.metrics["lr"].last == pytest.approx(0.05)
    assert ("batch/loss" in record.metrics) == (batches == "2")
