"""Graphics processors: NVIDIA's through NVML, AMD's through what their kernel driver shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from labtop.recording.capture.gpus import known


class GpuReading(NamedTuple):
    """One GPU now; None is what it does not tell. Energy is a counter of joules."""

    utilization_percent: float | None = None
    memory_bytes: float | None = None
    memory_percent: float | None = None
    power_watts: float | None = None
    temperature_celsius: float | None = None
    energy_j: float | None = None


class GpuSource(Protocol):
    """The GPUs of one maker."""

    def read(self) -> list[GpuReading]:
        """All of them, always in the same order."""

    def close(self) -> None:
        """Let go of the driver."""


def open_sources() -> list[GpuSource]:
    """The GPUs that this process may use, by maker; takes a while."""
    sources = (Nvidia.open(), Amd.open())
    return [each for each in sources if each is not None]


class Nvidia:
    """NVIDIA's GPUs. What a GPU does not support is asked once."""

    def __init__(self, nvml: Any, handles: list[Any]) -> None:
        self._nvml = nvml
        self._handles = handles
        self._silent: set[tuple[int, str]] = set()

    @classmethod
    def open(cls) -> Nvidia | None:
        """The GPUs that `CUDA_VISIBLE_DEVICES` leaves; None without a driver or a GPU."""
        try:
            import pynvml

            pynvml.nvmlInit()
        except Exception:  # no library, no driver, no permission
            return None
        try:
            count = int(pynvml.nvmlDeviceGetCount())
            handles = [known(partial(pynvml.nvmlDeviceGetHandleByIndex, at)) for at in range(count)]
            identities = [_identity(pynvml, handle) for handle in handles]
        except Exception:  # a driver that fails half-way
            pynvml.nvmlShutdown()
            return None
        chosen = visible(identities, os.environ.get("CUDA_VISIBLE_DEVICES"))
        chosen = [at for at in chosen if handles[at] is not None]  # one that fell off the bus hides no other
        if not chosen:
            pynvml.nvmlShutdown()
            return None
        return cls(pynvml, [handles[at] for at in chosen])

    def read(self) -> list[GpuReading]:
        """All GPUs."""
        return [self._one(at, handle) for at, handle in enumerate(self._handles)]

    def _one(self, at: int, handle: Any) -> GpuReading:
        nvml = self._nvml
        memory = self._ask(at, "memory", lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        power = self._ask(at, "power", lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        energy = self._ask(at, "energy", lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        busy = self._ask(at, "busy", lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        heat = self._ask(at, "heat", lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        return GpuReading(
            utilization_percent=None if busy is None else float(busy),
            memory_bytes=None if memory is None else float(memory.used),
            memory_percent=None if memory is None else 100 * float(memory.used) / max(float(memory.total), 1),
            power_watts=None if power is None else power / 1000,
            temperature_celsius=None if heat is None else float(heat),
            energy_j=None if energy is None else energy / 1000,
        )

    def _ask(self, at: int, what: str, ask: Callable[[], Any]) -> Any:
        if (at, what) in self._silent:
            return None
        try:
            return ask()
        except Exception as error:  # not supported, or the GPU is lost for now
            if "NotSupported" in type(error).__name__ or "not supported" in str(error).lower():
                self._silent.add((at, what))
            return None

    def close(self) -> None:
        """Let go of the driver."""
        try:
            self._nvml.nvmlShutdown()
        except Exception:  # it is gone already
            pass


def visible(identities: list[str], setting: str | None) -> list[int]:
    """Which GPUs `CUDA_VISIBLE_DEVICES` names, by number or by the beginning of their identity; all where it is unset.

    As CUDA does it, the first name that means nothing ends the list.
    """
    if setting is None:
        return list(range(len(identities)))
    chosen: list[int] = []
    for word in (each.strip() for each in setting.split(",")):
        if word.isdecimal() and int(word) < len(identities):
            chosen.append(int(word))
            continue
        fitting = [at for at, identity in enumerate(identities) if word and identity.startswith(word)]
        if len(fitting) != 1:
            break
        chosen += fitting
    return list(dict.fromkeys(chosen))


def _identity(nvml: Any, handle: Any) -> str:
    return "" if handle is None else _text(known(lambda: nvml.nvmlDeviceGetUUID(handle)) or "")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Amd:
    """AMD's GPUs, by the files that the driver amdgpu keeps below `/sys/class/drm/card*/device`."""

    def __init__(self, devices: list[Path]) -> None:
        self._devices = [(each, next(iter(sorted(each.glob("hwmon/hwmon*"))), None)) for each in devices]

    @classmethod
    def open(cls, system: Path = Path("/sys/class/drm")) -> Amd | None:
        """None where there is no such GPU."""
        try:
            cards = sorted(system.glob("card[0-9]*"), key=lambda card: (len(card.name), card.name))
            devices = [each / "device" for each in cards if each.name[4:].isdecimal()]
            found = [each for each in devices if (each / "gpu_busy_percent").is_file()]
        except OSError:
            return None
        return cls(found) if found else None

    def read(self) -> list[GpuReading]:
        """All GPUs."""
        return [self._one(device, sensors) for device, sensors in self._devices]

    @staticmethod
    def _one(device: Path, sensors: Path | None) -> GpuReading:
        used, total = _number(device / "mem_info_vram_used"), _number(device / "mem_info_vram_total")
        power = heat = energy = None
        if sensors is not None:
            power = _number(sensors / "power1_average")
            power = _number(sensors / "power1_input") if power is None else power
            heat, energy = _number(sensors / "temp1_input"), _number(sensors / "energy1_input")
            heat = (
                _number(sensors / "temp2_input") if heat is None else heat
            )  # Instinct: the junction, no edge
        return GpuReading(
            utilization_percent=_number(device / "gpu_busy_percent"),
            memory_bytes=used,
            memory_percent=100 * used / total if used is not None and total else None,
            power_watts=None if power is None else power / 1e6,
            temperature_celsius=None if heat is None else heat / 1000,
            energy_j=None if energy is None else energy / 1e6,
        )

    def close(self) -> None:
        """Nothing is held."""


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None
