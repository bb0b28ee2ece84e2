"""The metrics of a run as rows: last and best value, distance from a baseline, curve, range; and the energy it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from labtop.model.run import Energy, MetricSummary, RunRecord
from labtop.model.system import is_system
from labtop.views.facts import Fact, MetricRow, Tone
from labtop.views.metric_order import in_order
from labtop.views.numbers import duration, format_numbers, shortest
from labtop.views.text import clean

_NO_TONE: Tone = ""


def metric_rows(record: RunRecord, baseline: RunRecord | None = None) -> tuple[MetricRow, ...]:
    """The metrics, each with its last and best value and how far it is from the baseline's last."""
    return tuple(
        _metric_row(name, record.metrics[name], baseline.metrics.get(name) if baseline else None)
        for name in in_order(record.metrics, record.source.tracker)
    )


def spark_levels(numbers: Sequence[float]) -> str:
    """Numbers as the levels of a sparkline: 0 to 7, "n" for NaN; a flat curve lies in the middle."""
    finite = [each for each in numbers if abs(each) < float("inf")]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high / 8 - low / 8  # in eighths, so that it cannot overflow

    def level(value: float) -> str:
        if value != value:
            return "n"
        if not span:
            return "3"
        return (
            str(max(0, min(7, int((value / 8 - low / 8) / span * 7.999))))
            if value in finite
            else "70"[value < 0]
        )

    return "".join(map(level, numbers))


def _metric_row(name: str, metric: MetricSummary, base: MetricSummary | None) -> MetricRow:
    values = [
        each
        for each in (metric.last, metric.min, metric.max, base.last if base else None)
        if each is not None
    ]
    form = format_numbers(values)

    def text(value: float | None) -> str:
        return "" if value is None else form.digits(value)

    goal = metric.goal
    best, step = (metric.min, metric.min_step) if goal == "min" else (metric.max, metric.max_step)
    delta, tone = "", _NO_TONE
    if base is not None and metric.last is not None and base.last is not None:
        delta = form.difference(metric.last, base.last)
        tone = _delta_tone(metric.last, base.last, goal)
    return MetricRow(
        name=clean(name, 80)
        + {"min": "↓", "max": "↑"}.get(goal or "", "")
        + ("" if metric.rank is None else f" (rank {metric.rank})"),
        last=text(metric.last),
        best=f"{text(best)} @ {shortest(step)}" if goal and best is not None and step is not None else "",
        delta=delta,
        delta_tone=tone,
        spark=spark_levels(metric.spark),
        low=text(metric.min),
        high=text(metric.max),
        count=str(metric.count) if metric.count else "",
        nan=f"{metric.nan_count} NaN" if metric.nan_count else "",
    )


def _delta_tone(value: float, base: float, goal: str | None) -> Tone:
    if goal is None or value == base or value != value or base != base:
        return ""
    return "good" if (value < base) == (goal == "min") else "bad"


def metrics_of(record: RunRecord, system: bool) -> RunRecord:
    """The record with the metrics of the machine alone, or without them."""
    metrics = {name: each for name, each in record.metrics.items() if is_system(name) == system}
    return record if len(metrics) == len(record.metrics) else replace(record, metrics=metrics)


def energy_facts(energy: Energy | None) -> Iterator[Fact]:
    """The energy that the machine took, and how it was measured."""
    if energy is None:
        return
    how = {"counter": "by their own counters", "power": "power over time"}.get(energy.gpu_source, "")
    note = ", ".join(filter(None, (how, f"in {duration(energy.seconds)}")))
    if energy.gpu_wh is not None:
        yield Fact("GPU energy", f"{energy.gpu_wh:.4g} Wh", note)
    if energy.cpu_wh is not None:
        yield Fact("CPU energy", f"{energy.cpu_wh:.4g} Wh", f"in {duration(energy.seconds)}")
