"""Code and environment of a run, taken from a repository and an interpreter into the run's folder.

What takes seconds is given back as jobs for later: a script leaves them to a thread, `labtop run` is one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.background import Job, keep_bundle, packages_job, surroundings_jobs
from labtop.recording.capture.code import capture_code
from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.environment import capture_environment, with_packages
from labtop.recording.capture.repository import GitProblem, Repository
from labtop.recording.facts import RunFacts
from labtop.recording.moving import Moving
from labtop.settings import Settings, cache_folder
from labtop.store.layout import file_mode, make_folders

Look = Callable[[], tuple[Repository | None, str | None]]
"""Gives the repository, and what git would not say."""

_SAYS_WHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CEILING_DIRECTORIES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run's code and environment are taken from, and where they go.

    `look` gives the repository, or why there is none. `leave_out`: folders that are no code, the stores themselves.
    """

    facts: RunFacts
    folder: Path
    settings: Settings
    look: Look
    script: Path | None
    leave_out: tuple[Path, ...]

    def code_jobs(self) -> tuple[Job, ...]:
        """How to record the code, if that is wanted: what may change, soon; and what takes long, after all else.

        The folder for it is made now: made by a job, it would come up again in a store that has gone away.
        """
        if not self.settings.capture_code:
            return ()
        with self.facts.safely("recording the code"):
            make_folders(self.folder / "code", self.facts.shared)
        return (
            ("recording the code", self._keep_code),
            ("keeping the commits that are on no remote", self._keep_bundle),
        )

    def _keep_code(self) -> None:
        facts = self.facts
        repository, problem = self.look()
        if not (self.folder / "code").is_dir():
            return  # the store has gone away: the code is recorded where the run goes
        found = capture_code(repository, self._capture(), problem)
        with facts.lock:
            facts.set(code=replace(found, notebook=facts.record.code.notebook))

    def _keep_bundle(self) -> None:
        repository, _ = self.look()
        if repository is not None:
            keep_bundle(self.facts, repository, self._capture())

    def _capture(self) -> CodeCapture:
        return CodeCapture(
            folder=self.folder / "code",
            redactor=self.facts.redactor,
            script=self.script,
            leave_out=self.leave_out,
            keep_untracked=self.settings.capture_untracked,
            untracked_max_bytes=self.settings.untracked_max_bytes,
            bundle_cache=cache_folder() / "bundles",
            file_mode=file_mode(self.facts.shared),
        )

    def ready_to_move(self, moving: Moving) -> Job:
        """Say how to bring all of this to another folder, should the run have to leave its own; a job for the end."""

        def again(folder: Path) -> None:
            there = replace(self, folder=folder)
            for what, job in (*there.code_jobs(), *there.keep_environment()):
                with self.facts.safely(what):
                    job()

        def bundle(folder: Path) -> None:
            make_folders(folder / "code", self.facts.shared)
            replace(self, folder=folder)._keep_bundle()

        moving.again, moving.bundle = again, bundle
        return "remembering code and environment", lambda: moving.remember(self.folder)

    def keep_environment(
        self,
        as_seen: Callable[[Environment, Path], Environment] | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> tuple[Job, ...]:
        """Record the environment; gives what is left for later.

        Arguments:
            as_seen: makes of this interpreter's environment, with its packages, that of the command, in the folder
                of its files.
            is_wanted: asked before the work and after it: somebody may know it better.
        """
        facts, folder = self.facts, self.folder / "environment"
        if not is_wanted():
            return ()
        with facts.safely("recording the environment"):
            make_folders(folder, facts.shared)
            mode, extra = file_mode(facts.shared), self.settings.environment_variables
            found = capture_environment(folder, facts.redactor, facts.root, extra, mode)
            if as_seen is not None:
                found = as_seen(with_packages(found, folder, facts.redactor, facts.root, mode), folder)
            if is_wanted():
                facts.set(environment=found)
                packages = (packages_job(facts, folder, (*sys.path,)),) if as_seen is None else ()
                return (*packages, *surroundings_jobs(facts, folder, self.settings.capture_code))
        return ()


def repository_of(folder: Path) -> tuple[Repository | None, str | None]:
    """The repository that a folder lies in, and what git would not say."""
    try:
        return Repository.around(folder), None
    except (GitProblem, OSError) as problem:
        return None, str(problem)


class RepositoryLater:
    """The repository of the working folder, asked for by whoever is first to need it: importing GitPython takes 60 ms.

    `top` is where it begins, known at once: the folder here or above that has a `.git`. Where the environment says
    something else about it, git is asked.
    """

    def __init__(self) -> None:
        self._folder = Path.cwd()
        self._lock = threading.Lock()
        self._found: tuple[Repository | None, str | None] | None = None
        self.top = self._seen() if os.environ.keys().isdisjoint(_SAYS_WHERE) else self._told()

    def look(self) -> tuple[Repository | None, str | None]:
        """The repository, and what git would not say."""
        with self._lock:
            if self._found is None:
                self._found = repository_of(self._folder)
            return self._found

    def _seen(self) -> Path | None:
        folders = (self._folder, *self._folder.parents)
        return next((each for each in folders if (each / ".git").exists()), None)

    def _told(self) -> Path | None:
        repository, _ = self.look()
        return repository.top if repository else None
