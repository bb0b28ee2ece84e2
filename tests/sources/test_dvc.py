"""Experiments of DVC in git, and the workspace of a pipeline."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labtop.formats.dvc_files import locked_stages, pipeline_of
from labtop.formats.git_objects import read_refs
from labtop.formats.yaml_text import parse_yaml
from labtop.model.run import Status
from labtop.sources.dvc.source import DvcSource
from labtop.sources.dvc_stages import merged
from labtop.sources.source import RunRead
from tests.sources.peers import peer
from tests.sources.reading import corpus, places, read_all
from tests.sources.same_files import fingerprint
from tests.sources.writers.dvc import LOCK, PIPELINE, Project, git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def read(root: Path) -> dict[str, RunRead]:
    whole = read_all(DvcSource(), root).values()
    return {each.read.record.name: replace(each.read, curves=each.curves) for each in whole}


def test_experiments_are_read_from_git_and_from_the_cache(tmp_path: Path) -> None:
    """Metrics and params of the commit, points that only the cache has, stages of the lock, the baseline as parent."""
    project = Project(tmp_path / "digits")
    sha = project.experiment("bold-cat", 0.2, message="try more")
    project.experiment("calm-dog", 0.3)
    before = fingerprint(tmp_path)
    runs = read(tmp_path)
    assert set(runs) == {"bold-cat", "calm-dog"}
    found = runs["bold-cat"]
    record = found.record
    assert found.identity == f"dvc:{sha}"
    assert (record.status, record.project, record.life.notes) == (Status.FINISHED, "digits", "try more")
    assert record.params == {"lr": 0.2, "name": "é"}
    assert (record.life.parent_id, record.life.group) == (f"dvc:{project.baseline}", project.baseline[:7])
    assert record.code.commit == sha
    assert record.ended_at == datetime.fromtimestamp(1767323045, UTC)
    assert record.started_at == datetime.fromtimestamp(1767323000, UTC)
    assert {name: metric.last for name, metric in record.metrics.items()} == {
        "only": 3.0,
        "test/auc": 0.7,
        "bad": math.inf,
    }
    assert list(found.curves["train/loss"].steps) == [0, 1]
    assert math.isnan(found.curves["train/loss"].values[1])
    assert record.command.argv == ("sh", "-c", "python train.py")
    assert [(each.name, each.digest) for each in record.data] == [("data.csv", "0123456789abcdef" * 2)]
    assert record.artifacts[0].about == {"md5": "fedcba9876543210" * 2}
    assert runs["calm-dog"].record.life.notes == ""
    assert record.source.problems == ()
    assert fingerprint(tmp_path) == before


def test_packed_refs_and_packed_objects_are_read_too(tmp_path: Path) -> None:
    """As `git gc` leaves them; a loose ref is newer than a packed one, and DVC's own refs are no experiments."""
    project = Project(tmp_path / "digits")
    project.experiment("bold-cat", 0.2)
    project.experiment("calm-dog", 0.3)
    git(project.root, "update-ref", "refs/exps/exec/EXEC_HEAD", project.baseline)
    git(project.root, "update-ref", "refs/exps/stash", project.baseline)
    git(project.root, "pack-refs", "--all")
    git(project.root, "gc", "-q")
    assert not (project.root / ".git/refs/exps").exists() or not list(
        (project.root / ".git/refs/exps").rglob("*-*")
    )
    newer = project.experiment("calm-dog", 0.9)
    runs = read(tmp_path)
    assert set(runs) == {"bold-cat", "calm-dog"}
    assert runs["calm-dog"].record.source.run_id == newer
    assert runs["calm-dog"].record.params["lr"] == 0.9


def test_bare_repositories_and_those_with_long_hashes_are_read(tmp_path: Path) -> None:
    """A remote that experiments were pushed to has no files beside it."""
    project = Project(tmp_path / "digits")
    project.experiment("bold-cat", 0.2)
    git(tmp_path, "clone", "-q", "--mirror", str(project.root), str(tmp_path / "mirror" / "digits.git"))
    (found,) = read(tmp_path / "mirror").values()
    assert found.record.metrics["test/auc"].last == 0.7
    assert any("dvc fetch" in each for each in found.record.source.problems)
    long = tmp_path / "long"
    long.mkdir()
    git(long, "init", "-q", "--object-format=sha256", ".")
    (long / "metrics.json").write_text('{"acc": 1}', "utf-8")
    (long / "dvc.yaml").write_text("metrics: [metrics.json]\n", "utf-8")
    git(long, "add", "-A")
    git(long, "commit", "-q", "-m", "x")
    sha = git(long, "rev-parse", "HEAD")
    git(long, "update-ref", f"refs/exps/{sha[:2]}/{sha[2:]}/wide", sha)
    assert read(long)["wide"].record.metrics["acc"].last == 1


def test_one_that_failed_in_the_queue_is_shown_as_failed(tmp_path: Path) -> None:
    """With its params and what it printed, and without the metrics that lay in the repository before it."""
    project = Project(tmp_path / "digits")
    project.failed("hot-fish", 8)
    found = read(tmp_path)["hot-fish"]
    assert (found.record.status, found.record.life.exit_code) == (Status.FAILED, 255)
    assert found.record.params == {"lr": 8}
    assert found.record.metrics == {}
    assert found.output is not None
    assert found.output.read_text() == "boom\n"


def test_one_that_failed_has_nothing_of_the_run_before_it(tmp_path: Path) -> None:
    """Its commit has the `dvc.lock` of that run: the command is the same, params and outputs are not."""
    project = Project(tmp_path / "digits")
    project.experiment("bold-cat", 0.2)
    project.write({"dvc.lock": LOCK.format(lr=0.2, plots="0" * 32), "dvclive/params.yaml": "seed: 1\n"})
    project.failed("hot-fish", 8)
    record = read(tmp_path)["hot-fish"].record
    assert (record.params, record.data, record.artifacts) == ({"lr": 8}, (), ())
    assert record.command.argv == ("sh", "-c", "python train.py")


def test_the_workspace_is_a_run_unless_it_is_an_experiment(tmp_path: Path) -> None:
    """What an experiment left in the workspace is shown once; its DVCLive folder is told as the run's."""
    project = Project(tmp_path / "digits")
    sha = project.experiment("bold-cat", 0.2)
    git(project.root, "checkout", "-q", sha, "--", ".")
    runs = read(tmp_path)
    assert set(runs) == {"bold-cat"}
    assert runs["bold-cat"].folder == project.root / "dvclive"
    project.write({"eval.json": '{"test": {"auc": 0.99}}'})
    runs = read(tmp_path)
    assert set(runs) == {"bold-cat", "digits"}
    assert runs["digits"].record.metrics["test/auc"].last == 0.99
    assert runs["digits"].folder == project.root / "dvclive"


def test_a_pipeline_without_metrics_is_no_run() -> None:
    """A lock of a sweep whose results lie elsewhere."""
    root = corpus("dvc-cr21-MIT")
    assert read(root) == {}
    (train, *_) = locked_stages(parse_yaml((root / "dvc.lock").read_text("utf-8")))
    assert (train.name, len(train.deps), train.deps[3].is_folder, train.deps[3].files) == (
        "train",
        5,
        True,
        1581,
    )


def test_nothing_of_a_repository_is_run(tmp_path: Path) -> None:
    """Its configuration names programs everywhere; hooks and replacements are there too."""
    project = Project(tmp_path / "digits")
    project.experiment("bold-cat", 0.2)
    trap = tmp_path / "trap"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n", "utf-8")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "diff.external",
        "uploadpack.packObjectsHook",
    ):
        git(project.root, "config", key, str(program))
    git(project.root, "config", "remote.origin.url", f"ext::{program}")
    git(project.root, "config", "remote.origin.promisor", "true")
    git(project.root, "config", "extensions.partialClone", "origin")
    (project.root / ".git/hooks/post-checkout").write_text(program.read_text(), "utf-8")
    for path in (project.root / ".git/objects").rglob("*"):
        if path.is_file() and path.stat().st_size < 100:
            path.chmod(0o644)
            path.unlink()  # lost objects would be fetched
            break
    found = read(tmp_path)["bold-cat"]
    assert found.record.status is Status.FINISHED
    assert not trap.exists()


def test_damage_costs_one_experiment(tmp_path: Path) -> None:
    """A commit that is gone, refs that are nonsense, objects of another kind, a lock that is cut."""
    project = Project(tmp_path / "digits")
    project.experiment("bold-cat", 0.2, points="step\tloss\n0\t1\n1\t")
    exps = project.root / ".git/refs/exps" / project.baseline[:2] / project.baseline[2:]
    (exps / "gone").write_text("1" * 40 + "\n", "utf-8")
    (exps / "nonsense").write_text("\0\xff", "utf-8")
    (exps / "blob").write_text(git(project.root, "hash-object", "-w", "--stdin", stdin="x") + "\n", "utf-8")
    os.mkfifo(exps / "pipe")
    runs = read(tmp_path)
    assert set(runs) == {"bold-cat", "gone", "blob", "nonsense"}
    assert any("not in the repository" in each for each in runs["gone"].record.source.problems)
    assert any("is a blob" in each for each in runs["blob"].record.source.problems)
    assert list(runs["bold-cat"].curves["train/loss"].values) == [1.0]
    for path in (project.root / ".git/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert all(each.record.source.problems for each in read(tmp_path).values())


def test_an_experiment_whose_ref_is_damaged_is_named(tmp_path: Path) -> None:
    """A crash leaves an empty file: what the ref is called is known, and nothing else."""
    project = Project(tmp_path / "digits")
    for name in ("exp-0", "exp-1"):
        project.experiment(name, 0.1)
    (ref,) = (project.root / ".git" / "refs" / "exps").rglob("exp-1")
    ref.write_bytes(b"")
    runs = read(tmp_path)
    assert runs["exp-0"].record.source.problems == ()
    lost = runs["exp-1"].record
    assert (lost.status, lost.code.commit, len(lost.source.problems)) == (Status.UNKNOWN, None, 1)
    assert "exp-1 names no commit" in lost.source.problems[0]


def test_paths_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    """Neither names in pipelines nor digests nor lists in the cache."""
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.json").write_text('{"secret": 1}', "utf-8")
    (root / "link.json").symlink_to(tmp_path / "secret.json")
    (root / "eval.json").write_text('{"acc": 1}', "utf-8")
    (root / "dvc.yaml").write_text(
        f"metrics: [../secret.json, {tmp_path}/secret.json, link.json, eval.json]\nparams: [../secret.json]\n",
        "utf-8",
    )
    (root / "dvc.lock").write_text(LOCK.format(lr=1, plots="../../../secret.dir"), "utf-8")
    (found,) = read(root).values()
    assert set(found.record.metrics) == {"acc"}
    assert "secret" not in found.record.params


@pytest.mark.parametrize(
    ("lock", "names"),
    [
        ("train: {cmd: x, outs: [{path: m.pt, md5: aa}]}\n", ["train"]),
        ("schema: '2.0'\nstages: {a: {cmd: [x, y]}, b: 3}\n", ["a"]),
        ("stages: []\n", []),
        ("[1]", []),
    ],
)
def test_locks_of_all_schemas_are_understood(lock: str, names: list[str]) -> None:
    """Of DVC 1, of DVC 2 and later, and what is none."""
    assert [each.name for each in locked_stages(parse_yaml(lock))] == names


def test_templates_are_filled_in_from_the_lock() -> None:
    """`foreach` and `matrix` name files by variables."""
    text = "stages:\n  train:\n    foreach: [a, b]\n    do: {cmd: x, metrics: ['out/${item}.json']}\n"
    lock = "schema: '2.0'\nstages: {train@a: {outs: [{path: out/a.json}]}, train@b: {outs: [{path: out/b.json}]}}\n"
    pipeline = pipeline_of(parse_yaml(text), locked_stages(parse_yaml(lock)))
    assert pipeline.metrics == ("out/a.json", "out/b.json")
    assert pipeline_of(parse_yaml(PIPELINE)).metrics == ("eval.json", "dvclive/metrics.json")


@pytest.mark.client("dvc")
def test_real_experiments_are_read_as_dvc_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared with `dvc exp show --json`."""
    python = peer("dvc")
    monkeypatch.setenv("PATH", f"{python.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    root = tmp_path / "digits"
    root.mkdir()
    git(root, "init", "-q", ".")
    git(root, "config", "user.email", "a@b")
    git(root, "config", "user.name", "a")
    _dvc(root, "init", "-q")
    (root / "train.py").write_text(
        "import json\nlr = float(open('params.yaml').read().split()[1])\n"
        "json.dump({'test': {'auc': lr / 2}}, open('eval.json', 'w'))\nopen('model.pt', 'w').write('x')\n",
        "utf-8",
    )
    (root / "params.yaml").write_text("lr: 0.1\n", "utf-8")
    (root / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: python train.py\n    deps: [train.py]\n    params: [lr]\n    outs: [model.pt]\n"
        "    metrics:\n    - eval.json: {cache: true}\n", "utf-8",
    )  # fmt: skip
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "begin")
    for lr in ("0.2", "0.3"):
        _dvc(root, "exp", "run", "-q", "-S", f"lr={lr}")
    git(root, "pack-refs", "--all")
    shown = json.loads(_dvc(root, "exp", "show", "--json"))
    told: dict[str, Any] = {
        each["revs"][0]["rev"]: each["revs"][0] for base in shown for each in base["experiments"] or []
    }
    runs = {found.record.source.run_id: found for found in read(root).values()}
    assert set(runs) == set(told)
    assert len(read_refs(root / ".git", "refs/exps/")) >= 2
    for sha, rev in told.items():
        record = runs[sha].record
        assert record.name == rev["name"]
        assert record.params == rev["data"]["params"]["params.yaml"]["data"]
        assert record.metrics["test/auc"].last == rev["data"]["metrics"]["eval.json"]["data"]["test"]["auc"]
        assert {each.name: each.digest for each in record.data} == {
            name: each["hash"] for name, each in rev["data"]["deps"].items()
        }
        assert record.source.problems == ()


def _dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["dvc", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """A repository without experiments."""
    (tmp_path / "code").mkdir()
    git(tmp_path / "code", "init", "-q", ".")
    assert places(DvcSource(), tmp_path) == []


def test_params_of_the_lock_are_those_of_the_file() -> None:
    """`dvc.lock` writes keys with dots where `params.yaml` nests them; only what differs is told twice."""
    params = {"train": {"lr": 0.1, "nan": math.nan}, "prep": {"split": 0.2}}
    locked = {"prep.split": 0.2, "train": {"lr": 0.3, "nan": math.nan, "more": 1}}
    assert merged(params, [("params.yaml", locked)]) == {
        **params, "params.yaml:train.lr": 0.3, "train.more": 1
    }  # fmt: skip
