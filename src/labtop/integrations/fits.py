"""The run of a fit: begun or joined before it, and what the fitted model says of itself after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from labtop.integrations.candidates import candidates
from labtop.integrations.estimators import curves_of, params_of, results_of
from labtop.integrations.joining import is_begun_by_hook, join_run, never_raising
from labtop.recording.run import Run

WHAT = "labtop's autolog for scikit-learn"


def begin_fit(model: Any, request: Mapping[str, Any]) -> tuple[Run | None, str]:
    """The run of a fit, and what its names begin with in a run of the program's own."""
    run, prefix, name = None, "", type(model).__name__
    with never_raising(WHAT):
        run = join_run(**{"name": name, **request})
        own = is_begun_by_hook(run)
        prefix = "" if own else f"{name}/"
        run.config.update({"estimator": name, **params_of(model)} if own else {name: params_of(model)})
    return run, prefix


def record_fit(run: Run, prefix: str, model: Any, begun: datetime, max_candidates: int) -> None:
    """Record what a fitted model keeps, and the candidates of a search as runs."""
    run.summary[f"{prefix}fit_s"] = (datetime.now(UTC) - begun).total_seconds()
    for name, number in results_of(model):
        run.summary[f"{prefix}{name}"] = number
    for name, step, value in curves_of(model):
        run.log({f"{prefix}{name}": value}, step=step)
    if hasattr(model, "cv_results_"):
        run.group = run.group or f"{run.name}-{run.id[:4]}"
        for candidate in candidates(run, model, begun, max_candidates):
            run.write_sibling(candidate)
