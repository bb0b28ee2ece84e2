"""All that is measured of a machine, read at once."""

from __future__ import annotations

import time

from labtop.model.run import Energy
from labtop.model.system import SYSTEM
from labtop.recording.system.energy import EnergyMeter, Rapl, watt_hours
from labtop.recording.system.gpus import GpuSource, open_sources
from labtop.recording.system.machine import Machine, Values
from labtop.recording.system.reading import GpuReading


class Meters:
    """Opened in the sampling thread: imports and drivers take their time."""

    def __init__(self, pid: int, sources: list[GpuSource] | None = None, rapl: Rapl | None = None) -> None:
        self._machine = Machine(pid)
        self._sources = open_sources() if sources is None else sources
        self._rapl = rapl or Rapl()
        self._gpus: dict[int, EnergyMeter] = {}
        self._began = time.monotonic()
        self._read_gpus()

    def read(self) -> Values:
        """Every value now by its full name."""
        values = {f"{SYSTEM}{name}": value for name, value in self._machine.read().items()}
        for at, gpu in enumerate(self._read_gpus()):
            for name, value in zip(gpu._fields, gpu, strict=True):
                if value is not None and name != "energy_j":
                    values[f"{SYSTEM}gpu.{at}/{name}"] = value
        self._rapl.read()
        return values

    def _read_gpus(self) -> list[GpuReading]:
        now = time.monotonic()
        readings = [reading for source in self._sources for reading in source.read()]
        for at, reading in enumerate(readings):
            meter = self._gpus.setdefault(at, EnergyMeter())
            meter.add(now, reading.energy_j, reading.power_watts)
        return readings

    def energy(self) -> Energy | None:
        """What was used since these meters were opened; None where nothing tells."""
        if not self._gpus and not self._rapl.is_there:
            return None
        gpu = sum(each.joules for each in self._gpus.values())
        is_counted = all(each.is_counted for each in self._gpus.values())
        return Energy(
            gpu_wh=watt_hours(gpu) if self._gpus else None,
            cpu_wh=watt_hours(self._rapl.joules) if self._rapl.is_there else None,
            gpu_source=("counter" if is_counted else "power") if self._gpus else "",
            seconds=time.monotonic() - self._began,
        )

    def close(self) -> None:
        """Let go of drivers."""
        for source in self._sources:
            source.close()
