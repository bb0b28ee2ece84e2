"""Experiments of DVC: commits below `refs/exps`, and those that failed in its queue.

`refs/exps/<2 digits>/<rest of the baseline's hash>/<name>` names an experiment; other refs there are DVC's own. The
queue keeps those that failed as a stash, a list in the log of one ref. What waits or runs in the queue is none yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.formats.git_objects import GitObjects, read_reflog, read_refs, remote_of
from labtop.formats.json_text import read_json
from labtop.model.run import Code, Life, RunError, RunRecord, Source, Status
from labtop.sources.dvc.project import Told, read_project
from labtop.sources.dvc.tree import Cache, Commit, WithCache, blob_sha
from labtop.sources.side_files import Problems, epoch_time
from labtop.sources.source import RunRead

PREFIX = "refs/exps/"
_REF = re.compile(
    r"refs/exps/(?P<two>[0-9a-f]{2})/(?P<rest>[0-9a-f]{38}(?:[0-9a-f]{24})?)(?:/(?P<name>[^/]+))?"
)
_FAILED = "refs/exps/celery/failed"
_STASHED = re.compile(r"(?:commit: )?dvc-exp:(?P<head>[0-9a-f]+):(?P<baseline>[0-9a-f]{40,64}):(?P<name>\S*)")
_OWN_MESSAGE = re.compile(r"dvc: commit experiment [0-9a-f]+")
_MOST_TASKS = 5_000


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment by its commit."""

    sha: str
    baseline: str
    name: str
    has_failed: bool = False
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What DVC's queue kept of an experiment that it ran."""

    output: Path | None = None
    exit_code: int | None = None


def experiments(git: Path) -> dict[str, Experiment]:
    """The experiments of a repository by commit; `git` is its own folder."""
    found: dict[str, Experiment] = {}
    for ref, sha in read_refs(git, PREFIX).items():
        match = _REF.fullmatch(ref)
        if match:
            baseline = match["two"] + match["rest"]
            found[sha or ref] = Experiment(sha, baseline, match["name"] or sha[:7], ref=ref)
    for sha, message in read_reflog(git, _FAILED):
        match = _STASHED.match(message)
        if match and sha not in found:
            found[sha] = Experiment(sha, match["baseline"], match["name"] or sha[:7], has_failed=True)
    return found


def tasks(root: Path) -> dict[str, Task]:
    """What the queue kept, by the ref of the experiment that came out, or by the commit of one that failed."""
    found: dict[str, Task] = {}
    folder = root / ".dvc" / "tmp" / "exps" / "run"
    try:
        names = sorted(each.name for each in folder.iterdir() if re.fullmatch(r"[0-9a-f]{40,64}", each.name))
    except OSError:
        return {}
    for name in names[:_MOST_TASKS]:
        output = folder / name / f"{name}.out"
        told = _mapping(folder / name / f"{name}.run")
        code = _mapping(folder / name / f"{name}.json").get("returncode")
        task = Task(
            output=output if output.is_file() and not output.is_symlink() else None,
            exit_code=code if type(code) is int else None,
        )
        found[name] = task
        if isinstance(told.get("result_ref"), str):
            found[told["result_ref"]] = task
    return found


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        value = read_json(path, 2**20)
    except (OSError, InputError):
        return {}
    return value if isinstance(value, dict) else {}


def read_experiment(
    root: Path, git: Path, objects: GitObjects, experiment: Experiment, known: Mapping[str, Task]
) -> RunRead:
    """Read an experiment; `root` is the folder of the repository. Damage is told in the record."""
    if not experiment.sha:
        return _without_commit(root, experiment)
    problems = Problems()
    told, made_at, message, uris = Told(), None, "", {}
    folder = None
    try:
        commit = objects.commit(experiment.sha)
        made_at, message = commit.time_s, commit.message
        files = Commit(objects, objects.files(commit.tree))
        before = _before(objects, experiment.baseline)
        whole = WithCache(files, Cache(root), problems)
        told = read_project(
            whole,
            problems,
            with_metrics=True,
            is_new=lambda live: _differs(files, before, f"{live}/"),
            has_failed=experiment.has_failed,
        )
        uris = whole.uris()
        folder = _same_folder(root, files, told) if not experiment.has_failed else None
    except InputError as error:
        problems.add(error.message)
    task = known.get(experiment.ref) or known.get(experiment.sha) or Task()
    times = [curve.times_us[0] for curve in told.curves.values() if len(curve) and curve.times_us[0] > 0]
    record = RunRecord(
        id="",
        name=experiment.name,
        project=root.name if root.name != ".git" else "",
        status=Status.FAILED if experiment.has_failed else Status.FINISHED,
        started_at=epoch_time(min(times) / 1e6) if times else None,
        ended_at=epoch_time(made_at) if not experiment.has_failed else None,
        params=told.params,
        metrics=told.metrics,
        summary=told.summary,
        life=Life(
            group=experiment.baseline[:7],
            parent_id=f"dvc:{experiment.baseline}",
            notes="" if experiment.has_failed or _OWN_MESSAGE.fullmatch(message) else message,
            exit_code=task.exit_code,
            error=RunError(message="experiment failed in DVC's queue") if experiment.has_failed else None,
        ),
        code=Code(commit=experiment.sha, remote=remote_of(git), dirty=False),
        artifacts=tuple(told.rich),
    )
    record = told.add_to(record, root, uris)
    source = Source(tracker="dvc", uri=str(root), run_id=experiment.sha, problems=problems.all())
    return RunRead(
        key=experiment.sha,
        record=replace(record, source=source),
        identity=f"dvc:{experiment.sha}",
        curves=told.curves,
        folder=folder,
        last_write=float(made_at) if made_at is not None else None,
        output=task.output,
    )


def _without_commit(root: Path, experiment: Experiment) -> RunRead:
    """What is left of an experiment whose ref was damaged: its name."""
    problem = f"{experiment.ref} names no commit: it is damaged"
    record = RunRecord(
        id="",
        name=experiment.name,
        project=root.name if root.name != ".git" else "",
        status=Status.UNKNOWN,
        life=Life(group=experiment.baseline[:7], parent_id=f"dvc:{experiment.baseline}"),
        source=Source(tracker="dvc", uri=str(root), problems=(problem,)),
    )
    return RunRead(key=experiment.ref, record=record)


def _before(objects: GitObjects, baseline: str) -> Mapping[str, Any]:
    try:
        return objects.files(objects.commit(baseline).tree)
    except InputError:  # of a shallow clone
        return {}


def _differs(files: Commit, before: Mapping[str, Any], prefix: str) -> bool:
    """Whether anything below a prefix is not as it was in the commit before."""
    now = {path: entry for path, entry in files.entries.items() if path.startswith(prefix)}
    return any(before.get(path) != entry for path, entry in now.items()) or not now


def _same_folder(root: Path, files: Commit, told: Told) -> Path | None:
    """The folder of DVCLive in the workspace where it still holds what this experiment wrote: that is the same run.

    Where a commit has several, it is not known which of them is the experiment's own.
    """
    for live in told.lives if len(told.lives) == 1 else ():
        path = f"{live}/metrics.json"
        entry = files.entries.get(path)
        if (
            entry is not None
            and _sha_of(root / path, len(entry.sha)) == entry.sha
            and _same_lock(root, files)
        ):
            return root / live
    return None


def _same_lock(root: Path, files: Commit) -> bool:
    """Whether the workspace's `dvc.lock` is that of the experiment, or neither has one."""
    entry = files.entries.get("dvc.lock")
    return _sha_of(root / "dvc.lock", len(entry.sha) if entry else 40) == (entry.sha if entry else None)


def _sha_of(path: Path, width: int) -> str | None:
    try:
        return None if path.is_symlink() else blob_sha(read_bytes(path), width)
    except (OSError, InputError):
        return None


def is_workspace(root: Path, objects: GitObjects, experiment: Experiment, paths: list[str]) -> bool:
    """Whether files of the workspace are those that an experiment wrote."""
    if not experiment.sha:
        return False
    try:
        entries = objects.files(objects.commit(experiment.sha).tree)
    except InputError:
        return False
    there = [path for path in [*paths, "dvc.lock"] if path in entries]
    return bool(there) and all(
        _sha_of(root / path, len(entries[path].sha)) == entries[path].sha for path in there
    )
