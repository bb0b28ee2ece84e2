"""What the real clients logged, as they tell it themselves, against what a person is shown of it, figure by figure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.comparing import differences, print_all
from tests.clients.logs import KINDS, logs_of, shared_folder
from tests.clients.screens import differences_on_screens
from tests.clients.telling import Told
from tests.sources.same_files import fingerprint

ALL = [pytest.param(name, marks=pytest.mark.client(kind.client)) for name, kind in KINDS.items()]


@pytest.mark.parametrize("kind", ALL)
def test_ls_show_and_metrics_print_what_the_client_tells(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every run, parameter, point and last value; and no file of the logs is touched."""
    folder, told = logs_of(kind, shared_folder(tmp_path_factory))
    before = fingerprint(folder)
    printed = print_all(folder)
    assert fingerprint(folder) == before
    found = {run.key(folder, told): run for run in printed}
    assert (sorted(found), len(printed)) == (sorted(told), len(told))
    said = [f"{run.name}: {each}" for key, run in told.items() for each in differences(found[key], run)]
    assert said == []


@pytest.mark.parametrize("kind", ALL)
async def test_the_screens_show_what_the_client_tells(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The table of runs, and of each run its name, status, parameters and the last value of each metric."""
    folder, told = logs_of(kind, shared_folder(tmp_path_factory))
    assert await differences_on_screens(folder, told) == []


@pytest.mark.client(*{kind.client for kind in KINDS.values()})
def test_one_folder_with_the_logs_of_all(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is lost, doubled or mixed up where every tracker's logs lie below one folder."""
    told: dict[str, Told] = {}
    for kind in ("mlflow-files", "tensorboard", "sacred", "hydra"):
        folder, runs = logs_of(kind, shared_folder(tmp_path_factory))
        shutil.copytree(folder, tmp_path / "all" / kind)
        told |= {key if len(key) == 32 else f"{kind}/{key}": run for key, run in runs.items()}
    printed = print_all(tmp_path / "all")
    found = {run.key(tmp_path / "all", told): run for run in printed}
    assert (sorted(found), len(printed)) == (sorted(told), len(told))
    said = [f"{key}: {each}" for key, run in told.items() for each in differences(found[key], run)]
    assert said == []
