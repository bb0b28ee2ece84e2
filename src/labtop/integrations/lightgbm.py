"""A callback of LightGBM, for `lightgbm.train`, `cv` and its scikit-learn estimators.

lightgbm.train(params, data, valid_sets=[held_out], callbacks=[LabtopCallback(project="digits")])
"""

from __future__ import annotations

from typing import Any

from labtop.integrations.joining import join_run, never_raising
from labtop.recording.run import Run


class LabtopCallback:
    """Logs to the open run, or to one that it begins with `init`, the arguments of `labtop.init`."""

    order = 25  # after metrics are known, before early stopping raises
    before_iteration = False

    def __init__(self, **init: Any) -> None:
        self._request = init
        self._run: Run | None = None

    def __call__(self, env: Any) -> None:
        """What LightGBM calls after an iteration, with its `CallbackEnv`."""
        with never_raising("labtop's callback for lightgbm"):
            if self._run is None or env.iteration == env.begin_iteration:
                self._begin(env)
            values: dict[str, float] = {}
            for data, metric, value, _, *deviation in env.evaluation_result_list or ():
                values[f"{data}/{metric}"] = value
                values |= {f"{data}/{metric}-std": each for each in deviation}
            if self._run is not None:
                self._run.log(values, step=env.iteration)

    def _begin(self, env: Any) -> None:
        self._run = join_run(**self._request)
        self._run.config.update(env.params)
        self._run.config["num_iterations"] = env.end_iteration
        for data, metric, _, is_higher_better, *_ in env.evaluation_result_list or ():
            self._run.define_metric(f"{data}/{metric}", goal="max" if is_higher_better else "min")
