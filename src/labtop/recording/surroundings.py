"""Code and environment of a run, taken from a repository and an interpreter into the run's folder.

What takes seconds is given back as jobs for later: a script leaves them to a thread, `labtop run` is one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.background import Job, bundle_job, packages_job, surroundings_jobs
from labtop.recording.capture.code import CodeCapture, capture_code
from labtop.recording.capture.environment import capture_environment, with_packages
from labtop.recording.capture.repository import GitProblem, Repository
from labtop.recording.facts import RunFacts
from labtop.recording.moving import Moving
from labtop.settings import Settings, cache_folder
from labtop.store.layout import file_mode, make_folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run's code and environment are taken from, and where they go.

    `problem`: why there is no repository. `leave_out`: folders that are no code, the stores themselves.
    """

    facts: RunFacts
    folder: Path
    settings: Settings
    repository: Repository | None
    problem: str | None
    script: Path | None
    leave_out: tuple[Path, ...]

    def keep_code(self) -> tuple[Job, ...]:
        """Record the code, if that is wanted; gives what is left for later."""
        facts = self.facts
        if not self.settings.capture_code:
            return ()
        with facts.safely("recording the code"):
            make_folders(self.folder / "code", facts.shared)
            capture = self._capture()
            facts.set(code=capture_code(self.repository, capture, self.problem))
            if self.repository is not None:
                return (bundle_job(facts, self.repository, capture),)
        return ()

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
            for what, job in (*there.keep_code(), *there.keep_environment()):
                with self.facts.safely(what):
                    job()

        def bundle(folder: Path) -> None:
            if self.repository is not None:
                make_folders(folder / "code", self.facts.shared)
                bundle_job(self.facts, self.repository, replace(self, folder=folder)._capture())[1]()

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
                return (*packages, *surroundings_jobs(facts, folder))
        return ()


def repository_here() -> tuple[Repository | None, str | None]:
    """The repository of the working folder, and what git would not say."""
    try:
        return Repository.around(Path.cwd()), None
    except (GitProblem, OSError) as problem:
        return None, str(problem)
