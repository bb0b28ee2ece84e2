"""The graphics processors of this machine: NVIDIA and AMD by their drivers, Apple by the system.

Everything is asked of what is there already. A library that is missing, a driver that fails, a value of another shape:
each costs only the fact that it would have told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtop.model.run import Gpu
from labtop.recording.capture.visible_gpus import (
    NvidiaDevice,
    known,
    nvidia_devices,
    open_nvml,
    visible_amd,
    visible_nvidia,
)

_AMD = "0x1002"


@dataclass(frozen=True, slots=True)
class Gpus:
    """What was found, how many more there are, and the versions that the drivers know of."""

    found: tuple[Gpu, ...] = ()
    hidden: int = 0  # by the environment
    cuda_driver: str | None = None
    rocm: str | None = None


def find_gpus() -> Gpus:
    """The GPUs that this process may use, by what the drivers show and the environment leaves."""
    nvidia = _nvidia()
    all_amd = amd_by_library() or amd_by_kernel()
    amd = [all_amd[at] for at in visible_amd([_rocr_name(each.uuid) for each in all_amd], os.environ)]
    apple = _apple() if sys.platform == "darwin" else ()
    return Gpus(
        found=(*nvidia.found, *amd, *apple),
        hidden=nvidia.hidden + len(all_amd) - len(amd),
        cuda_driver=nvidia.cuda_driver,
        rocm=rocm_version() if all_amd else None,
    )


def _text(value: object) -> str | None:
    """A text of a driver; None for nothing and for "N/A"."""
    text = (
        value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
    )
    return text.strip("\0 \n") if text.strip("\0 \n") not in ("", "N/A", "None") else None


# -- NVIDIA ------------------------------------------------------------------------------------------------------


def _nvidia() -> Gpus:
    """The GPUs that the driver shows, and the newest CUDA that it can run; none where there is no driver."""
    try:
        pynvml = open_nvml()
    except Exception:  # no library, no driver, no permission: there is nothing to record
        return Gpus()
    try:
        driver = _text(pynvml.nvmlSystemGetDriverVersion())
        cuda = known(lambda: pynvml.nvmlSystemGetCudaDriverVersion())
        devices = nvidia_devices(pynvml)
        left = visible_nvidia(devices, os.environ)
        return Gpus(
            found=tuple(_nvidia_gpu(pynvml, each, driver) for each in left),
            hidden=len(devices) - len(left),
            cuda_driver=f"{cuda // 1000}.{cuda % 1000 // 10}" if isinstance(cuda, int) else None,
        )
    except Exception:  # a driver that fails half-way
        return Gpus()
    finally:
        pynvml.nvmlShutdown()


def _nvidia_gpu(nvml: Any, device: NvidiaDevice, driver: str | None) -> Gpu:
    """A GPU, or an instance of one; the limit of power is the whole GPU's and left out of an instance."""
    handle = device.handle
    capability = known(lambda: nvml.nvmlDeviceGetCudaComputeCapability(device.gpu))
    power = None
    if not device.is_instance:
        power = known(lambda: nvml.nvmlDeviceGetPowerManagementLimit(handle))  # milliwatts
    name = known(lambda: nvml.nvmlDeviceGetName(handle)) or known(lambda: nvml.nvmlDeviceGetName(device.gpu))
    return Gpu(
        name=_text(name) or "NVIDIA GPU",
        # GPUs that share the memory of the machine (Jetson, DGX Spark) support no such question
        memory_bytes=known(lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).total)),
        driver=driver,
        vendor="nvidia",
        architecture=".".join(map(str, capability)) if capability else None,
        uuid=device.names[0] or None,
        power_limit_w=power / 1000 if isinstance(power, int) else None,
    )


# -- AMD ---------------------------------------------------------------------------------------------------------


def amd_by_library() -> tuple[Gpu, ...]:
    """By `amdsmi`, where ROCm's own library is installed."""
    try:
        import importlib

        smi: Any = importlib.import_module("amdsmi")
        smi.amdsmi_init()
    except Exception:  # no library, no driver
        return ()
    try:
        return tuple(_amd_gpu(smi, handle) for handle in smi.amdsmi_get_processor_handles())
    except Exception:
        return ()
    finally:
        known(smi.amdsmi_shut_down)


def _amd_gpu(smi: Any, handle: Any) -> Gpu:
    def ask(function: str, *keys: str) -> Any:
        answer = known(lambda: getattr(smi, function)(handle))
        if isinstance(answer, Mapping):
            return next((answer[key] for key in keys if answer.get(key) not in (None, "N/A")), None)
        return answer if not keys else None

    megabytes = ask("amdsmi_get_gpu_vram_info", "vram_size", "vram_size_mb")
    watts = ask("amdsmi_get_power_cap_info", "power_cap")
    return Gpu(
        name=_text(ask("amdsmi_get_gpu_asic_info", "market_name")) or "AMD GPU",
        memory_bytes=megabytes * 2**20 if isinstance(megabytes, int) else None,
        driver=_text(ask("amdsmi_get_gpu_driver_info", "driver_version")),
        vendor="amd",
        architecture=_text(ask("amdsmi_get_gpu_asic_info", "target_graphics_version")),
        uuid=_text(ask("amdsmi_get_gpu_device_uuid")),
        power_limit_w=_watts(watts),
    )


def _watts(value: object) -> float | None:
    """Watts, where some releases of the library say microwatts."""
    if not isinstance(value, int | float) or value <= 0:
        return None
    return value / 1e6 if value > 100_000 else float(value)


def amd_by_kernel(system: Path = Path("/sys")) -> tuple[Gpu, ...]:
    """By what the driver of the kernel shows under `/sys`: all there is without ROCm."""
    driver = _line(system / "module/amdgpu/version")
    targets = iter(_graphics_targets(system))
    return tuple(
        Gpu(
            name=_line(device / "product_name") or f"AMD GPU {_line(device / 'device') or ''}".strip(),
            memory_bytes=_number(device / "mem_info_vram_total"),
            driver=driver or "amdgpu of the kernel",
            vendor="amd",
            architecture=next(targets, None),
            uuid=_line(device / "unique_id"),
            power_limit_w=_watts(
                next((_number(each) for each in device.glob("hwmon/hwmon*/power1_cap")), None)
            ),
        )
        for device in _amd_devices(system)
    )


def amd_name(device: Path) -> str:
    """How ROCm calls the GPU of a folder below `/sys`, in `ROCR_VISIBLE_DEVICES`; empty where it has no identity."""
    return _rocr_name(_line(device / "unique_id"))


def _rocr_name(uuid: str | None) -> str:
    return f"GPU-{uuid.lower().removeprefix('0x')}" if uuid else ""


def _amd_devices(system: Path) -> Iterator[Path]:
    cards = (path for path in (system / "class/drm").glob("card*") if path.name[4:].isdecimal())
    for card in sorted(cards, key=lambda path: int(path.name[4:])):
        if _line(card / "device/vendor") == _AMD and (card / "device/mem_info_vram_total").is_file():
            yield card / "device"


def _graphics_targets(system: Path) -> Iterator[str]:
    """`gfx942` for 90402, of each node that is a GPU: major, minor and step, the last two as hexadecimal digits."""
    nodes = (system / "class/kfd/kfd/topology/nodes").glob("*/properties")
    for node in sorted(nodes, key=lambda path: (len(path.parent.name), path.parent.name)):
        facts = dict(line.split(" ", 1) for line in _lines(node) if " " in line)
        version = facts.get("gfx_target_version", "0").strip()
        if version.isdecimal() and int(version):
            number = int(version)
            yield f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}"


def rocm_version(root: Path = Path("/opt/rocm")) -> str | None:
    """The release of ROCm that is installed in its usual place."""
    return _line(root / ".info/version")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _line(path: Path) -> str | None:
    return next((line.strip() for line in _lines(path) if line.strip()), None)


def _number(path: Path) -> int | None:
    text = _line(path) or ""
    return int(text) if text.isdecimal() else None


# -- Apple -------------------------------------------------------------------------------------------------------


def _apple() -> tuple[Gpu, ...]:
    """By the system's own report, which takes it a while."""
    ask = ["/usr/sbin/system_profiler", "-json", "-detailLevel", "mini", "SPDisplaysDataType"]
    try:
        said = subprocess.run(ask, capture_output=True, timeout=15, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return apple_gpus(said)


def apple_gpus(report: bytes) -> tuple[Gpu, ...]:
    """The GPUs in a report of `system_profiler -json SPDisplaysDataType`. Their memory is the machine's own."""
    try:
        displays = json.loads(report)["SPDisplaysDataType"]
        return tuple(_apple_gpu(each) for each in displays if each.get("sppci_model"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _apple_gpu(facts: Mapping[str, Any]) -> Gpu:
    cores = f" ({facts['sppci_cores']} cores)" if facts.get("sppci_cores") else ""
    metal = _text(facts.get("spdisplays_mtlgpufamilysupport")) or ""
    version = metal.removeprefix("spdisplays_metal")
    is_apple = "apple" in str(facts.get("spdisplays_vendor", "")).lower()
    return Gpu(
        name=f"{facts['sppci_model']}{cores}",
        vendor="apple" if is_apple else None,
        architecture=f"Metal {version}" if version.isdecimal() else metal or None,
    )
