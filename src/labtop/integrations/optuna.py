"""A callback of Optuna: every trial becomes a run, in a group that has the study's name.

study.optimize(objective, n_trials=100, callbacks=[LabtopCallback(project="digits")])
"""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import Any

import optuna

from labtop.integrations.joining import is_begun_by_hook, join_run, never_raising
from labtop.model.run import Status
from labtop.recording.run import Run
from labtop.recording.siblings import Sibling

_State = optuna.trial.TrialState
_STATUSES = {_State.FAIL: Status.FAILED}


class LabtopCallback:
    """Writes a run a trial, beside a run of the study itself, which is the open one or begun with `init`.

    Arguments:
        value_name: what the objective gives, or the names of its several values.
    """

    def __init__(self, value_name: str | tuple[str, ...] = "value", **init: Any) -> None:
        self._names = (value_name,) if isinstance(value_name, str) else tuple(value_name)
        self._request = init
        self._run: Run | None = None
        self._lock = threading.Lock()  # trials of one study may end in several threads

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        """What Optuna calls after a trial."""
        with self._lock, never_raising("labtop's callback for optuna"):
            run = self._run = self._study_run(study) if self._run is None else self._run
            goals = ["max" if each.name == "MAXIMIZE" else "min" for each in study.directions]
            names = [*self._names]
            if len(names) != len(goals):
                names = [f"value_{at}" for at in range(len(goals))]
            values = dict(zip(names, trial.values or (), strict=False))
            run.write_sibling(_as_sibling(study, trial, values, dict(zip(names, goals, strict=True))))
            if trial.state is not _State.COMPLETE:
                return
            run.log(values, step=trial.number)
            if len(goals) == 1:
                best = study.best_trial
                run.summary.update({f"best_{names[0]}": best.value, "best_trial": best.number})

    def _study_run(self, study: optuna.Study) -> Run:
        name = _name(study)
        run = join_run(**{"name": name, "group": name, "job_type": "study", **self._request})
        if is_begun_by_hook(run):
            run.config["sampler"] = type(study.sampler).__name__
            run.config["pruner"] = type(study.pruner).__name__
        return run


def _name(study: optuna.Study) -> str:
    """The study's name; the random one of a study without is cut to what a person can tell apart."""
    name = study.study_name
    return f"study-{name.removeprefix('no-name-')[:8]}" if name.startswith("no-name-") else name


def _as_sibling(
    study: optuna.Study, trial: optuna.trial.FrozenTrial, values: dict[str, float], goals: dict[str, str]
) -> Sibling:
    (name, *_) = goals
    points = {float(step): {name: each} for step, each in sorted(trial.intermediate_values.items())}
    if values and (not points or values != points[max(points)]):
        points[math.floor(max(points, default=-1.0)) + 1.0] = values
    now = datetime.now(UTC)
    return Sibling(
        name=f"{_name(study)}-{trial.number}",
        params=trial.params,
        points=points,
        goals=goals,
        summary={"trial": trial.number, "state": trial.state.name.lower(), **trial.user_attrs},
        status=_STATUSES.get(trial.state, Status.FINISHED),
        started_at=(trial.datetime_start or now).astimezone(UTC),
        ended_at=(trial.datetime_complete or now).astimezone(UTC),
        group=_name(study),
        tags=("pruned",) if trial.state is _State.PRUNED else (),
        job_type="trial",
    )
