"""What the real clients of DVCLive, Sacred, Hydra and Guild write, read and compared with what they were told.

Guild needs a Python of its own in `$LABTOP_PEERS/guild`; the others are installed for the tests.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.sources.dvclive import DvcLiveSource
from labtop.sources.guild import GuildSource
from labtop.sources.hydra import HydraSource
from labtop.sources.sacred import SacredSource
from tests.sources.peers import peer
from tests.sources.reading import read_all

DVCLIVE = """
from dvclive import Live
with Live("live", save_dvc_exp=False, report=None) as live:
    live.log_params({"lr": 0.1, "net": {"layers": [1, 2]}})
    for step in range(50):
        live.log_metric("train/loss é", 1 / (step + 1), timestamp=True)
        live.log_metric("acc", float("nan") if step == 49 else step)
        live.log_metric("only last", step, plot=False)
        live.next_step()
"""
SACRED = """
import numpy as np
from sacred import Experiment
from sacred.observers import FileStorageObserver
ex = Experiment("digits é", save_git_info=False)
ex.observers.append(FileStorageObserver("runs"))
@ex.config
def config():
    lr = np.float32(0.5)
    shape = (3, 4)
    many = np.arange(20.0)
    boom = False
@ex.main
def main(_run, boom):
    for step in range(50):
        _run.log_scalar("loss", np.float64(1 / (step + 1)), step)
        _run.info.setdefault("return", []).append(np.float64(step))
        _run.info.setdefault("return_T", []).append(step * 100)
    print("hello")
    if boom:
        raise ValueError("too big")
    return {"r": np.float64(2.5)}
ex.run(options={"--comment": "hi"})
try:
    ex.run(config_updates={"boom": True})
except ValueError:
    pass
"""
HYDRA = """
import logging
import hydra
from hydra.core.config_store import ConfigStore
ConfigStore.instance().store("c", {"lr": 0.1, "seed": 3, "must": "???", "ref": "${lr}"})
@hydra.main(version_base="1.2", config_path=None, config_name="c")
def main(cfg):
    try:
        assert cfg.lr < 1, "too big"
    except AssertionError:
        logging.getLogger(__name__).exception("died")
        raise
main()
"""
GUILD = """
lr = 0.1
for step in range(3):
    print("step: %i" % step)
    print("loss: %f" % (lr / (step + 1)))
if lr > 5:
    raise ValueError("too big")
"""


def run(python: Path, folder: Path, *arguments: str, is_ok: bool = True) -> str:
    environment = {**os.environ, "HOME": str(folder), "GUILD_HOME": str(folder / "home")}
    done = subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not is_ok or done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.client("dvc")
def test_dvclive(tmp_path: Path) -> None:
    """Points, times, NaN, a metric without points, params."""
    (tmp_path / "train.py").write_text(DVCLIVE, "utf-8")
    run(peer("dvc"), tmp_path, "train.py")
    (found,) = read_all(DvcLiveSource(), tmp_path).values()
    assert list(found.curves["train/loss é"].values) == [1 / (step + 1) for step in range(50)]
    assert min(found.curves["train/loss é"].times_us) > 1_700_000_000_000_000
    assert math.isnan(found.curves["acc"].values[49])
    assert found.read.record.metrics["only last"].last == 49
    assert found.read.record.params == {"lr": 0.1, "net": {"layers": [1, 2]}}
    assert found.read.record.source.problems == ()


@pytest.mark.client("sacred")
def test_sacred(tmp_path: Path) -> None:
    """numpy values everywhere, series in `info`, a failed run."""
    (tmp_path / "train.py").write_text(SACRED, "utf-8")
    run(peer("sacred"), tmp_path, "train.py")
    fine, failed = (each for _, each in sorted(read_all(SacredSource(), tmp_path).items()))
    assert list(fine.curves["loss"].values) == [1 / (step + 1) for step in range(50)]
    assert list(fine.curves["return"].steps) == [step * 100 for step in range(50)]
    record = fine.read.record
    assert (record.params["lr"], record.params["shape"], record.params["many"]) == (
        0.5,
        [3, 4],
        [*map(float, range(20))],
    )
    assert (record.summary["result"], record.life.notes, record.status) == ({"r": 2.5}, "hi", Status.FINISHED)
    assert failed.read.record.status is Status.FAILED
    assert failed.read.record.life.error is not None
    assert failed.read.record.life.error.message == "too big"
    assert record.source.problems == ()


@pytest.mark.client("hydra")
def test_hydra(tmp_path: Path) -> None:
    """A sweep, and a run that died with its exception logged."""
    (tmp_path / "app.py").write_text(HYDRA, "utf-8")
    run(peer("hydra"), tmp_path, "app.py", "-m", "lr=0.2,0.3", "must=1")
    run(peer("hydra"), tmp_path, "app.py", "lr=9", is_ok=False)
    records = [each.read.record for each in read_all(HydraSource(), tmp_path).values()]
    assert {str(record.params["lr"]) for record in records} == {"0.2", "0.3", "9"}
    (died,) = (record for record in records if record.params["lr"] == 9)
    assert (died.status, died.params["must"], died.params["ref"]) == (Status.FAILED, "???", "${lr}")
    assert len({record.life.group for record in records if record is not died}) == 1


@pytest.mark.client("guild")
def test_guild(tmp_path: Path) -> None:
    """Compared with `guild runs --json`."""
    python = peer("guild")
    (tmp_path / "train.py").write_text(GUILD, "utf-8")
    (tmp_path / "home").mkdir()
    guild = str(python.parent / "guild")
    for lr in ("0.2", "9.0"):
        run(python, tmp_path, guild, "run", "train.py", f"lr={lr}", "-y", "--tag", "t", is_ok=False)
    told = {each["id"]: each for each in json.loads(run(python, tmp_path, guild, "runs", "--json"))}
    runs = {each.read.record.source.run_id: each for each in read_all(GuildSource(), tmp_path).values()}
    assert set(runs) == set(told)
    words = {"completed": Status.FINISHED, "error": Status.FAILED}
    for name, each in told.items():
        record = runs[name].read.record
        assert (record.status, record.life.exit_code) == (words[each["status"]], each["exit_status"])
        assert (list(record.life.tags), list(record.command.argv)) == (each["tags"], each["cmd"])
        assert record.name == each["label"]
        assert len(runs[name].curves["loss"]) == 3
