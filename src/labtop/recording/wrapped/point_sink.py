"""Where picked up metrics go: into the run, at the step that the row tells or the next one."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from labtop.recording.facts import RunFacts
    from labtop.recording.metric_names import MetricNames

STEPS = ("step", "global_step", "_step", "steps", "iteration", "iter", "epoch")
"""What is taken for the step where nobody says, the first that is there."""


class PointSink:
    """Where picked up values go: into the run, under clean names, each source with steps of its own."""

    def __init__(self, facts: RunFacts) -> None:
        from labtop.recording.metric_names import MetricNames

        self.facts = facts
        self.count = 0
        self.last_step = 0.0
        self._names: MetricNames = MetricNames(facts.redactor.text, lambda _: None)
        self._next: dict[str, float] = {}

    def add(
        self, values: Mapping[str, float], source: str, step_name: str | None, prefix: str = ""
    ) -> float | None:
        """Log a row; the step is one of its columns, or else counts up. Gives the step; None for nothing to log."""
        by_name = {name.lower(): name for name in values}
        wanted = (step_name.lower(),) if step_name else STEPS
        at = next((by_name[name] for name in wanted if name in by_name), None)
        step = values[at] if at is not None else None
        metrics = {self._names[prefix + name]: value for name, value in values.items() if name != at}
        if not metrics:
            return None
        if step is None or not abs(step) < float("inf"):
            step = self._next.get(source, 0)
        self._next[source] = step + 1
        self.log(metrics, step, time.time_ns() // 1000)
        return step

    def log(self, metrics: Mapping[str, float], step: float, time_us: int) -> None:
        """Log clean names."""
        self.count += len(metrics)
        self.last_step = step
        self.facts.writer.append(step, time_us, metrics)

    def name(self, name: str) -> str:
        """A metric's name without secrets, and not too long."""
        return self._names[name]
