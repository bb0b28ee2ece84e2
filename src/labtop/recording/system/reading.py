"""What one graphics processor tells of itself at a moment, whoever made it."""

from __future__ import annotations

from typing import NamedTuple


class GpuReading(NamedTuple):
    """One GPU now; None is what it does not tell. Energy is a counter of joules."""

    utilization_percent: float | None = None
    memory_bytes: float | None = None
    memory_percent: float | None = None
    power_watts: float | None = None
    temperature_celsius: float | None = None
    energy_j: float | None = None
