"""DVC projects: experiments in git, and the workspace where a pipeline left metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.formats.git_objects import is_git_folder, open_objects
from labtop.sources.dvc.experiments import experiments, is_workspace, read_experiment, tasks
from labtop.sources.dvc.workspace import FILES, KEY, metric_files, read_workspace
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_PACKED = b" refs/exps/"


class DvcSource:
    """Reads experiments of DVC with plain git, and `dvc.yaml` with `dvc.lock` and the metrics that they name."""

    tracker = "dvc"
    reads = "DVC experiments (refs/exps in git), and metrics named by dvc.yaml with the stages of dvc.lock"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A repository with experiments, bare or with files; or a folder with a pipeline."""
        here = listing.folder
        if "dvc.yaml" in listing.files or ".git" in listing.folders or "refs" in listing.folders:
            git = _git_folder(here)
            if "dvc.yaml" in listing.files or (git is not None and _has_experiments(git)):
                yield Place(here)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The experiments by their commits, and the workspace where it has metrics of its own."""
        git = _git_folder(place)
        found = experiments(git) if git is not None else {}
        beside = stamp(place / ".dvc/cache/files/md5", place / ".dvc/tmp/exps/run", place / "dvc.lock")
        lives = stamp(place / "dvclive/metrics.json")
        for sha in found:
            yield RunRef(sha, f"{sha}|{beside}|{lives}", 10_000)
        paths = metric_files(place)
        if paths:
            known = hashlib.sha256(" ".join(sorted(found)).encode()).hexdigest()[:16]
            yield RunRef(KEY, f"{known}|{stamp(*(place / each for each in (*FILES, *paths)))}", 10_000)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs. A workspace that is as an experiment left it is that experiment, and no run of its own."""
        git = _git_folder(place)
        found = experiments(git) if git is not None else {}
        known = tasks(place) if found else {}
        with open_objects(git or place / ".git") as objects:
            for ref in refs:
                if ref.key == KEY:
                    paths = metric_files(place)
                    if paths and not any(
                        is_workspace(place, objects, each, paths) for each in found.values()
                    ):
                        yield read_workspace(place, paths)
                elif git is not None and ref.key in found:
                    yield read_experiment(place, git, objects, found[ref.key], known)


def _git_folder(folder: Path) -> Path | None:
    """The repository's own folder. One that is elsewhere, as of a worktree, is not followed."""
    inner = folder / ".git"
    if inner.is_dir() and not inner.is_symlink():
        return inner if is_git_folder(inner) else None
    return folder if is_git_folder(folder) else None


def _has_experiments(git: Path) -> bool:
    if (git / "refs" / "exps").is_dir():
        return True
    try:
        return _PACKED in read_bytes(git / "packed-refs")
    except (OSError, InputError):
        return False
