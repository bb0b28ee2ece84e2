"""From the catalog to charts: reads the series that are looked at, keeps them, and builds curves in the view asked for.

Series of runs that have ended are read once. Curves are kept per view, so that moving through metrics or the cursor
reads and smooths nothing again. Meant to be called from one thread at a time.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from labtop.errors import NoRunError
from labtop.model.run import RunRecord
from labtop.model.system import is_system
from labtop.query.request import Problem, RunGroup, Selection
from labtop.views.chart import Chart
from labtop.views.chart_curves import Curve, Face, Smoothing, curve_of_group, curve_of_run
from labtop.views.chart_extent import x_scale
from labtop.views.chart_look import CurvesView
from labtop.views.chart_ranks import (
    RankSeries,
    cut_to_fit,
    faces_of_ranks,
    said_of_all,
    shared_out,
)
from labtop.views.metric_order import in_order
from labtop.views.table_order import is_telling, only_counts, seldom

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.query.series import Series

LABEL_LENGTH = 20
KEPT_POINTS = 30_000_000  # of all series kept, 24 bytes each; more than ten runs of a million


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the charts need to know of a run. Runs of one `family` are the same but for the seed."""

    run_id: str
    name: str
    is_live: bool
    started_us: int | None
    goals: Mapping[str, str | None]  # metric with points → its goal
    counts: Mapping[str, int]  # metric → points
    family: str = ""


def facts_of(record: RunRecord, family: str = "") -> RunFacts:
    """The facts of a record."""
    started = record.started_at
    names = in_order(record.metrics, record.source.tracker)
    return RunFacts(
        record.id,
        record.name,
        not record.status.is_end,
        round(started.timestamp() * 1e6) if started else None,
        {name: record.metrics[name].goal for name in names if record.metrics[name].count},
        {name: summary.count for name, summary in record.metrics.items()},
        family or record.id,
    )


def metric_names(facts: Sequence[RunFacts]) -> tuple[str, ...]:
    """All metrics of some runs in the order of their charts.

    Those with a goal come first, then those that many of the runs have, of these losses and scores before others, then
    as the runs tell them; after them what only counts steps or time, then what has no curve to see, and how the
    machine did last.
    """
    goals: dict[str, str | None] = {}
    runs: Counter[str] = Counter()
    curved: set[str] = set()
    for each in facts:
        runs.update(each.goals.keys())  # not the mapping, whose values would be counted
        curved.update(name for name in each.goals if each.counts.get(name, 0) > 1)
        for name, goal in each.goals.items():
            goals[name] = goals.get(name) or goal
    most = max(runs.values(), default=1)

    def place(name: str) -> tuple[bool, bool, bool, bool, int, bool]:
        has_no_goal = goals[name] is None
        counts = has_no_goal and only_counts(name)
        often, others = seldom(runs[name] / most), has_no_goal and not is_telling(name)
        return is_system(name), name not in curved, counts, has_no_goal, often, others

    return tuple(sorted(goals, key=place))


def has_curve(facts: Sequence[RunFacts], name: str) -> bool:
    """Whether a run has more than one point of a metric."""
    return any(each.counts.get(name, 0) > 1 for each in facts)


@dataclass(frozen=True, slots=True)
class Families:
    """Groups of runs that are the same but for the seed: the params in which they differ, and a label for each.

    Labels are `lr=0.1 width=64`, or the values alone where that would be too long; `said` is then the params' names.
    """

    labels: tuple[str, ...]
    said: str = ""


def families_of(groups: Sequence[RunGroup]) -> Families:
    """What to call groups."""
    keys = groups[0].by_keys if groups else ()
    names = [key.removeprefix("params.").rsplit(".", 1)[-1] for key in keys]
    values = [["-" if value is None else str(value) for value in group.by] for group in groups]
    labels = [" ".join(f"{name}={value}" for name, value in zip(names, each, strict=True)) for each in values]
    is_long = max(map(len, labels), default=0) > LABEL_LENGTH
    if is_long:
        labels = [" ".join(each) for each in values]
    unique: list[str] = []
    for label in labels:  # code or data may differ where no param does
        label = label or "all"
        again = sum(each == label or each.startswith(f"{label} (") for each in unique)
        unique.append(f"{label} ({again + 1})" if again else label)
    return Families(tuple(unique), " ".join(names) if is_long else "")


class CurveSource:
    """Charts of some runs of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._series: dict[tuple[str, str], RankSeries] = {}
        # by run and path; another thread may be looking at it, so it is never changed in place
        self._problems: dict[tuple[str, str], Problem] = {}
        self._curves: dict[tuple[object, ...], Curve] = {}
        self._ranks = "0"
        self.families = Families(())

    def facts(self, run_ids: Sequence[str]) -> tuple[RunFacts, ...]:
        """Facts of runs; one that has vanished is left out."""
        family = self._families(run_ids)
        found = []
        for run_id in run_ids:
            try:
                found.append(facts_of(self._catalog.record(run_id), family.get(run_id, "")))
            except NoRunError:
                continue
        return tuple(found)

    def _families(self, run_ids: Sequence[str]) -> dict[str, str]:
        """What each run's group of the same but for the seed is called."""
        catalog = self._catalog
        rows = array("I", (row for run_id in run_ids if (row := catalog.row_of(run_id)) is not None))
        groups = catalog.group(Selection(catalog.revision, rows, len(rows)), "seed", ())
        self.families = families_of(groups)
        return {
            run_id: label
            for group, label in zip(groups, self.families.labels, strict=True)
            for run_id in catalog.ids(group.rows)
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read of the series that are kept, each file once."""
        return tuple(self._problems.values())

    @property
    def ranks(self) -> str:
        """Which of several processes the kept curves show ("rank 0 of 32"); nothing where no run has several."""
        if self._ranks == "all":
            return said_of_all(list(self._series.values()))
        said = {each.label for kept in self._series.values() for each in kept.series if each.label}
        return next(iter(said)) if len(said) == 1 else "one rank of each" if said else ""

    def forget(self, run_ids: Sequence[str]) -> None:
        """Read the series of these runs again when they are next asked for: they may have grown."""
        gone = set(run_ids)
        self._series = {key: each for key, each in self._series.items() if key[0] not in gone}
        self._problems = {key: each for key, each in self._problems.items() if key[0] not in gone}
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
        if view.ranks != self._ranks:
            self._series, self._curves, self._ranks = {}, {}, view.ranks
        wanted = [*metrics, *([view.axis.metric] if view.axis.metric else [])]
        self._read(facts, wanted)
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
        left_out = 0
        if view.averaged:
            curves = []
            for label in dict.fromkeys(each.family for each in facts):
                members = [each for each in facts if each.family == label]
                face = faces[members[0].run_id]
                if len(facts) > 1:  # alone it keeps its name
                    face = replace(face, label=label)
                if any(each.run_id == baseline for each in members):
                    baseline = face.key
                unsmoothed = replace(view, smoothing=Smoothing())
                plain = [
                    curve
                    for each in members
                    if metric in each.goals
                    for curve in self._curves_of(each, metric, unsmoothed, faces, True)
                ]
                curves.append(curve_of_group(face, plain, view.smoothing, view.band))
            curves = [each for each in curves if each.runs]
        else:
            lines = [self._curves_of(each, metric, view, faces, len(facts) == 1) for each in shown]
            given = shared_out([len(each) for each in lines])
            curves = [curve for each, some in zip(lines, given, strict=True) for curve in each[:some]]
            left_out = sum(self._series[each.run_id, metric].total for each in shown) - len(curves)
        goal = next((each.goals[metric] for each in shown if each.goals[metric]), None)
        return Chart(
            metric, tuple(curves), view.axis, goal, view.log_x, view.log_y, view.robust, view.with_logged,
            baseline=baseline, left_out=max(left_out, 0), without=len(facts) - len(shown),
        )  # fmt: skip

    def _curves_of(
        self, run: RunFacts, metric: str, view: CurvesView, faces: Mapping[str, Face], is_alone: bool
    ) -> list[Curve]:
        """The curve of a run, or with all ranks a curve each."""
        kept = self._series[run.run_id, metric]
        own = faces_of_ranks(faces[run.run_id], kept.series, is_alone)
        return [self._curve(run, series, view, face) for series, face in zip(kept.series, own, strict=True)]

    def _curve(self, run: RunFacts, series: Series, view: CurvesView, face: Face) -> Curve:
        key = (run.run_id, series.name, view.axis, view.smoothing, face)
        found = self._curves.get(key)
        if found is None:
            others = self._series.get((run.run_id, view.axis.metric or ""))
            other = others.like(series) if others is not None else None
            found = curve_of_run(face, series, view.axis, view.smoothing, run.started_us, other)
            self._curves[key] = found
        return found

    def _read(self, facts: Sequence[RunFacts], metrics: Sequence[str]) -> None:
        """Read what is not here yet, and let go of what is not looked at when there is too much of it.

        Run by run, so that what was read before an interruption stays.
        """
        from labtop.query.ranks import RankChoice
        from labtop.query.series import load_series

        ranks = RankChoice.parse(self._ranks)
        if sum(map(len, self._series.values())) > KEPT_POINTS:
            run_ids = {each.run_id for each in facts}
            self._series = {
                key: each for key, each in self._series.items() if key[1] in metrics and key[0] in run_ids
            }
            self._curves.clear()
        elif len(self._curves) > 2_000:
            self._curves.clear()
        for run in facts:
            names = [name for name in metrics if name in run.goals and (run.run_id, name) not in self._series]
            if names:
                found = load_series(
                    self._catalog, [run.run_id], names, ranks, tell=partial(self._note, run.run_id)
                )
                for name in names:
                    self._series[run.run_id, name] = cut_to_fit([each for each in found if each.name == name])

    def _note(self, run_id: str, problem: Problem) -> None:
        self._problems = {**self._problems, (run_id, problem.path): problem}
