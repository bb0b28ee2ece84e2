"""What is recorded of a model that was fitted: class, parameters, scores, curves, and the candidates of a search."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from labtop.integrations.joining import is_begun_by_hook, join_run, never_raising
from labtop.recording.config import as_scalar
from labtop.recording.run import Run
from labtop.recording.siblings import Sibling

_WHAT = "labtop's autolog for scikit-learn"
_CURVES = {"loss_curve_": "loss", "validation_scores_": "val/score", "train_score_": "train/score",
           "validation_score_": "val/score"}  # fmt: skip
_NUMBERS = ("best_score_", "best_index_", "oob_score_", "best_loss_", "inertia_", "n_iter_", "n_features_in_")


@dataclass
class FitLog:
    """Records fits. Whatever goes wrong in here is said once; the fit goes on."""

    training_score_rows: int
    max_candidates: int
    request: Mapping[str, Any]
    _last: tuple[weakref.ref[Any], Run, str] | None = field(default=None, init=False)

    def on_fit(self, fit: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Fit as the program asked for, and record it."""
        model, *rest = arguments
        if not _predicts(model):
            return fit(*arguments, **keywords)
        run, prefix = self._begin(model)
        begun = datetime.now(UTC)
        try:
            fitted = fit(*arguments, **keywords)
        except BaseException as error:
            if run is not None and is_begun_by_hook(run):
                run.end_with(error)
            raise
        if run is not None:
            with never_raising(_WHAT):
                self._last = (weakref.ref(model), run, prefix)
                self._record(run, prefix, model, begun)
                y = rest[1] if len(rest) > 1 else keywords.get("y")
                x = rest[0] if rest else keywords.get("X")
                if y is not None and hasattr(model, "score") and 0 < len(y) <= self.training_score_rows:
                    run.summary[f"{prefix}training_score"] = float(model.score(x, y))
        return fitted

    def on_score(
        self, score: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Score as the program asked for, and log it to the run of the model if that was fitted last."""
        value = score(*arguments, **keywords)
        with never_raising(_WHAT):
            model, run, prefix = self._last or (None, None, "")
            if model is not None and model() is arguments[0] and run is not None and not run.has_ended:
                run.log({f"{prefix}score": value})
        return value

    def on_cross_validate(
        self, validate: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Cross-validate as the program asked for; scores and times are logged with a step a fold."""
        model = arguments[0] if arguments else keywords.get("estimator")
        run, prefix = self._begin(model)
        results = validate(*arguments, **keywords)
        with never_raising(_WHAT):
            columns = {name: values for name, values in results.items() if name.endswith(("_score", "_time"))}
            for fold in range(len(results["fit_time"])):
                if run is not None:
                    run.log(
                        {f"{prefix}cv/{name}": values[fold] for name, values in columns.items()}, step=fold
                    )
        return results

    def _begin(self, model: Any) -> tuple[Run | None, str]:
        """The run of a fit, and what its names begin with in a run of the program's own."""
        run, prefix, name = None, "", type(model).__name__
        with never_raising(_WHAT):
            run = join_run(**{"name": name, **self.request})
            own = is_begun_by_hook(run)
            prefix = "" if own else f"{name}/"
            run.config.update({"estimator": name, **_params(model)} if own else {name: _params(model)})
        return run, prefix

    def _record(self, run: Run, prefix: str, model: Any, begun: datetime) -> None:
        run.summary[f"{prefix}fit_s"] = (datetime.now(UTC) - begun).total_seconds()
        for name in _NUMBERS:
            value = getattr(model, name, None)
            number = value if isinstance(value, int | float) else as_scalar(value)
            if number is not None:
                run.summary[f"{prefix}{name.rstrip('_')}"] = number
        for attribute, name in _CURVES.items():
            for step, value in enumerate(_curve(model, attribute)):
                run.log({f"{prefix}{name}": value}, step=step)
        if hasattr(model, "cv_results_"):
            run.group = run.group or f"{run.name}-{run.id[:4]}"
            for candidate in _candidates(run, model, begun, self.max_candidates):
                run.write_sibling(candidate)


def _candidates(run: Run, search: Any, begun: datetime, most: int) -> Iterator[Sibling]:
    """The candidates of a search as runs: parameters, the score of each fold, means."""
    results = search.cv_results_
    scores = sorted(key for key in results if key.startswith("mean_") and key != "mean_score_time")
    folds = sorted(
        (key for key in results if key.startswith("split")), key=lambda key: int(key[5:].split("_")[0])
    )
    if len(results["params"]) > most:
        run.summary["candidates_left_out"] = len(results["params"]) - most
    for at, params in enumerate(results["params"][:most]):
        points: dict[float, dict[str, float]] = {}
        for key in folds:
            fold, _, name = key[5:].partition("_")
            points.setdefault(float(fold), {})[name] = float(results[key][at])
        seconds = float(results["mean_fit_time"][at] + results["mean_score_time"][at]) * max(len(points), 1)
        yield Sibling(
            name=f"{run.name}-{at}",
            params={
                "estimator": type(search.estimator).__name__,
                **_params(search.estimator),
                **_plain(params),
            },
            points=points,
            summary={key: float(results[key][at]) for key in scores},
            started_at=begun,
            ended_at=begun + timedelta(seconds=seconds),
            group=run.group,
            job_type="candidate",
        )


def _predicts(model: Any) -> bool:
    does = False
    with never_raising(_WHAT):
        does = hasattr(model, "predict") or hasattr(model, "fit_predict")
    return does


def _params(model: Any) -> dict[str, Any]:
    return _plain(model.get_params()) if hasattr(model, "get_params") else {}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
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


def _curve(model: Any, attribute: str) -> Iterator[float]:
    values = getattr(model, attribute, None)
    if values is not None and getattr(values, "ndim", 1) == 1 and hasattr(values, "__iter__"):
        yield from (float(each) for each in values)
