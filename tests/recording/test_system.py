"""How the machine does: real counters of this machine, and graphics processors made up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import labtop
from labtop.analysis.compare import compare
from labtop.model.run import Energy, RunRecord, Writer
from labtop.recording.system import sampler
from labtop.recording.system.energy import EnergyMeter, Rapl
from labtop.recording.system.gpus import Amd, Nvidia
from labtop.recording.system.machine import Machine
from labtop.recording.system.meters import Meters
from labtop.recording.system.processes import ProcessTree
from labtop.recording.system.sampler import added, samples_here
from labtop.store.reader import read_points
from labtop.views.record import record_sections
from labtop.views.table_columns import candidates
from tests.recording.conftest import only_record

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


class NVMLErrorNotSupported(Exception):
    """As pynvml names it."""


class FakeNvml:
    """What pynvml gives where there are GPUs. Power is 100 W, and 200 W from the second question on."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self, count: int = 2, has_counter: bool = True) -> None:
        self.count, self.has_counter = count, has_counter
        self.opened = 0
        self.asked = dict.fromkeys(("energy", "power"), 0)

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, at: int) -> int:
        return at

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}{handle}{handle}-x"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(used=10 * 2**30, total=40 * 2**30)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return SimpleNamespace(gpu=75 + handle, memory=1)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 60

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        self.asked["power"] += 1
        return 100_000 if self.asked["power"] <= self.count else 200_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        self.asked["energy"] += 1
        if not self.has_counter:
            raise NVMLErrorNotSupported("Not Supported")
        return 10**9 + self.asked["energy"] * 3_600_000  # a Wh each time somebody asks


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """A driver with two GPUs."""
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


@pytest.fixture
def quick(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs that are measured at once and often."""
    monkeypatch.setattr(sampler, "_FIRST_S", 0.01)
    monkeypatch.setattr(sampler, "_SHORTEST_S", 0.01)
    monkeypatch.setenv("LABTOP_SYSTEM_METRICS", "true")
    monkeypatch.setenv("LABTOP_SYSTEM_INTERVAL_S", "0.05")
    return folder


def samples(run: labtop.Run) -> int:
    """How many measurements the run has, also from before it was taken up again."""
    return sum(each.name == "system/memory_bytes" for each in read_points(run.folder)[0])


def wait_for_samples(run: labtop.Run, count: int = 2) -> None:
    """Until the run has so many measurements."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if samples(run) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("not measured")


def test_a_run_is_measured(quick: Path, nvml: FakeNvml) -> None:
    """Machine, process and GPUs, at the step where training is; the driver is let go of."""
    with labtop.init() as run:
        run.log({"loss": 1.0}, step=7)
        wait_for_samples(run, 4)
    record = only_record(quick / "runs")
    found = {name.removeprefix("system/") for name in record.metrics if name.startswith("system/")}
    assert {
        "cpu_percent", "memory_bytes", "memory_percent", "process_cpu_percent", "process_memory_bytes",
        "gpu.0/utilization_percent", "gpu.1/memory_bytes", "gpu.1/power_watts", "gpu.0/temperature_celsius",
    } <= found  # fmt: skip
    assert record.metrics["system/gpu.1/utilization_percent"].last == 76
    assert record.metrics["system/gpu.0/memory_percent"].last == 25
    memory = record.metrics["system/process_memory_bytes"].last
    assert memory is not None
    assert memory == pytest.approx(psutil.Process().memory_info().rss, rel=0.8)
    assert record.metrics["system/memory_bytes"].last_step == 7
    assert nvml.opened == 0
    energy = record.life.energy
    assert energy is not None
    assert energy.gpu_wh is not None
    assert energy.gpu_wh >= 4
    assert (energy.gpu_source, energy.seconds > 0) == ("counter", True)


def test_it_is_kept_apart(quick: Path, nvml: FakeNvml) -> None:
    """Not among default columns, comparisons, the summary of a script; in a section of its own."""
    for _ in range(2):
        with labtop.init(config={"a": 1}) as run:
            run.log({"loss": 1.0})
            wait_for_samples(run)
            assert list(run.summary) == ["loss"]
    with labtop.open("runs") as store:
        columns, left_out = candidates(store.catalog.columns())
        assert not any("system/" in each.key for each in columns)
        assert left_out == 0
        ids = store.runs()["id"].to_list()
        records = [store.record(each) for each in ids]
        assert not any("system/" in "/".join(row.path) for row in compare(records, all=True).rows)
        assert len(store.metrics(ids[0], "system/cpu*")) >= 1
    sections = {each.title: each for each in record_sections(records[0])}
    assert [row.name for row in sections["Metrics"].metrics] == ["loss"]
    assert any(row.name == "system/cpu_percent" for row in sections["System"].metrics)
    assert [fact.label for fact in sections["System"].facts][:1] == ["GPU energy"]


def test_energy_goes_on(quick: Path, nvml: FakeNvml) -> None:
    """A run that is taken up again adds to what it had used."""
    used = []
    for _ in range(2):
        with labtop.init(id="long run", resume="allow") as run:
            wait_for_samples(run, samples(run) + 2)
        energy = only_record(quick / "runs").life.energy
        assert energy is not None
        used.append(energy)
    assert used[1].seconds > used[0].seconds
    assert (used[1].gpu_wh or 0) > (used[0].gpu_wh or 0)


def test_it_can_be_turned_off(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a run of a moment leaves nothing."""
    monkeypatch.setenv("LABTOP_SYSTEM_METRICS", "false")
    with labtop.init() as run:
        assert run.system is None
    monkeypatch.setenv("LABTOP_SYSTEM_METRICS", "true")
    monkeypatch.setattr(sampler, "_FIRST_S", 60.0)
    with labtop.init() as run:
        run.log({"loss": 1.0})
    assert list(read_points(run.folder)[0][0][:1]) == ["loss"]
    assert len(read_points(run.folder)[0]) == 1


@pytest.mark.parametrize("breaks", ["open", "read"])
def test_what_fails_is_told_once(
    quick: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, breaks: str
) -> None:
    """Training goes on."""
    done = threading.Event()

    def fail(*_: object) -> None:
        done.set()
        raise RuntimeError("no sensors")

    monkeypatch.setattr(Meters, "__init__" if breaks == "open" else "read", fail)
    with labtop.init() as run:
        assert done.wait(60)
        run.log({"loss": 1.0})
    assert sum("no sensors" in each.message for each in caplog.records) == 1
    assert only_record(quick / "runs").metrics["loss"].count == 1


def test_a_driver_that_hangs_is_left_behind(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends without its last sample."""
    reached, go = threading.Event(), threading.Event()

    def hang(self: Machine) -> dict[str, float]:
        reached.set()
        go.wait(60)
        return {}

    monkeypatch.setattr("labtop.recording.live_run.PATIENCE_S", 0.1)
    monkeypatch.setattr(Machine, "read", hang)
    with labtop.init() as run:
        assert reached.wait(60)
    go.set()
    assert run.has_ended
    assert only_record(quick / "runs").status == "finished"


def test_a_forked_child_does_not_measure(quick: Path) -> None:
    """It has no thread, and its parent's goes on."""
    run = labtop.init()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if run.system is None else 1)
    assert os.waitpid(pid, 0)[1] == 0
    wait_for_samples(run)
    run.finish()


@pytest.mark.parametrize(
    ("who", "environment", "expected"),
    [
        (None, {}, True),
        (Writer(role="program"), {}, True),
        (Writer(role="worker"), {}, False),
        (Writer(role="rival"), {}, False),
        (Writer(role="rank", rank=0, local_rank=0), {}, True),
        (Writer(role="rank", rank=8, local_rank=0), {}, True),
        (Writer(role="rank", rank=1, local_rank=1), {}, False),
        (Writer(role="rank", rank=1), {}, False),
        (None, {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "4"}, False),
        (
            None,
            {"SLURM_STEP_ID": "0", "SLURM_PROCID": "4", "SLURM_LOCALID": "0", "SLURM_NTASKS": "8"},
            True,
        ),
        (
            None,
            {"SLURM_STEP_ID": "0", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8"},
            False,
        ),
        (None, {"PMI_RANK": "1", "PMI_SIZE": "2"}, False),
    ],
)
def test_one_process_a_machine(who: Writer | None, environment: dict[str, str], expected: bool) -> None:
    """Local rank 0, or rank 0 where nobody tells which rank is first on its machine."""
    assert samples_here(who, environment) is expected


# -- graphics processors and energy ----------------------------------------------------------------------------------


def test_hidden_gpus_are_not_read(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of others on the machine are none of the run's."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    source = Nvidia.open()
    assert source is not None
    assert [each.utilization_percent for each in source.read()] == [76]
    source.close()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert Nvidia.open() is None
    assert nvml.opened == 0


def test_a_lost_gpu_hides_no_other(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its number, so that CUDA_VISIBLE_DEVICES still names the right one."""
    whole = nvml.nvmlDeviceGetHandleByIndex

    def lost(at: int) -> int:
        if at == 0:
            raise RuntimeError("GPU is lost")
        return whole(at)

    monkeypatch.setattr(nvml, "nvmlDeviceGetHandleByIndex", lost, raising=False)
    source = Nvidia.open()
    assert source is not None
    assert [each.utilization_percent for each in source.read()] == [76]
    source.close()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert Nvidia.open() is None


def test_what_is_not_supported_is_asked_once(nvml: FakeNvml) -> None:
    """Energy is then power over time."""
    nvml.has_counter = False
    meters = Meters(os.getpid(), rapl=Rapl(Path("/nowhere")))
    for _ in range(3):
        meters.read()
    assert nvml.asked["energy"] == 2
    energy = meters.energy()
    assert energy is not None
    assert energy.gpu_source == "power"
    assert energy.gpu_wh is not None
    assert 0 < energy.gpu_wh < 2 * 200 / 3600 * 60


def test_power_over_time() -> None:
    """By trapezoids; a gap is not guessed; a counter that begins again adds nothing."""
    meter = EnergyMeter()
    for now, watts in ((0.0, 100.0), (10.0, 300.0), (20.0, 300.0), (10_000.0, 300.0), (10_010.0, 300.0)):
        meter.add(now, None, watts)
    assert meter.joules == 2000 + 3000 + 3000
    meter = EnergyMeter()
    for now, counter in enumerate((500.0, 700.0, 10.0, 15.0)):
        meter.add(float(now), counter, 99.0)
    assert (meter.joules, meter.is_counted) == (205.0, True)


def test_rapl(tmp_path: Path) -> None:
    """Packages only, and over the end of the counter."""
    for name, count in (("intel-rapl:0", 900), ("intel-rapl:1", 0), ("intel-rapl:0:0", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{count}\n")
        (tmp_path / name / "max_energy_range_uj").write_text("1000\n")
    rapl = Rapl(tmp_path)
    (tmp_path / "intel-rapl:0/energy_uj").write_text("100\n")
    (tmp_path / "intel-rapl:1/energy_uj").write_text("50\n")
    (tmp_path / "intel-rapl:0:0/energy_uj").write_text("500\n")
    rapl.read()
    assert rapl.joules == pytest.approx(250e-6)
    assert not Rapl(tmp_path / "none").is_there


def test_amd(tmp_path: Path) -> None:
    """What the kernel's driver shows; connectors of a card are no cards."""
    device = tmp_path / "card1/device"
    sensors = device / "hwmon/hwmon3"
    sensors.mkdir(parents=True)
    (tmp_path / "card1-DP-1").mkdir()
    (tmp_path / "card0/device").mkdir(parents=True)  # of another maker
    for path, text in (
        (device / "gpu_busy_percent", "55"), (device / "mem_info_vram_used", "1000"),
        (device / "mem_info_vram_total", "4000"), (sensors / "power1_average", "150000000"),
        (sensors / "temp1_input", "48000"), (sensors / "energy1_input", "7000000"),
    ):  # fmt: skip
        path.write_text(f"{text}\n")
    source = Amd.open(tmp_path)
    assert source is not None
    assert source.read() == [(55, 1000, 25, 150, 48, 7)]
    (sensors / "temp1_input").unlink()  # Instinct has no sensor at the edge
    (sensors / "temp2_input").write_text("61000\n")
    assert source.read()[0].temperature_celsius == 61
    assert Amd.open(tmp_path / "none") is None


def test_energies_are_added() -> None:
    """What is unknown stays unknown."""
    both = added(Energy(gpu_wh=1, seconds=10), Energy(gpu_wh=2, cpu_wh=3, gpu_source="power", seconds=5))
    assert both == Energy(gpu_wh=3, cpu_wh=3, gpu_source="power", seconds=15)
    assert added(None, Energy(gpu_wh=2)) == Energy(gpu_wh=2)


# -- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowd() -> Iterator[subprocess.Popen[bytes]]:
    """A child that starts sixty more."""
    child = subprocess.Popen(
        ["sh", "-c", "for i in $(seq 60); do sleep 600 & done; echo; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    os.killpg(child.pid, 9)
    child.wait()
    child.stdout.close()


@LINUX
def test_descendants_count(crowd: subprocess.Popen[bytes]) -> None:
    """The memory of all of them."""
    used, own = ProcessTree(os.getpid()).read(), ProcessTree(crowd.pid).read()
    assert used is not None
    assert own is not None
    assert own.memory_bytes > 60 * 100_000
    assert used.memory_bytes > own.memory_bytes + 10_000_000


@LINUX
def test_processor_time_of_a_child() -> None:
    """That of a process which began since the last reading counts whole."""
    tree = ProcessTree(os.getpid())
    tree.read()
    code = "import sys\nfor i in range(10**7): pass\nprint(flush=True)\nsys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    wanted = sum(psutil.Process(child.pid).cpu_times()[:2])
    used = tree.read()
    child.communicate()
    assert used is not None
    assert used.cpu_s >= 0.8 * wanted > 0.05
    assert ProcessTree(child.pid).read() is None


@LINUX
def test_what_a_measurement_costs(crowd: subprocess.Popen[bytes]) -> None:
    """At most 0.2 % of a core at the default interval, with sixty descendants: 30 ms of processor time."""
    meters = Meters(os.getpid(), sources=[])
    meters.read()
    costs = []
    for _ in range(10):
        began = time.thread_time()
        meters.read()
        costs.append(time.thread_time() - began)
    assert sorted(costs)[5] < 0.03


def test_records_without_energy_are_read() -> None:
    """As older labtops wrote them."""
    assert RunRecord(id="x", name="x", project="p").life.energy is None


WAITING = """
import os, pathlib, time
from labtop.store.reader import read_points
for _ in range(600):
    folders = pathlib.Path(os.environ["LABTOP_STORE"]).glob("*/" + os.environ["LABTOP_RUN_ID"])
    if any(each.name == "system/process_cpu_percent" for folder in folders for each in read_points(folder)[0]):
        break
    time.sleep(0.1)
"""
JOINING = """
import labtop, time
with labtop.init() as run:
    run.system.stop()
    run.log({"loss": 1.0})
time.sleep(2.5)
"""


@pytest.mark.parametrize("joins", [False, True])
def test_a_command_is_measured_once(folder: Path, joins: bool) -> None:
    """By `labtop run`, but not once a program inside it measures itself (which this one stops at once)."""
    code = JOINING if joins else WAITING
    environment = {"LABTOP_SYSTEM_METRICS": "true", "LABTOP_SYSTEM_INTERVAL_S": "0.5"}
    done = subprocess.run(
        [sys.executable, "-m", "labtop", "run", "--store", "runs", "--", sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs").glob("*/*/run.parquet")
    points = read_points(run.parent)[0]
    measured = [each for each in points if each.name.startswith("system/process")]
    if joins:  # a machine that takes long to start the program measures it until then
        (joined,) = (each.time_us for each in points if each.name == "loss")
        assert not [each for each in measured if each.time_us > joined + 1_000_000]
    else:
        assert len({each.name for each in measured}) == 2
