"""Writes repositories with experiments as DVC does: commits below `refs/exps`, a stash of failed ones, a cache."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PIPELINE = """
stages:
  train:
    cmd: python train.py
    deps: [data.csv]
    params: [lr]
    outs: [model.pt]
    metrics:
    - eval.json: {cache: false}
    - dvclive/metrics.json: {cache: false}
"""
LOCK = """
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {{path: data.csv, hash: md5, md5: 0123456789abcdef0123456789abcdef, size: 12}}
    params: {{params.yaml: {{lr: {lr}}}}}
    outs:
    - {{path: model.pt, hash: md5, md5: fedcba9876543210fedcba9876543210, size: 7}}
    - {{path: dvclive/plots/metrics, hash: md5, md5: {plots}, nfiles: 1, size: 30}}
"""


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """What git prints, run without anybody's configuration."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {
        **inherited,
        **who,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_COMMITTER_DATE": "1767323045 +0100",
    }
    command = ["git", "-c", "commit.gpgsign=false", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def cache(root: Path, content: bytes, suffix: str = "") -> str:
    """Put a file into DVC's cache; gives its digest."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    path = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


class Project:
    """A repository with a pipeline, committed once: the baseline of its experiments."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        git(root, "init", "-q", "-b", "main", ".")
        self.write({"dvc.yaml": PIPELINE, "params.yaml": "lr: 0.1\nname: é\n", "data.csv": "a,b\n"})
        self.baseline = self._commit("begin")

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the workspace."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, "utf-8")

    def _commit(self, message: str) -> str:
        git(self.root, "add", "-A", "-f", ":!.dvc")
        git(self.root, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def experiment(self, name: str, lr: float, points: str | None = None, message: str = "") -> str:
        """An experiment with a metric in git and points in the cache (or in git); gives its commit."""
        table = (
            f"timestamp\tstep\tloss\n1767323000000\t0\t{lr}\n1767323001000\t1\tnan\n"
            if points is None
            else points
        )
        listed = [{"md5": cache(self.root, table.encode()), "relpath": "train/loss.tsv"}]
        self.write(
            {
                "params.yaml": f"lr: {lr}\nname: é\n",
                "eval.json": json.dumps({"test": {"auc": 0.5 + lr}, "bad": "inf"}),
                "dvclive/metrics.json": json.dumps({"train": {"loss": lr}, "only": 3, "step": 1}),
                "dvc.lock": LOCK.format(lr=lr, plots=cache(self.root, json.dumps(listed).encode(), ".dir")),
            }
        )
        sha = self._commit(message or f"dvc: commit experiment {'0' * 64}")
        git(self.root, "update-ref", f"refs/exps/{self.baseline[:2]}/{self.baseline[2:]}/{name}", sha)
        git(self.root, "reset", "-q", "--hard", self.baseline)
        return sha

    def failed(self, name: str, lr: float) -> str:
        """An experiment that failed in the queue; gives its commit."""
        self.write({"params.yaml": f"lr: {lr}\n"})
        message = f"dvc-exp:{self.baseline}:{self.baseline}:{name}"
        sha = self._commit(message)
        git(
            self.root,
            "update-ref",
            "--create-reflog",
            "-m",
            f"commit: {message}",
            "refs/exps/celery/failed",
            sha,
        )
        git(self.root, "reset", "-q", "--hard", self.baseline)
        folder = self.root / ".dvc/tmp/exps/run" / sha
        folder.mkdir(parents=True)
        (folder / f"{sha}.out").write_text("boom\n", "utf-8")
        (folder / f"{sha}.json").write_text('{"pid": 1, "returncode": 255}', "utf-8")
        return sha
