"""Graphics processors of three makers, limits of control groups, and what numeric libraries tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labtop.model.run import Gpu, Hardware
from labtop.recording.capture import numeric_libraries
from labtop.recording.capture.gpus import amd_by_kernel, amd_by_library, apple_gpus, find_gpus, rocm_version
from labtop.recording.capture.limits import cpu_limit, cpus_allowed, governor, memory_limit
from labtop.recording.capture.numeric_libraries import thread_counts, with_library_facts
from labtop.recording.capture.visible_gpus import open_nvml


def write(root: Path, files: dict[str, str]) -> Path:
    """A tree of small files, as the kernel shows them."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture(autouse=True)
def _all_gpus_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


class Nvml:
    """What pynvml gives for one GPU; power management is not supported here."""

    nvmlInit = nvmlShutdown = staticmethod(lambda: None)
    nvmlSystemGetDriverVersion = staticmethod(lambda: "570.86.10")
    nvmlSystemGetCudaDriverVersion = staticmethod(lambda: 12080)
    nvmlDeviceGetCount = staticmethod(lambda: 1)
    nvmlDeviceGetHandleByIndex = staticmethod(lambda at: at)
    nvmlDeviceGetName = staticmethod(lambda handle: "NVIDIA H100 80GB HBM3")
    nvmlDeviceGetMemoryInfo = staticmethod(lambda handle: SimpleNamespace(total=85520809984))
    nvmlDeviceGetCudaComputeCapability = staticmethod(lambda handle: (9, 0))
    nvmlDeviceGetUUID = staticmethod(lambda handle: b"GPU-1234")

    @staticmethod
    def nvmlDeviceGetPowerManagementLimit(handle: int) -> int:
        raise RuntimeError("Not Supported")


def test_nvidia_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Capability, identity and the CUDA that the driver can run; what is not supported is left out."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    found = find_gpus()
    assert found.cuda_driver == "12.8"
    assert found.found[0] == Gpu(
        name="NVIDIA H100 80GB HBM3", memory_bytes=85520809984, driver="570.86.10", vendor="nvidia",
        architecture="9.0", uuid="GPU-1234",
    )  # fmt: skip


def test_a_gpu_that_says_little_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fell off the bus; one shares the machine's memory and has none of its own to tell (Jetson, DGX Spark)."""

    class Odd(Nvml):
        nvmlDeviceGetCount = staticmethod(lambda: 3)

        @staticmethod
        def nvmlDeviceGetHandleByIndex(at: int) -> int:
            if at == 0:
                raise RuntimeError("GPU is lost")
            return at

        @staticmethod
        def nvmlDeviceGetMemoryInfo(handle: int) -> SimpleNamespace:
            if handle == 1:
                raise RuntimeError("Not Supported")
            return SimpleNamespace(total=80)

    monkeypatch.setitem(sys.modules, "pynvml", Odd)
    assert [each.memory_bytes for each in find_gpus().found] == [None, 80]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems look for the driver elsewhere")
def test_without_a_driver_its_library_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a fiftieth of a second at the start of every run on a machine without NVIDIA's GPUs."""
    asked = []

    def refuse(name: str) -> None:
        asked.append(name)
        raise OSError("cannot open shared object file")

    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr("labtop.recording.capture.visible_gpus.ctypes.CDLL", refuse)
    with pytest.raises(OSError, match="cannot open"):
        open_nvml()
    assert asked == ["libnvidia-ml.so.1"]
    assert "pynvml" not in sys.modules


def test_amd_gpus_by_the_kernel(tmp_path: Path) -> None:
    """Without ROCm: cards in their order, displays of other makers left out, the target from the compute driver."""
    card = {
        "vendor": "0x1002\n", "product_name": "AMD Instinct MI300X\n", "mem_info_vram_total": "206141652992\n",
        "unique_id": "a1b2\n", "hwmon/hwmon7/power1_cap": "750000000\n",
    }  # fmt: skip
    node = "class/kfd/kfd/topology/nodes"
    root = write(
        tmp_path,
        {
            "module/amdgpu/version": "6.10.5\n",
            **{f"class/drm/card1/device/{name}": text for name, text in card.items()},
            "class/drm/card1-HDMI-A-1/status": "connected\n",
            "class/drm/card10/device/vendor": "0x1002\n",
            "class/drm/card10/device/device": "0x74a1\n",
            "class/drm/card10/device/mem_info_vram_total": "16\n",
            "class/drm/card0/device/vendor": "0x1a03\n",
            f"{node}/0/properties": "cpu_cores_count 96\ngfx_target_version 0\n",
            f"{node}/1/properties": "simd_count 1216\ngfx_target_version 90402\n",
            f"{node}/10/properties": "gfx_target_version 90010\n",
        },
    )
    first, second = amd_by_kernel(root)
    assert first == Gpu(
        name="AMD Instinct MI300X", memory_bytes=206141652992, driver="6.10.5", vendor="amd",
        architecture="gfx942", uuid="a1b2", power_limit_w=750.0,
    )  # fmt: skip
    assert (second.name, second.architecture, second.memory_bytes) == ("AMD GPU 0x74a1", "gfx90a", 16)
    assert amd_by_kernel(tmp_path / "nothing") == ()


def test_amd_gpus_by_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for amdsmi, which only comes with ROCm; what it cannot tell is "N/A" there."""
    closed: list[bool] = []
    library = SimpleNamespace(
        amdsmi_init=lambda: None,
        amdsmi_shut_down=lambda: closed.append(True),
        amdsmi_get_processor_handles=lambda: ["gpu"],
        amdsmi_get_gpu_asic_info=lambda handle: {"market_name": "MI210", "target_graphics_version": "gfx90a"},
        amdsmi_get_gpu_vram_info=lambda handle: {"vram_size": 65520},
        amdsmi_get_gpu_driver_info=lambda handle: {"driver_version": "N/A"},
        amdsmi_get_gpu_device_uuid=lambda handle: "uu-id",
        amdsmi_get_power_cap_info=lambda handle: {"power_cap": 300_000_000},
    )
    monkeypatch.setitem(sys.modules, "amdsmi", library)
    expected = Gpu(
        name="MI210", memory_bytes=65520 * 2**20, vendor="amd", architecture="gfx90a", uuid="uu-id", power_limit_w=300.0
    )  # fmt: skip
    assert amd_by_library() == (expected,)
    assert closed == [True]


def test_apple_gpus() -> None:
    """From the system's report; anything else in it is no GPU."""
    report = {
        "SPDisplaysDataType": [
            {
                "sppci_model": "Apple M3 Max", "sppci_cores": "40", "spdisplays_vendor": "sppci_vendor_Apple",
                "spdisplays_mtlgpufamilysupport": "spdisplays_metal3",
            },
            {"_name": "a display"},
        ]
    }  # fmt: skip
    assert apple_gpus(json.dumps(report).encode()) == (
        Gpu(name="Apple M3 Max (40 cores)", vendor="apple", architecture="Metal 3"),
    )
    assert apple_gpus(b"not json") == apple_gpus(b"[]") == ()


def test_the_release_of_rocm(tmp_path: Path) -> None:
    """As its folder says."""
    assert rocm_version(write(tmp_path, {".info/version": "6.3.1-48\n"})) == "6.3.1-48"
    assert rocm_version(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("files", "cpus", "memory"),
    [
        ({}, None, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None, None),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "250000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "sys/fs/cgroup/a/b/memory.max": "1073741824\n",
                "sys/fs/cgroup/a/memory.max": "max\n",
            },
            2.5,
            2**30,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/job\n3:memory:/job\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712",
            },
            4.0,
            None,
        ),
        ({"proc/self/cgroup": "nonsense\n0::/../..\n", "sys/fs/cgroup/cpu.max": "what"}, None, None),
    ],
)
def test_limits_of_control_groups(
    tmp_path: Path, files: dict[str, str], cpus: float | None, memory: int | None
) -> None:
    """The tightest of a group and all above it, in both versions; none where there is none."""
    root = write(tmp_path, files)
    assert (cpu_limit(root), memory_limit(root)) == (cpus, memory)


def test_affinity_and_governor(tmp_path: Path) -> None:
    """As the kernel says."""
    if hasattr(os, "sched_getaffinity"):
        assert cpus_allowed() == len(os.sched_getaffinity(0))
    path = "devices/system/cpu/cpu0/cpufreq/scaling_governor"
    assert governor(write(tmp_path, {path: "powersave\n"})) == "powersave"


def test_threads_of_a_loaded_library() -> None:
    """Asked of the library that numpy has loaded, in a process that was given a number."""
    code = (
        "import numpy, json; numpy.ones((4, 4)) @ numpy.ones((4, 4))\n"
        "from labtop.recording.capture.numeric_libraries import thread_counts\n"
        "print(json.dumps(thread_counts()))"
    )
    variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    counts = json.loads(done.stdout)
    if not counts:
        pytest.skip("numpy's BLAS is none that can be asked here")
    assert set(counts.values()) == {1}


def torch_with(**facts: Any) -> Any:
    """A stand-in for a torch that was built for CUDA."""
    version = SimpleNamespace(cuda=facts.get("cuda"), hip=facts.get("hip"))
    cudnn = SimpleNamespace(version=lambda: facts.get("cudnn"))
    return SimpleNamespace(
        version=version,
        backends=SimpleNamespace(cudnn=cudnn),
        get_num_threads=lambda: facts.get("threads", 1),
    )


def test_the_kernel_is_asked_for_libraries_when_something_was_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its list takes 2 ms, and every run's end asks; threads that were set meanwhile are told all the same."""
    looks: list[str] = []
    now = [4]
    numeric_libraries._thread_pools.cache_clear()

    def look() -> list[str]:
        looks.append("look")
        return ["/x/libopenblas.so"]

    monkeypatch.setattr(numeric_libraries, "_by_threadpoolctl", lambda: ())
    monkeypatch.setattr(numeric_libraries, "_loaded_libraries", look)
    monkeypatch.setattr(numeric_libraries, "_function_of", lambda path, functions: lambda: now[0])
    monkeypatch.setitem(sys.modules, "a_module_of_this_test", SimpleNamespace())
    assert thread_counts()["openblas"] == 4
    now[0] = 2
    assert thread_counts()["openblas"] == 2
    assert looks == ["look"]
    monkeypatch.setitem(sys.modules, "another_module_of_this_test", SimpleNamespace())
    thread_counts()
    assert looks == ["look", "look"]
    numeric_libraries._thread_pools.cache_clear()


@pytest.mark.parametrize(
    ("number", "text"), [(8902, "8.9.2"), (90100, "9.1.0"), (91002, "9.10.2"), (None, None)]
)
def test_libraries_of_torch(monkeypatch: pytest.MonkeyPatch, number: int | None, text: str | None) -> None:
    """CUDA, cuDNN and NCCL, once torch is imported; its threads too."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(cuda="12.4", cudnn=number, threads=3))
    nccl: Any = SimpleNamespace(version=lambda: (2, 21, 5))
    monkeypatch.setitem(sys.modules, "torch.cuda.nccl", nccl)
    known = with_library_facts(Hardware())
    assert (known.cuda, known.cudnn, known.nccl, known.rocm) == ("12.4", text, "2.21.5", None)
    assert known.threads["torch"] == thread_counts()["torch"] == 3


def test_torch_for_rocm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says HIP, and nothing of CUDA."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(hip="6.2.41133"))
    known = with_library_facts(Hardware(rocm="6.2"))
    assert (known.rocm, known.cuda, known.cudnn) == ("6.2.41133", None, None)


def test_libraries_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody imported is told by what is installed."""
    for name in ("torch", "tensorflow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    packages = {
        "nvidia-cuda-runtime-cu12": "12.4.127",
        "nvidia-cudnn-cu12": "9.1.0.70",
        "nvidia-nccl-cu12": "2.21.5",
    }
    known = with_library_facts(Hardware(), packages)
    assert (known.cuda, known.cudnn, known.nccl) == ("12.4.127", "9.1.0.70", "2.21.5")
