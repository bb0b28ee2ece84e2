"""How a run stands, as a reader can tell. Nothing is ever written on another process's behalf.

Ages are counted from when this reader saw the beat counter move, on its own monotonic clock: no clock of another
machine counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from labtop.model.run import Beat, RunRecord, Status
from labtop.store.process import is_gone

SHORTEST_LIMIT_S = 150.0
_BEATS_MISSED = 4
_SURELY_OLD_S = 4 * 3600.0  # clocks are off by a time zone's mistake; a beat that moves belies it


@dataclass(slots=True)
class _Sight:
    counter: int
    moved_at: float
    gone_at_counter: int | None = None


class BeatHistory:
    """When this reader last saw each run's beat move.

    `clock` counts seconds and never jumps; `wall` tells the seconds since the epoch, to compare hours.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._sights: dict[str, _Sight] = {}

    def look(self, run_id: str, counter: int) -> tuple[float, _Sight]:
        """Note the counter; gives the seconds since it was seen to move (or first seen), and the note."""
        now = self._clock()
        sight = self._sights.get(run_id)
        if sight is None:
            sight = self._sights[run_id] = _Sight(counter, now)
        elif sight.counter != counter:
            sight.counter, sight.moved_at = counter, now
        return now - sight.moved_at, sight

    def is_surely_old(self, beat: Beat) -> bool:
        """Whether a beat was written hours ago, more than two clocks are apart: only a beat that moves says other."""
        return beat.at is not None and self._wall() - beat.at > _SURELY_OLD_S

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that has ended."""
        self._sights.pop(run_id, None)

    def is_first_look(self, run_id: str) -> bool:
        """Whether this run was never looked at."""
        return run_id not in self._sights


def beat_limit_s(beat: Beat) -> float:
    """How long a beat may stand still before a run counts as lost."""
    return max(_BEATS_MISSED * beat.interval_s, SHORTEST_LIMIT_S)


def infer_status(record: RunRecord, seen: BeatHistory) -> Status:
    """The status of a run now.

    Arguments:
        record: as it was read.
        seen: the memory of this reader; one for all runs.
    """
    if record.status is not Status.RUNNING:
        seen.forget(record.id)
        return record.status
    process, beat = record.life.process, record.life.beat or Beat()
    is_first = seen.is_first_look(record.id)
    still_s, sight = seen.look(record.id, beat.counter)
    if process is not None and sight.gone_at_counter in (None, beat.counter) and is_gone(process):
        # a beat that moves after this belies it: a process in another container has a number of its own
        sight.gone_at_counter = beat.counter
        return Status.CRASHED
    if is_first and seen.is_surely_old(beat):
        sight.moved_at -= beat_limit_s(beat) + 1
        return Status.LOST
    return Status.LOST if still_s > beat_limit_s(beat) else Status.RUNNING
