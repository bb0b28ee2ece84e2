"""Which GPUs a run may use: by number, identity and MIG instance, of NVIDIA and AMD; what a Mac tells of its own."""

from __future__ import annotations

import plistlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labtop.model.run import Hardware, RunRecord
from labtop.recording.capture.gpus import amd_by_kernel, find_gpus
from labtop.recording.capture.hardware import capture_hardware
from labtop.recording.capture.visible_gpus import chosen, visible_amd
from labtop.recording.system.apple import Apple, apple_readings
from labtop.recording.system.gpus import Amd, Nvidia
from labtop.views.record_origins import hardware_facts

VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


@pytest.fixture(autouse=True)
def _all_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Nvml:
    """Three GPUs; the middle one is in MIG mode and has two instances in seven places. A handle is a text."""

    NVML_TEMPERATURE_GPU = 0
    nvmlInit = nvmlShutdown = staticmethod(lambda: None)
    nvmlSystemGetDriverVersion = staticmethod(lambda: "570.86.10")
    nvmlSystemGetCudaDriverVersion = staticmethod(lambda: 12080)
    nvmlDeviceGetCount = staticmethod(lambda: 3)
    nvmlDeviceGetHandleByIndex = staticmethod(lambda at: f"gpu{at}")
    nvmlDeviceGetMaxMigDeviceCount = staticmethod(lambda handle: 7)
    nvmlDeviceGetGpuInstanceId = staticmethod(lambda handle: {"mig0": 3, "mig2": 5}[handle])
    nvmlDeviceGetComputeInstanceId = staticmethod(lambda handle: 0)
    nvmlDeviceGetName = staticmethod(
        lambda handle: "A100 MIG 3g.20gb" if handle.startswith("mig") else "A100"
    )
    nvmlDeviceGetMemoryInfo = staticmethod(
        lambda handle: SimpleNamespace(used=5, total=20 if handle.startswith("mig") else 40)
    )
    nvmlDeviceGetUUID = staticmethod(
        lambda handle: f"MIG-{handle[3:]}aaa" if handle.startswith("mig") else f"GPU-{handle[3:]}bbb"
    )
    nvmlDeviceGetPowerManagementLimit = staticmethod(lambda handle: 400_000)
    nvmlDeviceGetPowerUsage = staticmethod(lambda handle: 100_000)
    nvmlDeviceGetTotalEnergyConsumption = staticmethod(lambda handle: 1000)
    nvmlDeviceGetUtilizationRates = staticmethod(lambda handle: SimpleNamespace(gpu=75))

    @staticmethod
    def nvmlDeviceGetMigMode(handle: str) -> list[int]:
        if handle == "gpu2":
            raise RuntimeError("Not Supported")
        return [int(handle == "gpu1"), 0]

    @staticmethod
    def nvmlDeviceGetMigDeviceHandleByIndex(handle: str, at: int) -> str:
        if at not in (0, 2):
            raise RuntimeError("Not Found")
        return f"mig{at}"

    @staticmethod
    def nvmlDeviceGetCudaComputeCapability(handle: str) -> tuple[int, int]:
        if handle.startswith("mig"):
            raise RuntimeError("Invalid Argument")
        return 8, 0

    @staticmethod
    def nvmlDeviceGetTemperature(handle: str, sensor: int) -> int:
        if handle.startswith("mig"):
            raise RuntimeError("Not Supported")
        return 50


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, [0, 1, 2]), ("", []), ("1", [1]), ("2,0", [2, 0]), ("GPU-111", [1]), ("GPU-111-x, 0", [1, 0]),
        ("0,9,1", [0]), ("-1", []), ("GPU-", []), ("1,1", [1]),
    ],
)  # fmt: skip
def test_visible_gpus(setting: str | None, expected: list[int]) -> None:
    """As CUDA reads the variable."""
    assert chosen([(f"GPU-{at}{at}{at}-x",) for at in range(3)], setting) == expected


@pytest.mark.parametrize(
    ("setting", "uuids", "hidden"),
    [
        (None, ["GPU-0bbb", "MIG-0aaa", "MIG-2aaa", "GPU-2bbb"], 0),
        ("MIG-2aaa", ["MIG-2aaa"], 3),
        ("MIG-GPU-1bbb/5/0,2", ["MIG-2aaa", "GPU-2bbb"], 2),
        ("mig-0", ["MIG-0aaa"], 3),
        ("1", ["MIG-0aaa"], 3),
        ("GPU-1bbb", [], 4),
        ("", [], 4),
    ],
)
def test_mig_instances(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, uuids: list[str], hidden: int
) -> None:
    """They are what a run has of a GPU: by identity in both notations; a number means the first."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    if setting is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    found = find_gpus()
    assert ([each.uuid for each in found.found], found.hidden) == (uuids, hidden)
    source = Nvidia.open()
    assert (len(source.read()) if source else 0) == len(uuids)


def test_what_an_instance_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own memory and name, and the architecture and temperature of its GPU; no power, which others use too."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-0aaa,0")
    part, whole = find_gpus().found
    assert (part.name, part.memory_bytes, part.architecture) == ("A100 MIG 3g.20gb", 20, "8.0")
    assert (part.power_limit_w, whole.power_limit_w) == (None, 400)
    source = Nvidia.open()
    assert source is not None
    assert source.read() == [(None, 5, 25, None, 50, None), (75, 5, 12.5, 100, 50, 1)]


def test_hidden_gpus_are_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the record of a run and where a person reads it."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    hardware = capture_hardware()
    assert (len(hardware.gpus), hardware.gpus_hidden) == (1, 3)
    shown = {
        each.label: each.value
        for each in hardware_facts(RunRecord(id="a", name="", project="", hardware=hardware))
    }
    assert shown["gpus not used"] == "3"
    assert Hardware().gpus_hidden is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"HIP_VISIBLE_DEVICES": "2,0"}, [2, 0]),
        ({"ROCR_VISIBLE_DEVICES": "1,2"}, [1, 2]),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, [2]),
        ({"ROCR_VISIBLE_DEVICES": "GPU-a1", "HIP_VISIBLE_DEVICES": "0"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "1"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "0"}, [0]),
        ({"ROCR_VISIBLE_DEVICES": ""}, []),
    ],
)
def test_visible_gpus_of_amd(variables: dict[str, str], expected: list[int]) -> None:
    """HIP numbers what ROCr leaves."""
    assert visible_amd(["GPU-a0", "GPU-a1", "GPU-a2"], variables) == expected


def test_amd_by_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the identity that the driver shows; a card without one can only be named by number."""
    for at, identity in enumerate(("a0b1", "", "c2d3")):
        device = tmp_path / f"class/drm/card{at}/device"
        device.mkdir(parents=True)
        facts = {
            "gpu_busy_percent": f"{at}",
            "mem_info_vram_total": "9",
            "vendor": "0x1002",
            "unique_id": identity,
        }
        for name, text in facts.items():
            (device / name).write_text(f"{text}\n")
    assert len(amd_by_kernel(tmp_path)) == 3
    for setting, busy in (("GPU-C2D3,1", [2, 1]), ("GPU-a0", [0]), ("GPU-f", [])):
        monkeypatch.setenv("ROCR_VISIBLE_DEVICES", setting)
        source = Amd.open(tmp_path / "class/drm")
        assert [each.utilization_percent for each in (source.read() if source else [])] == busy


def test_a_mac_s_gpu(tmp_path: Path) -> None:
    """As `ioreg` prints it; a GPU of an Intel Mac tells more; anything else is no GPU."""
    report = plistlib.dumps(
        [
            {"IOClass": "AGXAcceleratorG13X", "gpu-core-count": 16, "PerformanceStatistics": {
                "Device Utilization %": 37, "Renderer Utilization %": 35, "In use system memory": 1_073_741_824,
                "Alloc system memory": 4_294_967_296, "recoveryCount": 0,
            }},
            {"IOClass": "AMDRadeonX6000", "PerformanceStatistics": {
                "GPU Activity(%)": 90, "vramUsedBytes": 2048, "Total Power(W)": 45, "Temperature(C)": 61,
            }},
            {"IOClass": "IntelAccelerator"},
        ]
    )  # fmt: skip
    expected = [(37, 2**30, None, None, None, None), (90, 2048, None, 45, 61, None)]
    assert apple_readings(report) == expected
    for other in (b"", b"<plist", b"no plist", plistlib.dumps({"a": 1}), plistlib.dumps(["x"])):
        assert apple_readings(other) == []
    (tmp_path / "report").write_bytes(report)
    ioreg = tmp_path / "ioreg"
    ioreg.write_text(
        f"#!/bin/sh\n[ \"$*\" = '-r -d 1 -w 0 -c IOAccelerator -a' ] && cat {tmp_path / 'report'}\n"
    )
    assert Apple.open(ioreg.with_name("none")) is None
    ioreg.chmod(0o700)
    source = Apple.open(ioreg)
    assert source is not None
    assert source.read() == expected
    ioreg.write_text("#!/bin/sh\nexit 1\n")
    assert source.read() == []
