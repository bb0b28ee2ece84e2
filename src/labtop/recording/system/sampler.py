"""Samples the machine in a thread while a run lives: a first time soon, then every so many seconds, and at the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.model.run import Energy, Writer
from labtop.recording.capture.command import launcher_and_ranks
from labtop.recording.facts import RunFacts

if TYPE_CHECKING:
    from labtop.recording.system.meters import Meters

_FIRST_S = 1.0  # before that nothing is even imported: a run of a moment pays nothing
_SHORTEST_S = 0.5  # between two samples: rates over less say nothing
_PATIENCE_S = 2.0  # for the last sample; a driver may hang


class SystemSampler:
    """Samples for one run, into its own points.

    `step` tells which step comes next; while `is_wanted` says no, another process measures.
    """

    def __init__(
        self,
        facts: RunFacts,
        step: Callable[[], float],
        interval_s: float,
        pid: int | None = None,
        first_s: float | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._facts = facts
        self._step = step
        self._interval_s = max(interval_s, _SHORTEST_S)
        self._pid = os.getpid() if pid is None else pid
        self._first_s = _FIRST_S if first_s is None else first_s
        self._is_wanted = is_wanted
        self._before: Energy | None = facts.record.life.energy  # of a run that goes on
        self._stop = threading.Event()
        self._is_abandoned = False
        self._thread = threading.Thread(target=self._run, name="labtop-system", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float = _PATIENCE_S) -> None:
        """Take a last sample and end; not longer than `patience_s`."""
        self._stop.set()
        self._thread.join(patience_s)
        self._is_abandoned = True

    def _run(self) -> None:
        if self._stop.wait(self._first_s):
            return
        with self._facts.safely("measuring the machine"):
            from labtop.recording.system.meters import Meters  # here: `init` does not wait for it

            meters = Meters(self._pid)
            try:
                self._sample_on(meters)
            finally:
                meters.close()

    def _sample_on(self, meters: Meters) -> None:
        pause, last = min(self._interval_s, self._first_s), time.monotonic()
        while True:
            is_end = self._stop.wait(pause)
            if is_end and time.monotonic() - last < min(_SHORTEST_S, self._first_s):
                return
            last = time.monotonic()
            self._sample(meters)
            if is_end:
                return
            pause = self._interval_s

    def _sample(self, meters: Meters) -> None:
        values = meters.read()
        energy = meters.energy()
        if self._is_abandoned or not self._is_wanted():  # it took so long that the run has ended without it
            return
        self._facts.writer.append(max(self._step() - 1, 0), time.time_ns() // 1000, values)
        if energy is not None:
            self._facts.set_life(energy=added(self._before, energy))


def added(before: Energy | None, now: Energy) -> Energy:
    """The energy of a run that goes on: what it had used, and what it uses now."""
    if before is None:
        return now

    def both(one: float | None, other: float | None) -> float | None:
        return other if one is None else one if other is None else one + other

    return replace(
        now,
        gpu_wh=both(before.gpu_wh, now.gpu_wh),
        cpu_wh=both(before.cpu_wh, now.cpu_wh),
        seconds=before.seconds + now.seconds,
    )


def samples_here(who: Writer | None, environment: Mapping[str, str]) -> bool:
    """Whether this process is the one that measures its machine: of a launch, local rank 0; never a helper."""
    if who is not None and who.role in ("command", "child", "worker", "rival"):
        return False
    _, ranks = launcher_and_ranks(environment)
    known = (
        who.local_rank if who else None,
        ranks.get("local_rank"),
        who.rank if who else None,
        ranks.get("rank"),
    )
    return not next((each for each in known if each is not None), 0)
