"""scikit-learn's models are recorded as they are fitted, with no change to the program's code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import labtop
from labtop.integrations import sklearn as hook
from labtop.model.run import RunRecord, Status
from tests.recording.conftest import only_record, records

pytestmark = pytest.mark.filterwarnings("ignore")
X, Y = load_iris(return_X_y=True)


@pytest.fixture
def _autolog(folder: Path) -> Iterator[None]:
    hook.autolog(project="iris")
    yield
    hook.stop()


def recorded() -> list[RunRecord]:
    """Every run so far, the oldest first."""
    labtop.finish()
    return sorted(records(Path("runs")), key=lambda record: (record.started_at, record.name))


def pipeline() -> Pipeline:
    """A scaler and a classifier."""
    return Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=0.5))])


@pytest.mark.usefixtures("_autolog")
def test_a_fit_is_a_run() -> None:
    """With its class, parameters, training score, and what the program scores afterwards."""
    accuracy = LogisticRegression(C=0.1).fit(X[::2], Y[::2]).score(X[1::2], Y[1::2])
    (record,) = recorded()
    assert (record.name, record.status, record.project) == ("LogisticRegression", Status.FINISHED, "iris")
    assert (record.params["estimator"], record.params["C"]) == ("LogisticRegression", 0.1)
    assert record.summary["n_features_in"] == 4
    assert record.metrics["score"].last == accuracy
    assert record.metrics["training_score"].last == LogisticRegression(C=0.1).fit(X[::2], Y[::2]).score(
        X[::2], Y[::2]
    )


@pytest.mark.usefixtures("_autolog")
def test_a_pipeline_counts_once_and_a_transformer_not() -> None:
    """What is fitted inside is a part; its parameters are there by scikit-learn's names."""
    StandardScaler().fit(X)
    pipeline().fit(X, Y)
    KMeans(n_clusters=2, n_init=1).fit(X)
    first, second = recorded()
    assert (first.name, first.params["model__C"], first.params["model"]) == (
        "Pipeline",
        0.5,
        "LogisticRegression",
    )
    assert "steps" not in first.params
    assert second.metrics["inertia"].last is not None


@pytest.mark.usefixtures("_autolog")
def test_the_candidates_of_a_search_are_runs_of_its_group() -> None:
    """Each with its parameters and the score of every fold; the search has the best."""
    search = GridSearchCV(pipeline(), {"model__C": [0.01, 1.0]}, cv=3).fit(X, Y)
    found = recorded()
    (whole,) = (record for record in found if record.life.job_type is None)
    candidates = sorted((record for record in found if record is not whole), key=lambda record: record.name)
    assert [record.params["model__C"] for record in candidates] == [0.01, 1.0]
    assert {record.life.group for record in found} == {whole.life.group}
    assert {record.life.parent_id for record in candidates} == {whole.id}
    assert [record.metrics["test_score"].count for record in candidates] == [3, 3]
    best = max(record.metrics["mean_test_score"].last or 0 for record in candidates)
    assert best == whole.metrics["best_score"].last == search.best_score_
    assert candidates[0].environment.packages == whole.environment.packages != {}


@pytest.mark.usefixtures("_autolog")
def test_cross_validation_is_one_run() -> None:
    """With a step a fold."""
    scores = cross_val_score(LogisticRegression(), X, Y, cv=4)
    (record,) = recorded()
    assert record.metrics["cv/test_score"].count == 4
    assert record.metrics["cv/test_score"].last == scores[-1]


@pytest.mark.usefixtures("_autolog")
def test_a_loss_curve_is_a_series() -> None:
    """As networks keep one."""
    model = MLPClassifier(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(X, Y)
    (record,) = recorded()
    assert record.metrics["loss"].count == 5
    assert record.metrics["loss"].last == model.loss_curve_[-1]


@pytest.mark.usefixtures("_autolog")
def test_a_fit_that_fails_is_a_failed_run() -> None:
    """And the program gets its exception."""
    with pytest.raises(ValueError, match="C"):
        LogisticRegression(C=-1).fit(X, Y)
    (record,) = recorded()
    assert record.status is Status.FAILED
    assert record.life.error is not None
    assert record.life.error.type.endswith("InvalidParameterError")


@pytest.mark.usefixtures("_autolog")
def test_a_run_of_the_program_takes_all_its_fits() -> None:
    """Parameters and scores stand under the model's class."""
    with labtop.init(config={"C": 7}):
        LogisticRegression(C=0.1).fit(X, Y).score(X, Y)
    record = only_record(Path("runs"))
    assert record.params["C"] == 7
    assert labtop.open("runs").runs()["LogisticRegression.C"].to_list() == [0.1]
    assert record.metrics["LogisticRegression/score"].count == 1


@pytest.mark.usefixtures("_autolog")
def test_a_class_made_later_is_recorded_and_stop_undoes_all() -> None:
    """Also what a program or another library derives from scikit-learn's classes."""

    class Majority(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: object, y: object) -> Majority:
            return self

        def predict(self, X: list[object]) -> list[int]:
            return [0] * len(X)

    Majority().fit(X, Y)
    assert [record.name for record in recorded()] == ["Majority"]
    hook.stop()
    Majority().fit(X, Y)
    LogisticRegression().fit(X, Y).score(X, Y)
    pipeline().fit(X, Y).score(X, Y)
    assert len(recorded()) == 1
    assert "__init_subclass__" not in BaseEstimator.__dict__
    assert (
        not hasattr(LogisticRegression.fit, "__code__")
        or "labtop" not in LogisticRegression.fit.__code__.co_filename
    )
