"""A run of Hydra that labtop recorded as well is one run; where labtop knows less of it, nothing is hidden."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import labtop
from labtop.store.layout import RECORD

WHEN = "2026-01-02/03-04-05"


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a job that Hydra runs in this process, as its own object tells."""
    output = tmp_path / "logs" / "outputs" / WHEN
    folder = output / ".hydra"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("lr: 0.1\nmodel:\n  width: 8\n")
    (folder / "hydra.yaml").write_text(
        f"hydra:\n  job:\n    name: fit\n  runtime:\n    output_dir: {output}\n"
    )
    (folder / "overrides.yaml").write_text("[]\n")
    module: Any = ModuleType("hydra.core.hydra_config")
    facts = SimpleNamespace(runtime=SimpleNamespace(output_dir=str(output)), output_subdir=".hydra")
    module.HydraConfig = SimpleNamespace(initialized=lambda: True, get=lambda: facts)
    monkeypatch.setitem(sys.modules, "hydra.core.hydra_config", module)
    return folder


def record(logs: Path, config: dict[str, Any]) -> None:
    """Record the job's run with labtop too."""
    with labtop.init(project="fit", store=logs / "runs", config=config) as run:
        run.log({"loss": 0.5})


def trackers(logs: Path) -> list[str]:
    """The trackers of all runs below a folder, as the next process that opens it lists them."""
    with labtop.open(logs) as store:
        return sorted(map(str, store.runs(columns=["tracker"])["tracker"]))


def test_run_that_labtop_recorded_is_listed_once(job: Path, tmp_path: Path) -> None:
    """The run of labtop stays; when it is deleted, the one of Hydra is listed again."""
    logs = tmp_path / "logs"
    assert trackers(logs) == ["hydra"]
    record(logs, {"lr": 0.1, "model": {"width": 8}, "more": 1})
    assert trackers(logs) == ["labtop"]
    assert trackers(logs) == ["labtop"]
    shutil.rmtree(next((logs / "runs").glob("*/*/" + RECORD)).parent)
    assert trackers(logs) == ["hydra"]


def test_other_jobs_and_runs_without_the_configuration_are_listed(job: Path, tmp_path: Path) -> None:
    """A run that knows less than Hydra hides nothing, nor does one that kept the files of another job."""
    logs = tmp_path / "logs"
    record(logs, {"lr": 0.1})
    assert trackers(logs) == ["hydra", "labtop"]
    record(logs, {"lr": 0.1, "model": {"width": 8}})
    other = shutil.copytree(job, logs / "outputs" / "2026-01-02/03-04-06" / ".hydra")
    (other / "overrides.yaml").write_text("- lr=0.2\n")
    assert trackers(logs) == ["hydra", "labtop", "labtop"]
    (other / "overrides.yaml").write_text("[]\n")
    (job / "overrides.yaml").write_text("- lr=0.2\n")
    assert trackers(logs) == ["hydra", "labtop", "labtop"]


def test_run_whose_secrets_were_taken_out_is_told_by_its_path(job: Path, tmp_path: Path) -> None:
    """What was kept is not what Hydra wrote then; the folder is that of the run all the same."""
    logs = tmp_path / "logs"
    with (job / "config.yaml").open("a") as file:
        file.write(f"api_key: {'k3y' * 9}\n")
    record(logs, {"lr": 0.1, "model": {"width": 8}, "api_key": "k3y" * 9})
    assert trackers(logs) == ["labtop"]
    shutil.copytree(job, logs / "outputs" / "2026-01-02/03-04-06" / ".hydra")
    assert trackers(logs) == ["hydra", "labtop"]
