"""From the catalog to charts: reads the series that are looked at, keeps them, and builds curves in the view asked for.

Series of runs that have ended are read once. Curves are kept per view, so that moving through metrics or the cursor
reads and smooths nothing again. Meant to be called from one thread at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from labtop.errors import NoRunError
from labtop.model.run import RunRecord
from labtop.model.tree import flatten, is_seed
from labtop.views.chart import Chart
from labtop.views.chart_curves import Behind, Curve, Face, Smoothing, XAxis, curve_of_group, curve_of_run
from labtop.views.chart_extent import x_scale
from labtop.views.chart_scale import Scale

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.query.series import Series

KEPT_POINTS = 30_000_000  # of all series kept, 24 bytes each; more than ten runs of a million


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesView:
    """How curves are looked at: everything but which runs and metrics."""

    axis: XAxis = field(default_factory=XAxis)
    smoothing: Smoothing = field(default_factory=Smoothing)
    log_x: bool = False
    log_y: bool = False
    robust: bool = False
    averaged: bool = False  # runs that are the same but for the seed become one curve
    band: Behind = "std"  # behind a mean
    with_logged: bool = True  # logged points behind a smoothed curve
    x: Scale | None = None  # the stretch that is shown; None: all


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the charts need to know of a run. Runs of one `family` are the same but for the seed."""

    run_id: str
    name: str
    is_live: bool
    started_us: int | None
    goals: Mapping[str, str | None]  # metric with points → its goal
    params: Mapping[str, str]  # flat, as text, without seeds

    @property
    def family(self) -> str:
        """What tells this run from others when the seed does not count."""
        return json.dumps(sorted(self.params.items()))


def facts_of(record: RunRecord) -> RunFacts:
    """The facts of a record."""
    started = record.started_at
    return RunFacts(
        record.id,
        record.name,
        not record.status.is_end,
        round(started.timestamp() * 1e6) if started else None,
        {name: summary.goal for name, summary in record.metrics.items() if summary.count},
        {key: str(value) for key, value in flatten(record.params).items() if not is_seed(key)},
    )


def metric_names(facts: Sequence[RunFacts]) -> tuple[str, ...]:
    """All metrics of some runs: those with a goal first, then as they come."""
    goals: dict[str, str | None] = {}
    for each in facts:
        for name, goal in each.goals.items():
            goals[name] = goals.get(name) or goal
    return tuple(sorted(goals, key=lambda name: goals[name] is None))


def families(facts: Sequence[RunFacts]) -> dict[str, list[RunFacts]]:
    """Runs that are the same but for the seed, under a label that says how the families differ."""
    grouped: dict[str, list[RunFacts]] = {}
    for each in facts:
        grouped.setdefault(each.family, []).append(each)
    heads = [members[0] for members in grouped.values()]
    keys = sorted({key for each in heads for key in each.params})
    varying = [key for key in keys if len({each.params.get(key) for each in heads}) > 1]
    labelled: dict[str, list[RunFacts]] = {}
    for members in grouped.values():
        head = members[0]
        said = " ".join(f"{key.rsplit('.', 1)[-1]}={head.params.get(key, '–')}" for key in varying)
        label = said or head.name
        while label in labelled:  # two keys with the same last part
            label += "′"
        labelled[label] = members
    return labelled


class CurveSource:
    """Charts of some runs of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._series: dict[tuple[str, str], Series | None] = {}
        self._curves: dict[tuple[object, ...], Curve] = {}

    def facts(self, run_ids: Sequence[str]) -> tuple[RunFacts, ...]:
        """Facts of runs; one that has vanished is left out."""
        found = []
        for run_id in run_ids:
            try:
                found.append(facts_of(self._catalog.record(run_id)))
            except NoRunError:
                continue
        return tuple(found)

    def forget(self, run_ids: Sequence[str]) -> None:
        """Read the series of these runs again when they are next asked for: they may have grown."""
        gone = set(run_ids)
        self._series = {key: each for key, each in self._series.items() if key[0] not in gone}
        self._curves = {key: each for key, each in self._curves.items() if key[0] not in gone}

    def charts(
        self,
        facts: Sequence[RunFacts],
        metrics: Sequence[str],
        view: CurvesView,
        faces: Mapping[str, Face],
        baseline: str | None = None,
    ) -> tuple[Chart, ...]:
        """A chart a metric, all over the same stretch of x. `faces` are by run id."""
        wanted = [*metrics, *([view.axis.metric] if view.axis.metric else [])]
        self._read([each.run_id for each in facts], wanted)
        charts = [self._chart(facts, metric, view, faces, baseline) for metric in metrics]
        shared = view.x or x_scale([curve for chart in charts for curve in chart.curves], view.log_x)
        return tuple(replace(chart, x=shared) for chart in charts)

    def _chart(
        self,
        facts: Sequence[RunFacts],
        metric: str,
        view: CurvesView,
        faces: Mapping[str, Face],
        baseline: str | None,
    ) -> Chart:
        shown = [each for each in facts if metric in each.goals]
        if view.averaged:
            curves = []
            for label, members in families(facts).items():
                having = [each for each in members if metric in each.goals]
                face = replace(faces[members[0].run_id], label=label)
                if any(each.run_id == baseline for each in members):
                    baseline = face.key
                plain = [
                    self._curve(each, metric, replace(view, smoothing=Smoothing()), faces) for each in having
                ]
                curves.append(curve_of_group(face, plain, view.smoothing, view.band))
            curves = [each for each in curves if each.runs]
        else:
            curves = [self._curve(each, metric, view, faces) for each in shown]
        goal = next((each.goals[metric] for each in shown if each.goals[metric]), None)
        return Chart(
            metric, tuple(curves), view.axis, goal, view.log_x, view.log_y, view.robust, view.with_logged,
            baseline=baseline,
        )  # fmt: skip

    def _curve(self, run: RunFacts, metric: str, view: CurvesView, faces: Mapping[str, Face]) -> Curve:
        face = faces[run.run_id]
        key = (run.run_id, metric, view.axis, view.smoothing, face)
        found = self._curves.get(key)
        if found is None:
            series = self._series[run.run_id, metric] or _nothing(run.run_id, metric)
            other = self._series.get((run.run_id, view.axis.metric)) if view.axis.metric else None
            found = curve_of_run(face, series, view.axis, view.smoothing, run.started_us, other)
            self._curves[key] = found
        return found

    def _read(self, run_ids: Sequence[str], metrics: Sequence[str]) -> None:
        """Read what is not here yet, and let go of what is not looked at when there is too much of it."""
        from labtop.query.series import load_series

        kept = sum(len(each.steps) for each in self._series.values() if each is not None)
        if kept > KEPT_POINTS:
            self._series = {
                key: each for key, each in self._series.items() if key[1] in metrics and key[0] in run_ids
            }
        if kept > KEPT_POINTS or len(self._curves) > 2_000:
            self._curves.clear()
        missing = [
            (run, metric) for metric in metrics for run in run_ids if (run, metric) not in self._series
        ]
        if not missing:
            return
        self._series.update(dict.fromkeys(missing))
        runs, names = sorted({run for run, _ in missing}), sorted({metric for _, metric in missing})
        for series in load_series(self._catalog, runs, names):
            self._series[series.run_id, series.name] = series


def _nothing(run_id: str, metric: str) -> Series:
    import numpy as np

    from labtop.query.series import Series

    empty = np.empty(0)
    return Series(run_id, metric, empty, empty.astype(np.int64), empty)
