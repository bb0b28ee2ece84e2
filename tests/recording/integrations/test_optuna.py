"""Optuna's trials are runs of a group."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("optuna")

import optuna

import labtop
from labtop.integrations.optuna import LabtopCallback
from labtop.model.run import RunRecord, Status
from tests.recording.conftest import records

pytestmark = pytest.mark.filterwarnings("ignore")


def objective(trial: optuna.Trial) -> float:
    """Falls with x; the second trial is pruned, the third fails."""
    x: float = trial.suggest_float("x", 0.0, 1.0)
    kind: str = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(3):
        trial.report(x + step, step)
    if trial.number == 1:
        raise optuna.TrialPruned
    if trial.number == 2:
        raise ArithmeticError(kind)
    return x - 1


def by_name(study: str) -> dict[str, RunRecord]:
    """The runs of a study by their names less the study's."""
    labtop.finish()
    return {record.name.removeprefix(study): record for record in records(Path("runs"))}


def test_a_trial_is_a_run(folder: Path) -> None:
    """With parameters, values reported on the way, its result and how it ended."""
    study = optuna.create_study(study_name="depth", direction="minimize")
    study.optimize(objective, n_trials=5, callbacks=[LabtopCallback("loss")], catch=(ArithmeticError,))
    found = by_name("depth")
    assert set(found) == {"", "-0", "-1", "-2", "-3", "-4"}
    assert {record.life.group for record in found.values()} == {"depth"}
    first, pruned, failed = (found[f"-{number}"] for number in range(3))
    assert first.params == study.trials[0].params
    assert (first.metrics["loss"].last, first.metrics["loss"].count) == (study.trials[0].value, 4)
    assert first.metrics["loss"].goal == "min"
    assert first.life.parent_id == found[""].id
    assert (pruned.life.tags, pruned.summary["state"], pruned.metrics["loss"].count) == (
        ("pruned",),
        "pruned",
        3,
    )
    assert failed.status is Status.FAILED
    whole = found[""]
    assert (whole.status, whole.metrics["loss"].count) == (Status.FINISHED, 3)
    assert whole.summary["best_loss"] == study.best_value
    assert whole.params["sampler"] == "TPESampler"


def test_several_objectives_have_their_names(folder: Path) -> None:
    """And directions."""
    study = optuna.create_study(study_name="two", directions=["minimize", "maximize"])
    study.optimize(
        lambda trial: (1.0, trial.suggest_int("n", 3, 3)), 2, callbacks=[LabtopCallback(("loss", "acc"))]
    )
    first = by_name("two")["-0"]
    assert {
        name: (metric.last, metric.goal) for name, metric in first.metrics.items() if name != "trial"
    } == {
        "loss": (1.0, "min"),
        "acc": (3.0, "max"),
    }


def test_trials_go_beside_an_open_run_from_any_thread(folder: Path) -> None:
    """Which keeps its own parameters."""
    with labtop.init(name="mine", config={"lr": 1}) as run:
        study = optuna.create_study(study_name="threads")
        study.optimize(
            lambda trial: trial.suggest_float("x", 0, 1), 8, n_jobs=4, callbacks=[LabtopCallback()]
        )
    found = by_name("threads")
    assert len(found) == 9
    assert found["mine"].params == {"lr": 1}
    assert {record.life.parent_id for name, record in found.items() if name != "mine"} == {run.id}
