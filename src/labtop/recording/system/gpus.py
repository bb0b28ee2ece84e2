"""Graphics processors: NVIDIA's through NVML, AMD's through what their kernel driver shows, Apple's through `ioreg`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from labtop.recording.capture.gpus import amd_name
from labtop.recording.capture.visible_gpus import (
    NvidiaDevice,
    nvidia_devices,
    open_nvml,
    visible_amd,
    visible_nvidia,
)
from labtop.recording.system.apple import Apple
from labtop.recording.system.reading import GpuReading


class GpuSource(Protocol):
    """The GPUs of one maker."""

    def read(self) -> list[GpuReading]:
        """All of them, always in the same order."""

    def close(self) -> None:
        """Let go of the driver."""


def open_sources() -> list[GpuSource]:
    """The GPUs that this process may use, by maker; takes a while."""
    sources = (Nvidia.open(), Amd.open(), Apple.open())
    return [each for each in sources if each is not None]


class Nvidia:
    """NVIDIA's GPUs. What a GPU does not support is asked once."""

    def __init__(self, nvml: Any, devices: list[NvidiaDevice]) -> None:
        self._nvml = nvml
        self._devices = devices
        self._silent: set[tuple[int, str]] = set()

    @classmethod
    def open(cls) -> Nvidia | None:
        """The GPUs and MIG instances that `CUDA_VISIBLE_DEVICES` leaves; None without a driver or a GPU."""
        try:
            pynvml = open_nvml()
        except Exception:  # no library, no driver, no permission
            return None
        try:
            devices = visible_nvidia(nvidia_devices(pynvml), os.environ)
        except Exception:  # a driver that fails half-way
            devices = []
        if not devices:
            pynvml.nvmlShutdown()
            return None
        return cls(pynvml, devices)

    def read(self) -> list[GpuReading]:
        """All GPUs."""
        return [self._one(at, device) for at, device in enumerate(self._devices)]

    def _one(self, at: int, device: NvidiaDevice) -> GpuReading:
        """Of a MIG instance only memory is told, and the temperature of its GPU, whose power others use too."""
        nvml, handle = self._nvml, device.handle
        memory = self._ask(at, "memory", lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        if device.is_instance:
            self._silent |= {(at, "power"), (at, "energy"), (at, "busy")}
        power = self._ask(at, "power", lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        energy = self._ask(at, "energy", lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        busy = self._ask(at, "busy", lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        heat = self._ask(
            at, "heat", lambda: nvml.nvmlDeviceGetTemperature(device.gpu, nvml.NVML_TEMPERATURE_GPU)
        )
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


class Amd:
    """AMD's GPUs, by the files that the driver amdgpu keeps below `/sys/class/drm/card*/device`."""

    def __init__(self, devices: list[Path]) -> None:
        self._devices = [(each, next(iter(sorted(each.glob("hwmon/hwmon*"))), None)) for each in devices]

    @classmethod
    def open(cls, system: Path = Path("/sys/class/drm")) -> Amd | None:
        """Those that the environment leaves; None where there is no such GPU."""
        try:
            cards = sorted(system.glob("card[0-9]*"), key=lambda card: (len(card.name), card.name))
            devices = [each / "device" for each in cards if each.name[4:].isdecimal()]
            found = [each for each in devices if (each / "gpu_busy_percent").is_file()]
            found = [found[at] for at in visible_amd([amd_name(each) for each in found], os.environ)]
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
