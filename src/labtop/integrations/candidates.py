"""The candidates of a search of scikit-learn's, as runs of a group."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from labtop.integrations.estimators import params_of, plain
from labtop.recording.run import Run
from labtop.recording.siblings import Sibling


def candidates(run: Run, search: Any, begun: datetime, most: int) -> Iterator[Sibling]:
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
                **params_of(search.estimator),
                **plain(params),
            },
            points=points,
            summary={key: float(results[key][at]) for key in scores},
            started_at=begun,
            ended_at=begun + timedelta(seconds=seconds),
            group=run.group,
            job_type="candidate",
        )
