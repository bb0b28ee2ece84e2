"""What is only in files beside a `.wandb` file: where that is empty, missing or cut, and from before there was one."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtop.model.run import Gpu, MetricSummary, Status
from labtop.sources.wandb import WandbSource
from tests.sources.reading import Whole, places, read_all
from tests.sources.writers.wandb_log import end, log, row, run, summary, write_run

CONFIG = """wandb_version: 1

_wandb:
  desc: null
  value:
    cli_version: 0.12.1
    python_version: 3.8.10
lr:
  desc: null
  value: 0.1
model:
  desc: null
  value:
    width: 8
"""
METADATA = {
    "os": "Linux-5.4",
    "python": "3.8.10",
    "args": ["--lr", "0.1"],
    "program": "train.py",
    "codePath": "src/train.py",
    "host": "node-1",
    "executable": "/usr/bin/python3",
    "cpu_count_logical": 8,
    "gpu_devices": [{"name": "Tesla T4", "memory_total": 16 * 2**30}],
    "cuda": "11.4",
    "git": {"remote": "git@example.org:a/b.git", "commit": "f" * 40},
    "memory": {"total": 23.5},
    "state": "running",
}


def _one(root: Path) -> Whole:
    (whole,) = read_all(WandbSource(), root).values()
    return whole


def _beside(path: Path) -> Path:
    files = path.parent / "files"
    (files / "config.yaml").write_text(CONFIG)
    (files / "wandb-summary.json").write_text(
        '{"loss": NaN, "best": 0.5, "_step": 7, "_wandb": {"runtime": 3}}'
    )
    (files / "wandb-metadata.json").write_text(json.dumps(METADATA))
    (files / "requirements.txt").write_text(
        "numpy==1.24.0\nmine @ git+https://example.org/mine@abc\n-e git+x#egg=e\n#\n"
    )
    (files / "diff.patch").write_text("--- a\n+++ b\n")
    return files


@pytest.mark.parametrize("tape", ["missing", "empty", "header", "noise"])
def test_without_records(tmp_path: Path, tape: str) -> None:
    """Configuration, last values, command, software, machine, commit and patch are in the files beside."""
    path = write_run(tmp_path / "wandb", [])
    files = _beside(path)
    content = {"missing": None, "empty": b"", "header": log([]), "noise": b"\x01" * 5000}[tape]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    read = _one(tmp_path).read
    made = read.record
    assert made.params == {"lr": 0.1, "model": {"width": 8}}
    assert made.metrics["best"] == MetricSummary(last=0.5)
    assert made.metrics["loss"].last != made.metrics["loss"].last
    assert made.status is Status.UNKNOWN
    assert made.command.argv == ("/usr/bin/python3", "train.py", "--lr", "0.1")
    assert (made.code.commit, made.code.dirty) == ("f" * 40, True)
    assert made.code.patch_sha256 == hashlib.sha256(b"--- a\n+++ b\n").hexdigest()
    assert read.kept == {"code/patch.diff": files / "diff.patch"}
    assert made.environment.packages == {"numpy": "1.24.0", "wandb": "0.12.1"}
    assert made.environment.origins == {"mine": "git+https://example.org/mine@abc", "e": "git+x"}
    assert made.hardware.gpus == (Gpu(name="Tesla T4", memory_bytes=16 * 2**30, vendor="nvidia"),)
    assert (made.hardware.cores, made.hardware.memory_bytes) == (8, int(23.5 * 2**30))
    assert bool(made.source.problems) == (tape in ("empty", "header", "noise"))


def test_records_come_first(tmp_path: Path) -> None:
    """What the records say is not replaced by files beside them, which may be older."""
    path = write_run(tmp_path / "wandb", [run(lr=0.2), row(0, {"loss": 1.0}), summary({"loss": 1.0}), end()])
    _beside(path)
    made = _one(tmp_path).read.record
    assert (made.params, made.summary, made.status) == ({"lr": 0.2}, {}, Status.FINISHED)


def test_cut_file_is_filled(tmp_path: Path) -> None:
    """Of a file that was cut, what is missing comes from beside it."""
    path = write_run(tmp_path / "wandb", [run(lr=0.2), row(0, {"loss": 1.0}), end()])
    _beside(path)
    path.write_bytes(path.read_bytes()[:-3])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    made = _one(tmp_path).read.record
    assert made.params == {"lr": 0.2, "model": {"width": 8}}
    assert made.summary["best"] == 0.5
    assert "ends within a record" in made.source.problems[0]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", "{" * 100_000, "\x00\x00", '"x"'],
    ids=["empty", "cut", "list", "deep", "zero", "text"],
)
def test_damaged_files_beside(tmp_path: Path, content: str) -> None:
    """Files that hold something else cost nothing but what they would have told."""
    path = write_run(tmp_path / "wandb", [])
    path.unlink()
    for name in ("config.yaml", "wandb-summary.json", "wandb-metadata.json", "requirements.txt"):
        (path.parent / "files" / name).write_text(content)
    assert _one(tmp_path).points == 0


def _old_run(home: Path) -> Path:
    """A run as SDKs wrote it until 0.9: JSON lines in its folder, no `.wandb` file."""
    folder = home / "dryrun-20200501_120000-k3x9q0ab"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG)
    rows = [
        {"loss": 1.0 / (step + 1), "a": {"b": step}, "_step": step, "_timestamp": 1.5e9 + step}
        for step in range(5)
    ]
    lines = [json.dumps(each) for each in rows]
    lines.insert(3, '{"loss": 0.')
    (folder / "wandb-history.jsonl").write_text("\n".join([*lines, '{"loss": NaN, "_step": 9}']) + "\n")
    (folder / "wandb-events.jsonl").write_text('{"system.cpu": 5.0, "_timestamp": 1500000002}\n')
    (folder / "wandb-summary.json").write_text('{"loss": NaN, "best": 0.2}')
    told = {
        "name": "first",
        "project": "digits",
        "state": "failed",
        "exitcode": 1,
        "group": "g",
        "tags": ["t"],
    }
    times = {"startedAt": "2020-05-01T12:00:00.5", "heartbeatAt": "2020-05-01T12:10:00"}
    (folder / "wandb-metadata.json").write_text(json.dumps({**told, **times}))
    return folder


@pytest.mark.parametrize("opened", ["home", "run"])
def test_old_run(tmp_path: Path, opened: str) -> None:
    """Points, measurements, name and end of a run from before `.wandb` files; a broken line costs itself."""
    folder = _old_run(tmp_path / "wandb")
    whole = _one(tmp_path if opened == "home" else folder)
    made = whole.read.record
    assert list(whole.curves["loss"].steps) == [0, 1, 2, 3, 4, 9]
    assert list(whole.curves["a/b"].values) == [0, 1, 2, 3, 4]
    assert whole.curves["loss"].times_us[1] == 1_500_000_001_000_000
    assert list(whole.curves["system/cpu"].times_us) == [1_500_000_002_000_000]
    assert (made.name, made.project, made.status, made.life.exit_code) == (
        "first",
        "digits",
        Status.FAILED,
        1,
    )
    assert (made.life.group, made.life.tags) == ("g", ("t",))
    assert made.started_at == datetime(2020, 5, 1, 12, 0, 0, 500_000, UTC)
    assert made.ended_at == datetime(2020, 5, 1, 12, 10, tzinfo=UTC)
    assert made.source.problems == ("wandb-history.jsonl: 1 line is no JSON (first: line 4)",)
    assert made.summary == {"best": 0.2}


def test_downloaded_files(tmp_path: Path) -> None:
    """The files of a run alone, as they are downloaded, are a run."""
    (tmp_path / "wandb-summary.json").write_text('{"loss": 0.5}')
    assert [place.path for place in places(WandbSource(), tmp_path)] == [tmp_path]
    assert _one(tmp_path).read.record.metrics == {"loss": MetricSummary(last=0.5)}
