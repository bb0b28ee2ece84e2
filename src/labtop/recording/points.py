"""What `log` does: numbers by name, a step, a time, and off to the writer. Rich values go their own way."""

from __future__ import annotations

import math
import time
from binascii import crc32
from collections.abc import Mapping
from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING, Any

from labtop.model.run import MetricSummary
from labtop.recording.children import at_end_of_child
from labtop.recording.config import as_scalar
from labtop.recording.facts import RunFacts
from labtop.recording.failure import outcome_of
from labtop.recording.metric_names import MetricNames, MetricRule, MetricRules
from labtop.store.wal import LONGEST_PAYLOAD, MARK, encode_payload, pack_head

if TYPE_CHECKING:
    from labtop.model.values.base import RichValue
    from labtop.recording.values import ValueLog
    from labtop.store.tail import Tail

_VALUES_PATIENCE_S = 60.0  # of a child that leaves, for rich values that are still being written


class PointLog:
    """Logs the points of one run in this process."""

    def __init__(self, facts: RunFacts, values: ValueLog, next_step: float = 0) -> None:
        self.next_step = next_step
        self._facts = facts
        self._values = values
        self._append = facts.writer.append
        self._quick: Tail | None = None  # where plain numbers go, unless something has to be looked at
        self._is_new_child = False
        self._pending: dict[str, float] = {}  # from commit=False
        self._pending_step: float | None = None
        self._rules = MetricRules()
        self._names = MetricNames(facts.redactor.text, self._on_new_name)
        self._plain = self._names.plain
        self._step_metrics: dict[str, str] = {}  # metric → the one that is its x axis
        self._last_x: dict[str, float] = {}  # values of those
        self._choose_way()

    def _choose_way(self) -> None:
        """Take the quick way as long as values go straight to this process's own log, each at the step of its call."""
        goes_straight = self._append == self._facts.writer.append
        has_to_look = self._pending or self._step_metrics or self._is_new_child
        self._quick = self._facts.writer.quick_tail if goes_straight and not has_to_look else None

    def log(self, data: Mapping[str, Any], step: float | None = None, commit: bool | None = None) -> None:
        """See `Run.log`. Ten numbers take a few microseconds; keep it so (tests/benchmarks/bench_log.py)."""
        tail = self._quick
        if (
            tail is not None
            and type(data) is dict
            and (step is None or type(step) is int)
            and commit is not False
        ):  # the usual case, five times as fast as what follows
            # After a step of training nothing of this is in the processor's caches: every function that is called,
            # and every object that is touched, costs about a microsecond more than it seems. So this is one function
            # with plain loops; what it takes for granted is in `Tail`.
            plain = self._plain
            for name, value in data.items():
                if (type(value) is not float and type(value) is not int) or name not in plain:
                    break  # a whole number is read back as a float
            else:
                at = self.next_step if step is None else step
                seq = tail.next_seq
                try:
                    payload = encode_payload((1, seq, time_ns() // 1000, at, data))
                except (TypeError, ValueError, OverflowError):
                    payload = b""
                length, count = len(payload), len(data)
                frame = pack_head(MARK, length, crc32(payload)) + payload
                if tail.next_seq == seq < tail.quick_until and 0 < length <= LONGEST_PAYLOAD and count:
                    tail.next_seq = (
                        seq + count
                    )  # from its comparison to the return of put() no other thread has a turn
                    tail.put(payload)
                    self.next_step = at + 1 if type(at) is int else math.floor(at) + 1
                    try:
                        if (written := tail.write(tail.descriptor, frame)) != len(frame):
                            tail.wal.write_rest(frame, written)
                    except OSError as error:
                        tail.fail(error)
                    return
        self._log_one_by_one(data, step, commit)

    def _log_one_by_one(self, data: Mapping[str, Any], step: float | None, commit: bool | None) -> None:
        rich: list[tuple[str, RichValue]] = []
        values: dict[str, float] = {}
        names = self._names
        try:
            for name, value in data.items():
                if type(value) is float:
                    values[names[name]] = value
                else:
                    self._take(values, rich, name, value)
        except AttributeError:
            what = type(data).__name__
            self._facts.refuse("log", f"log() takes a mapping of names to numbers, not {what}")
            return
        at = self.next_step if step is None else step if type(step) is int else self._as_step(step)
        if commit is False or self._pending or self._step_metrics:
            at = self._log_with_care(values, at, step is not None, commit is not False)
            if rich:
                self._log_rich(rich, at)
            return
        self.next_step = at + 1 if type(at) is int else math.floor(at) + 1
        if values:
            self._append(at, time.time_ns() // 1000, values)
        if rich:
            self._log_rich(rich, at)

    def _log_rich(self, rich: list[tuple[str, RichValue]], at: float) -> None:
        """Hand rich values over, each at its x."""
        if self._append == self._append_too_late:
            self._append_too_late(at, 0, {})
            return
        xs = [self._last_x.get(self._rules.step_metric(name) or "", at) for name, _ in rich]
        self.take_part()
        self._values.take([(name, value, x) for (name, value), x in zip(rich, xs, strict=True)])

    def _take(
        self, values: dict[str, float], rich: list[tuple[str, RichValue]], name: object, value: Any
    ) -> None:
        """Add one logged value that is no plain float."""
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._take(values, rich, f"{name}/{key}", inner)
            return
        number = value if isinstance(value, float | int) else as_scalar(value)
        if number is None and (found := self._rich_in(value)):
            rich += [(self._names[f"{name}{end}"], each) for end, each in found.items()]
            return
        try:
            if number is None and hasattr(type(value), "__float__") and not hasattr(value, "__len__"):
                number = float(value)  # Decimal, Fraction and their like
            if number is not None:
                values[self._names[name]] = float(number)
                return
        except (OverflowError, TypeError, ValueError):
            pass
        hint = "text goes into run.config or labtop.Text" if isinstance(value, str) else "only numbers are"
        if hasattr(value, "shape"):
            hint = "say what it is: labtop.Image(…), labtop.Histogram(…), labtop.Table(…)"
        self._facts.refuse(f"log {name}", f"{name!r} is not logged: {_an(type(value).__name__)}; {hint}")

    def _rich_in(self, value: Any) -> Mapping[str, RichValue] | None:
        """The rich values in something that is no number."""
        if isinstance(value, str | bytes):
            return None
        from labtop.model.values.recognising import values_in

        return values_in(value)

    def _as_step(self, step: Any) -> float:
        number = step if isinstance(step, float | int) else as_scalar(step)
        if number is None or not math.isfinite(number):
            self._facts.refuse("step", f"step {step!r} is no number; the run's own counter is used")
            return self.next_step
        return int(number) if float(number).is_integer() else float(number)

    def _log_with_care(self, values: dict[str, float], at: float, is_explicit: bool, commit: bool) -> float:
        """Log with values kept from `commit=False`, and with metrics whose x axis is another metric; give the step."""
        with self._facts.lock:
            kept_for = self._pending_step
            if is_explicit and kept_for is not None and kept_for != at:
                self._commit(kept_for)
            elif not is_explicit and kept_for is not None:
                at = kept_for
            self._pending |= values
            if commit:
                self._commit(at)
            elif is_explicit:
                self._pending_step = at
            self._choose_way()
            return at

    def commit(self) -> None:
        """Log what `commit=False` has kept."""
        with self._facts.lock:
            if self._pending:
                self._commit(self.next_step if self._pending_step is None else self._pending_step)
            self._choose_way()

    def _commit(self, at: float) -> None:
        values, self._pending, self._pending_step = self._pending, {}, None
        self.next_step = math.floor(at) + 1
        self._last_x |= {name: values[name] for name in self._step_metrics.values() if name in values}
        by_step: dict[float, dict[str, float]] = {}
        for name, value in values.items():
            x = self._last_x.get(self._step_metrics.get(name, ""), at)
            by_step.setdefault(x if math.isfinite(x) else at, {})[name] = value
        now_us = time.time_ns() // 1000
        for x, group in by_step.items():
            self._append(x, now_us, group)

    def define(self, rule: MetricRule) -> None:
        """Take a rule for metrics that are there and those to come."""
        self._rules.add(rule)
        for name in list(self._names.values()):
            self._on_new_name(name)

    def goal(self, name: str) -> str | None:
        """Where a metric should go, as it was defined."""
        return self._rules.goal(name)

    def _on_new_name(self, name: str) -> None:
        if step_metric := self._rules.step_metric(name):
            self._step_metrics[name] = step_metric
            self._choose_way()
        goal = self._rules.goal(name)
        with self._facts.lock:
            metrics = self._facts.record.metrics
            known = metrics.get(name)
            if goal and (known is None or known.goal != goal):
                self._facts.set(metrics={**metrics, name: replace(known or MetricSummary(), goal=goal)})

    # -- the end, and children -----------------------------------------------------------------------------------

    def close(self) -> None:
        """From now on `log` only says that the run has ended."""
        self._append = self._append_too_late
        self._choose_way()

    def _append_too_late(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        self._facts.refuse("ended", "the run has ended; what is logged after that is not recorded")

    def after_fork(self) -> None:
        """In a child: a writer of its own begins with the first point."""
        self._values.after_fork()
        self._is_new_child = True
        if self._append != self._append_too_late:
            self._append = self._append_first_in_child
        self._choose_way()

    def _append_first_in_child(self, step: float, time_us: int, values: Mapping[str, float]) -> None:
        self._append = self._facts.writer.append
        self._append(step, time_us, values)
        self.take_part()
        self._choose_way()

    def take_part(self) -> None:
        """In a forked child that logs something: its end will be told."""
        if self._is_new_child:
            self._is_new_child = False
            at_end_of_child(self._end_child)

    def _end_child(self, error: BaseException | None) -> None:
        with self._facts.safely("the end of a child"):
            outcome = outcome_of(error, self._facts.root)
            message = outcome.error and self._facts.redactor.text(outcome.error.message)
            told = outcome.error and replace(outcome.error, message=message or "")
            self._facts.set_life(exit_code=outcome.exit_code, signal=outcome.signal, error=told)
            self._values.drain(_VALUES_PATIENCE_S)
            self._values.finish()
            self._facts.writer.close(outcome.status)


def _an(name: str) -> str:
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"
