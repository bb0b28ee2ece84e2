"""A small script that trains with scikit-learn and logs, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtop.model.run import Status
from tests.recording.conftest import RunScript, only_record

pytest.importorskip("sklearn")

SCRIPT = """
import sys

import labtop as wandb
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import train_test_split

run = wandb.init(project="iris", config={"alpha": 1e-3, "epochs": 5}, tags=["sklearn"])
wandb.define_metric("val/*", goal="min")
wandb.seed(0)
data = load_iris()
train_x, val_x, train_y, val_y = train_test_split(data.data, data.target, random_state=0)
model = SGDClassifier(loss="log_loss", alpha=wandb.config.alpha, random_state=0)
for epoch in range(wandb.config.epochs):
    model.partial_fit(train_x, train_y, classes=[0, 1, 2])
    loss = log_loss(val_y, model.predict_proba(val_x))
    wandb.log({"val/loss": loss, "val/acc": model.score(val_x, val_y)}, step=epoch)
    print(f"epoch {epoch} loss {loss:.3f}")
wandb.summary["classes"] = len(model.classes_)
wandb.log_artifact({"rows": confusion_matrix(val_y, model.predict(val_x))}, name="confusion")
"""


def test_a_script_that_trains_with_scikit_learn(folder: Path, run_script: RunScript) -> None:
    """Points, parameters, seeds, output and the matrix are there."""
    done = run_script(SCRIPT)
    assert done.returncode == 0, done.stderr
    record = only_record(folder / "runs")
    assert record.status is Status.FINISHED
    assert record.metrics["val/loss"].count == 5
    assert record.metrics["val/loss"].goal == "min"
    assert record.params == {"alpha": 1e-3, "epochs": 5}
    assert record.randomness.seeds == {"python": 0, "numpy": 0}
    assert "numpy" in record.randomness.imported
    assert record.environment.packages["scikit-learn"]
    (artifact,) = record.artifacts
    assert (artifact.name, artifact.kind) == ("confusion.json", "json")
