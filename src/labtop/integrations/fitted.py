"""What is recorded when a model is fitted, scored or cross-validated."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labtop.integrations.estimators import predicts
from labtop.integrations.fits import WHAT, begin_fit, record_fit
from labtop.integrations.joining import is_begun_by_hook, never_raising
from labtop.recording.run import Run


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
        if not _is_model(model):
            return fit(*arguments, **keywords)
        run, prefix = begin_fit(model, self.request)
        begun = datetime.now(UTC)
        try:
            fitted = fit(*arguments, **keywords)
        except BaseException as error:
            if run is not None and is_begun_by_hook(run):
                run.end_with(error)
            raise
        if run is not None:
            with never_raising(WHAT):
                self._last = (weakref.ref(model), run, prefix)
                record_fit(run, prefix, model, begun, self.max_candidates)
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
        with never_raising(WHAT):
            model, run, prefix = self._last or (None, None, "")
            if model is not None and model() is arguments[0] and run is not None and not run.has_ended:
                run.log({f"{prefix}score": value})
        return value

    def on_cross_validate(
        self, validate: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Cross-validate as the program asked for; scores and times are logged with a step a fold."""
        model = arguments[0] if arguments else keywords.get("estimator")
        run, prefix = begin_fit(model, self.request)
        results = validate(*arguments, **keywords)
        with never_raising(WHAT):
            columns = {name: values for name, values in results.items() if name.endswith(("_score", "_time"))}
            for fold in range(len(results["fit_time"])):
                if run is not None:
                    run.log(
                        {f"{prefix}cv/{name}": values[fold] for name, values in columns.items()}, step=fold
                    )
        return results


def _is_model(estimator: Any) -> bool:
    is_model = False
    with never_raising(WHAT):
        is_model = predicts(estimator)
    return is_model
