"""A callback of XGBoost, for `xgboost.train` and its scikit-learn estimators. Rank 0 alone records.

xgboost.train(params, data, evals=[(held_out, "val")], callbacks=[LabtopCallback(project="digits")])
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from xgboost import collective
from xgboost.callback import TrainingCallback

from labtop.integrations.joining import join_run, never_raising
from labtop.recording.run import Run

_WHAT = "labtop's callback for xgboost"


class LabtopCallback(TrainingCallback):
    """Logs to the open run, or to one that it begins with `init`, the arguments of `labtop.init`."""

    def __init__(self, **init: Any) -> None:
        super().__init__()
        self._request = init
        self._run: Run | None = None

    def before_training(self, model: Any) -> Any:
        """Begin or join a run, with every parameter of the booster (none of a cross-validation's several)."""
        if collective.get_rank() == 0:
            self._run = join_run(**self._request)
            with never_raising(_WHAT):
                if hasattr(model, "save_config"):
                    self._run.config.update(dict(_parameters(json.loads(model.save_config())["learner"])))
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Log the newest value of each metric on each data set; a cross-validation gives (mean, deviation)."""
        if self._run is not None:
            values: dict[str, float] = {}
            for data, metrics in evals_log.items():
                for metric, history in metrics.items():
                    last = history[-1]
                    mean, deviation = last if isinstance(last, tuple) else (last, None)
                    values |= {f"{data}/{metric}": mean}
                    values |= {} if deviation is None else {f"{data}/{metric}-std": deviation}
            self._run.log(values, step=epoch)
        return False

    def after_training(self, model: Any) -> Any:
        """Note the best iteration of early stopping."""
        with never_raising(_WHAT):
            attributes = model.attributes() if hasattr(model, "attributes") else {}
            if self._run is not None and "best_iteration" in attributes:
                self._run.summary.update(
                    {key: float(attributes[key]) for key in ("best_iteration", "best_score")}
                )
        return model


def _parameters(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The leaves of every `…_param` group of a booster's configuration, with numbers as numbers."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _parameters(value)
        elif isinstance(value, str) and not key.startswith("num_"):
            yield key, _number(value)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
