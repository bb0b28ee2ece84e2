"""How much energy was used: from counters where there are some, else from power over time."""

from __future__ import annotations

from pathlib import Path

_JOULES_PER_WH = 3600.0
_LONGEST_GAP_S = 600.0  # what lies between two readings farther apart (a machine that slept) is not guessed


class EnergyMeter:
    """The energy of one device in joules, since the first reading."""

    def __init__(self) -> None:
        self.joules = 0.0
        self.is_counted = False  # by a counter of the device, not by power over time
        self._counter: float | None = None
        self._power: tuple[float, float] | None = None  # when, watts

    def add(self, now: float, counter_j: float | None, power_w: float | None) -> None:
        """Take a reading at `now` (seconds of a clock that never jumps). A counter counts more than power."""
        if counter_j is not None:
            if self._counter is not None and counter_j >= self._counter:
                self.joules += counter_j - self._counter
                self.is_counted = True
            self._counter = counter_j
            return
        if power_w is not None:
            if self._power is not None and 0 < now - self._power[0] <= _LONGEST_GAP_S:
                self.joules += (now - self._power[0]) * (power_w + self._power[1]) / 2
            self._power = (now, power_w)


class Rapl:
    """The processors' own energy counters on Linux, which most systems let only root read.

    By Documentation/power/powercap/powercap.rst of the kernel: `energy_uj` counts up and begins again at
    `max_energy_range_uj`.
    """

    def __init__(self, folder: Path = Path("/sys/class/powercap")) -> None:
        self._last: dict[Path, int] = {}
        self.joules = 0.0
        try:
            zones = sorted(folder.glob("intel-rapl:[0-9]*"))
        except OSError:
            zones = []
        self._zones = [
            each for each in zones if each.name.count(":") == 1 and _number(each / "energy_uj") is not None
        ]
        self.read()

    @property
    def is_there(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._zones)

    def read(self) -> None:
        """Add what was used since the read before."""
        for zone in self._zones:
            now = _number(zone / "energy_uj")
            if now is None:
                continue
            before = self._last.get(zone, now)
            if now < before:
                now_from_before = now + (_number(zone / "max_energy_range_uj") or before)
                self.joules += max(0, now_from_before - before) / 1e6
            else:
                self.joules += (now - before) / 1e6
            self._last[zone] = now


def watt_hours(joules: float) -> float:
    """Joules as Wh."""
    return joules / _JOULES_PER_WH


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
