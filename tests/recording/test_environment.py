"""The environment, the command and the seeds as a record tells them."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path

import pytest

import labtop
from labtop.recording.capture.command import launcher_and_ranks
from labtop.recording.capture.environment import allowed_variables
from labtop.recording.capture.hardware import capture_hardware
from labtop.recording.capture.lock_file import keep_lock_files
from labtop.recording.capture.packages import _origin, requirements
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import RunScript, only_record


@pytest.fixture
def is_prepared() -> bool:
    """What a script has imported is looked at here."""
    return False


def test_what_a_run_ran_on(folder: Path) -> None:
    """Interpreter, packages with origins, machine."""
    with labtop.init() as run:
        pass
    record = only_record(folder / "runs")
    environment = record.environment
    assert (environment.python, environment.implementation) == (platform.python_version(), "CPython")
    assert environment.packages["labtop"] == labtop.__version__
    assert environment.os
    assert environment.kernel
    assert record.hardware.cores
    assert record.hardware.memory_bytes
    pinned = (run.folder / "environment/requirements.txt").read_text().splitlines()
    assert f"numpy=={environment.packages['numpy']}" in pinned


@pytest.mark.parametrize(
    ("direct_url", "origin"),
    [
        (
            {"url": "https://example.org/p.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://example.org/p.git@abc",
        ),
        (
            {"url": "https://e.org/p", "vcs_info": {"vcs": "git", "commit_id": "a"}, "subdirectory": "s"},
            "git+https://e.org/p@a#subdirectory=s",
        ),
        ({"url": "file:///other/p", "dir_info": {"editable": True}}, "-e /other/p"),
        ({"url": "file:///top/lib", "dir_info": {"editable": True}}, "-e ./lib"),
        ({"url": "file:///x/p", "dir_info": {}}, "file:///x/p"),
        (
            {"url": "https://e.org/p.whl", "archive_info": {"hashes": {"sha256": "ff"}}},
            "https://e.org/p.whl#sha256=ff",
        ),
        ({"nonsense": 1}, None),
    ],
)
def test_origins_of_packages(direct_url: object, origin: str | None) -> None:
    """Repositories, editable folders, files and archives, as requirements."""
    assert _origin(json.dumps(direct_url), Path("/top")) == origin


def test_requirements_pin_everything() -> None:
    """In a form that pip and uv read."""
    text = requirements({"a": "1", "b": "2", "c": "3"}, {"b": "git+https://e.org/b@ff", "c": "-e ./c"})
    assert text == "a==1\nb @ git+https://e.org/b@ff\n-e ./c\n"


def test_only_allowed_variables_are_recorded() -> None:
    """Never one with a secret name, even when asked for; values are redacted."""
    environment = {
        "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "4",
        "HOME": "/home/x",
        "WANDB_API_KEY": "canary",
        "MY_SETTING": "1",
        "MY_TOKEN": "canary",
        "TF_VAR_database": "canary",
        "NCCL_DEBUG": "https://u:p@h",
    }
    assert allowed_variables(environment, Redactor(), ["MY_*"]) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "MY_SETTING": "1",
        "NCCL_DEBUG": "https://${CREDENTIALS}@h",
        "OMP_NUM_THREADS": "4",
    }


def test_the_nearest_lock_file_is_kept(folder: Path) -> None:
    """Found above the working folder, up to the top of the repository."""
    (folder / "uv.lock").write_text("outer")
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/poetry.lock").write_text("inner https://u:p@index/simple")
    (folder / "kept").mkdir()
    nearest, other = keep_lock_files(folder / "kept", folder / "a/b", folder, Redactor())
    kept = (folder / "kept/poetry.lock").read_bytes()
    assert (nearest.name, nearest.path) == ("poetry.lock", "a/poetry.lock")
    assert nearest.sha256 == hashlib.sha256(kept).hexdigest()
    assert (other.name, (folder / "kept/uv.lock").read_text()) == ("uv.lock", "outer")
    assert kept == b"inner https://${CREDENTIALS}@index/simple"


@pytest.mark.parametrize(
    ("text", "is_lock"),
    [
        ("a==1\nb==2.0 --hash=sha256:ff\n# note\n-e .\n", True),
        ("a>=1\nb==2\n", False),
        ("", False),
    ],
)
def test_requirements_count_when_they_pin_all(folder: Path, text: str, is_lock: bool) -> None:
    """Else they say nothing about what ran."""
    (folder / "requirements.txt").write_text(text)
    (folder / "kept").mkdir()
    locks = keep_lock_files(folder / "kept", folder, folder, Redactor())
    assert [each.name for each in locks] == (["requirements.lock"] if is_lock else [])


def test_conda_gives_its_explicit_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `conda list --explicit --md5` prints it."""
    (folder / "env/conda-meta").mkdir(parents=True)
    note = {"url": "https://conda.example.org/linux-64/a-1-0.conda", "md5": "ff", "subdir": "linux-64"}
    (folder / "env/conda-meta/a-1-0.json").write_text(json.dumps(note))
    monkeypatch.setenv("CONDA_PREFIX", str(folder / "env"))
    (lock,) = keep_lock_files(folder, folder, None, Redactor())
    assert lock.name == "conda-explicit.txt"
    explicit = (folder / lock.name).read_text()
    assert explicit.endswith(
        "# platform: linux-64\n@EXPLICIT\nhttps://conda.example.org/linux-64/a-1-0.conda#ff\n"
    )


@pytest.mark.parametrize(
    ("environment", "launcher", "ranks"),
    [
        ({}, None, {}),
        (
            {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "8"},
            "torchrun",
            {"rank": 3, "local_rank": 1, "world_size": 8},
        ),
        (
            {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_STEP_ID": "0"},
            "slurm",
            {"rank": 2, "world_size": 4},
        ),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, "slurm", {}),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, "mpi", {"rank": 0, "world_size": 2}),
        ({"SLURM_PROCID": "nonsense"}, "slurm", {}),
    ],
)
def test_launchers(environment: dict[str, str], launcher: str | None, ranks: dict[str, int]) -> None:
    """Which of several processes this is."""
    assert launcher_and_ranks(environment) == (launcher, ranks)


def test_the_command_of_a_script(repository: Path, run_script: RunScript) -> None:
    """Arguments as they were given, odd ones too; paths relative to the repository."""
    (repository / "sub").mkdir()
    import os

    os.chdir(repository / "sub")
    run_script(
        "import labtop; labtop.init(store='../../runs')",
        "--x",
        "a b",
        "",
        "$HOME; rm -rf /",
        "é\n",
        name="t.py",
    )
    command = only_record(repository.parent / "runs").command
    assert command.argv == (sys.executable, "t.py", "--x", "a b", "", "$HOME; rm -rf /", "é\n")
    assert (command.cwd, command.entry_point) == ("sub", "sub/t.py")


def test_the_command_of_a_module(folder: Path) -> None:
    """python -m package."""
    import subprocess

    (folder / "pkg").mkdir()
    (folder / "pkg/__main__.py").write_text("import labtop; labtop.init()")
    subprocess.run([sys.executable, "-m", "pkg", "--lr", "1"], check=True)
    command = only_record(folder / "runs").command
    assert command.argv == (sys.executable, "-m", "pkg", "--lr", "1")
    assert command.entry_point == "-m pkg"


def test_seeds_are_set_and_recorded(folder: Path) -> None:
    """Python and numpy here; named ones only recorded."""
    import random

    import numpy as np

    with labtop.init() as run:
        assert run.seed(7) == 7
        first = (random.random(), np.random.rand())
        run.seed(7)
        assert (random.random(), np.random.rand()) == first
        run.seed(11, name="split")
    randomness = only_record(folder / "runs").randomness
    assert randomness.seeds == {"python": 7, "numpy": 7, "split": 11}
    assert randomness.flags["PYTHONHASHSEED"] == "random"


@pytest.mark.parametrize(
    ("code", "imported"),
    [
        ("import labtop; labtop.init()", ()),
        ("import labtop, tempfile; labtop.init()", ()),  # the standard library's own use does not count
        ("import labtop, random; labtop.init()", ("python",)),
        ("import numpy as np, labtop; labtop.init()", ("numpy",)),
        (
            "import labtop; labtop.init()\nfrom random import shuffle\nfrom numpy.random import default_rng",
            ("numpy", "python"),
        ),
    ],
)
def test_random_libraries_of_the_program_are_told(
    folder: Path, run_script: RunScript, code: str, imported: tuple[str, ...]
) -> None:
    """So that those nobody seeded can be named; what labtop imports itself does not count."""
    run_script(code, PYTHONHASHSEED="3")
    randomness = only_record(folder / "runs").randomness
    assert (randomness.imported, randomness.seeds) == (imported, {})
    assert randomness.flags["PYTHONHASHSEED"] == "3"


class FakeTorch:
    """What is asked of torch."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.backends = type(
            "B", (), {"cudnn": type("C", (), {"deterministic": False, "benchmark": True})()}
        )()

    def manual_seed(self, seed: int) -> None:
        self.calls.append(f"seed {seed}")

    def use_deterministic_algorithms(self, on: bool) -> None:
        self.calls.append(f"deterministic {on}")

    def are_deterministic_algorithms_enabled(self) -> bool:
        return "deterministic True" in self.calls

    def initial_seed(self) -> int:
        return 5


def test_torch_is_seeded_and_made_deterministic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its flags recorded; a stand-in, since torch takes gigabytes."""
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with labtop.init() as run:
        run.seed(3, deterministic=True)
    randomness = only_record(folder / "runs").randomness
    assert torch.calls == ["seed 3", "deterministic True"]
    assert randomness.seeds["torch"] == 3
    assert randomness.flags["torch.deterministic_algorithms"] is True
    assert randomness.flags["cudnn.benchmark"] is False
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)


def test_torch_s_own_seed_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the program called manual_seed itself."""
    monkeypatch.setitem(sys.modules, "torch", FakeTorch())
    with labtop.init():
        pass
    randomness = only_record(folder / "runs").randomness
    assert randomness.seeds["torch"] == 5
    assert "torch" in randomness.imported


class FakeDriver:
    """What pynvml gives where there are two GPUs."""

    def __init__(self, fails: str = "") -> None:
        self.is_open = False
        self._fails = fails

    def nvmlInit(self) -> None:
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"570.1"

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, at: int) -> int:
        return at

    def nvmlDeviceGetName(self, handle: int) -> str:
        if self._fails:
            raise RuntimeError(self._fails)
        return f"H100 #{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> object:
        return type("Memory", (), {"total": 80 * 2**30})()


def test_gpus_are_told_by_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, memory and driver of each; a stand-in, as few machines have two."""
    driver = FakeDriver()
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    first, second = capture_hardware().gpus
    assert (first.name, second.name, first.driver) == ("H100 #0", "H100 #1", "570.1")
    assert first.memory_bytes == 80 * 2**30
    assert not driver.is_open


def test_a_gpu_that_does_not_tell_its_name_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is known of it and of the machine is told, and the driver is let go."""
    driver = FakeDriver(fails="GPU is lost")
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    hardware = capture_hardware()
    assert [each.name for each in hardware.gpus] == ["NVIDIA GPU"] * 2
    assert {each.memory_bytes for each in hardware.gpus} == {80 * 2**30}
    assert hardware.cores
    assert not driver.is_open
