"""Callbacks of XGBoost and LightGBM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labtop
from labtop.model.run import RunRecord
from tests.recording.conftest import only_record

pytestmark = pytest.mark.filterwarnings("ignore")
X = np.random.default_rng(0).normal(size=(200, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def recorded() -> RunRecord:
    """The one run."""
    labtop.finish()
    return only_record(Path("runs"))


def xgboost_callback(**init: Any) -> Any:
    """The callback, where XGBoost is installed."""
    try:
        import xgboost  # noqa: F401
    except (ImportError, OSError) as problem:
        pytest.skip(f"no XGBoost: {problem}")
    from labtop.integrations.xgboost import LabtopCallback

    return LabtopCallback(**init)


def lightgbm_callback(**init: Any) -> Any:
    """The callback, where LightGBM is installed."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as problem:  # it needs libgomp, which a bare machine may lack
        pytest.skip(f"no LightGBM: {problem}")
    from labtop.integrations.lightgbm import LabtopCallback

    return LabtopCallback(**init)


def test_xgboost_logs_every_iteration(folder: Path) -> None:
    """Metrics of all data sets, all the booster's parameters, and where it stopped early."""
    callback = xgboost_callback(project="trees")
    import xgboost

    train, held_out = xgboost.DMatrix(X[:100], Y[:100]), xgboost.DMatrix(X[100:], 1 - Y[100:])
    params = {"max_depth": 2, "eta": 0.5, "objective": "binary:logistic", "eval_metric": ["logloss", "auc"]}
    evals = [(train, "train"), (held_out, "val")]
    results: dict[str, Any] = {}
    booster = xgboost.train(
        params, train, 20, evals=evals, evals_result=results, early_stopping_rounds=3, callbacks=[callback],
        verbose_eval=False,
    )  # fmt: skip
    record = recorded()
    assert record.project == "trees"
    assert record.params["max_depth"] == 2
    assert record.params["objective"] == "binary:logistic"
    assert record.metrics["val/auc"].last == results["val"]["auc"][-1]
    assert record.metrics["train/logloss"].count == booster.num_boosted_rounds()
    assert record.summary["best_iteration"] == booster.best_iteration


def test_xgboost_by_its_estimator_and_cross_validation(folder: Path) -> None:
    """The same callback; a cross-validation has means and deviations."""
    callback = xgboost_callback()
    import xgboost

    xgboost.cv({"max_depth": 2}, xgboost.DMatrix(X, Y), 4, nfold=3, callbacks=[callback])
    record = recorded()
    assert record.metrics["test/rmse"].count == record.metrics["test/rmse-std"].count == 4


def test_lightgbm_logs_every_iteration(folder: Path) -> None:
    """With the way each metric should go, and the parameters."""
    callback = lightgbm_callback(project="trees")
    import lightgbm

    train, held_out = lightgbm.Dataset(X[:100], Y[:100]), lightgbm.Dataset(X[100:], Y[100:])
    params = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 4, "verbose": -1}
    results: dict[str, Any] = {}
    callbacks = [callback, lightgbm.record_evaluation(results)]
    lightgbm.train(params, train, 7, valid_sets=[held_out], valid_names=["val"], callbacks=callbacks)
    record = recorded()
    assert (record.params["num_leaves"], record.params["num_iterations"]) == (4, 7)
    assert record.metrics["val/auc"].last == results["val"]["auc"][-1]
    assert record.metrics["val/auc"].count == 7
    assert (record.metrics["val/auc"].goal, record.metrics["val/binary_logloss"].goal) == ("max", "min")


def test_a_second_training_is_a_second_run_unless_one_is_open(folder: Path) -> None:
    """A run of the program's own takes both."""
    callback = lightgbm_callback()
    import lightgbm

    def train() -> None:
        lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2, callbacks=[callback])

    train()
    train()
    labtop.finish()
    assert len(labtop.open("runs").runs()) == 2
    with labtop.init(store="other"):
        train()
        train()
    assert len(labtop.open("other").runs()) == 1
