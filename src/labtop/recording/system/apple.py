"""The GPUs of a Mac while a run lives, by what `ioreg` tells everybody. Power is told to root only."""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from labtop.recording.system.reading import GpuReading

_IOREG = Path("/usr/sbin/ioreg")
_PATIENCE_S = 5.0
_MEMORY = ("In use system memory", "vramUsedBytes", "inUseVidMemoryBytes")  # Apple's own; of Intel Macs


class Apple:
    """Asks `ioreg` at each reading, which takes it about 20 ms."""

    def __init__(self, ioreg: Path) -> None:
        self._ask = [str(ioreg), "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator", "-a"]

    @classmethod
    def open(cls, ioreg: Path = _IOREG) -> Apple | None:
        """None where there is no `ioreg` (this is no Mac), or it shows no GPU."""
        if not ioreg.is_file():
            return None
        source = cls(ioreg)
        return source if source.read() else None

    def read(self) -> list[GpuReading]:
        """All GPUs."""
        try:
            said = subprocess.run(self._ask, capture_output=True, timeout=_PATIENCE_S, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return []
        return apple_readings(said)

    def close(self) -> None:
        """Nothing is held."""


def apple_readings(report: bytes) -> list[GpuReading]:
    """The GPUs in a report of `ioreg -a -c IOAccelerator`, a property list; none where it is something else."""
    try:
        found = plistlib.loads(report) if report.strip() else []
    except (ValueError, TypeError, ExpatError, plistlib.InvalidFileException):
        return []
    if not isinstance(found, list):
        return []
    statistics = [each.get("PerformanceStatistics") for each in found if isinstance(each, dict)]
    return [_reading(each) for each in statistics if isinstance(each, dict)]


def _reading(told: Mapping[str, Any]) -> GpuReading:
    def number(*names: str) -> float | None:
        values = (told.get(name) for name in names)
        return next((float(each) for each in values if isinstance(each, int | float)), None)

    return GpuReading(
        utilization_percent=number("Device Utilization %", "GPU Activity(%)"),
        memory_bytes=number(*_MEMORY),
        power_watts=number("Total Power(W)"),
        temperature_celsius=number("Temperature(C)"),
    )
