"""What an estimator of scikit-learn says of itself: parameters, single results and curves of its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labtop.recording.config import as_scalar

_CURVES = {"loss_curve_": "loss", "validation_scores_": "val/score", "train_score_": "train/score",
           "validation_score_": "val/score"}  # fmt: skip
_NUMBERS = ("best_score_", "best_index_", "oob_score_", "best_loss_", "inertia_", "n_iter_", "n_features_in_")


def predicts(model: Any) -> bool:
    """Whether it is a model; transformers alone are none."""
    return hasattr(model, "predict") or hasattr(model, "fit_predict")


def params_of(model: Any) -> dict[str, Any]:
    """The parameters of an estimator, those of the estimators inside among them."""
    return plain(model.get_params()) if hasattr(model, "get_params") else {}


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a person would write them: an estimator inside is its class's name."""
    return {name: _value(value) for name, value in params.items() if not _holds_estimators(value)}


def _holds_estimators(value: Any) -> bool:
    """Whether it is the list of a pipeline's steps or its like: those are parameters by their own names too."""
    return isinstance(value, list) and any(
        hasattr(part, "get_params") for each in value if isinstance(each, tuple) for part in each
    )


def _value(value: Any) -> Any:
    if hasattr(value, "get_params"):
        return type(value).__name__
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return {str(key): _value(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def results_of(model: Any) -> Iterator[tuple[str, float]]:
    """Single numbers that a fitted estimator keeps, by name."""
    for name in _NUMBERS:
        value = getattr(model, name, None)
        number = value if isinstance(value, int | float) else as_scalar(value)
        if number is not None:
            yield name.rstrip("_"), number


def curves_of(model: Any) -> Iterator[tuple[str, int, float]]:
    """Numbers that a fitted estimator keeps of each of its steps: name, step, value."""
    for attribute, name in _CURVES.items():
        values = getattr(model, attribute, None)
        if values is not None and getattr(values, "ndim", 1) == 1 and hasattr(values, "__iter__"):
            yield from ((name, step, float(each)) for step, each in enumerate(values))
