"""What takes too long to be waited for when a run begins is found out in a thread, while training already goes on.

The thread only adds facts that do not change meanwhile. The end of a run waits for it; a process that is killed before
loses those facts and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from labtop.errors import LabtopError
from labtop.model.run import Hardware
from labtop.recording.capture.code import with_bundle
from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.numeric_libraries import with_library_facts
from labtop.recording.capture.repository import Repository
from labtop.recording.facts import RunFacts
from labtop.recording.rehearsal import rehearse_end
from labtop.store.layout import file_mode

Job = tuple[str, Callable[[], None]]
"""What is done, in words, and how."""


class Background:
    """One thread that does a run's jobs in turn."""

    def __init__(self, facts: RunFacts, jobs: Sequence[Job]) -> None:
        self._facts = facts
        self._jobs = tuple(jobs)
        self._done = 0
        self._is_awaited = False
        self._failed: LabtopError | None = None
        self._thread = threading.Thread(target=self._work, name="labtop-capture", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for what is left to do, and not longer; whether everything is done."""
        self._is_awaited = True
        if self._thread.ident is None:  # the run did not even begin
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def undone(self) -> tuple[str, ...]:
        """What was not done yet, in words."""
        return tuple(what for what, _ in self._jobs[self._done :])

    def tell_failure(self) -> None:
        """Raise what a job raised, which only happens if strict."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def _work(self) -> None:
        for what, job in self._jobs:
            try:
                with self._facts.safely(what):
                    job()
                self._done += 1
            except LabtopError as error:  # strict: the end of the run raises it
                self._failed = error
                return
        if not self._is_awaited:
            with self._facts.safely("getting ready for the end"):
                rehearse_end()


def surroundings_jobs(facts: RunFacts, environment_folder: Path, asks_git: bool) -> tuple[Job, ...]:
    """The jobs of a run that has recorded its environment: hardware, repositories of packages, drift from the lock."""
    packages: Job = ("recording the packages' repositories", partial(_keep_local_packages, facts))
    return (
        ("recording the hardware", partial(_keep_hardware, facts)),
        *((packages,) if asks_git else ()),
        ("comparing with the lock file", partial(_keep_differences, facts, environment_folder)),
    )


def packages_job(facts: RunFacts, environment_folder: Path, path: Sequence[str]) -> Job:
    """The job of a script that has recorded the rest of its environment: reading what is installed takes 60 ms."""

    def keep() -> None:
        from labtop.recording.capture.environment import with_packages

        mode = file_mode(facts.shared)
        found = with_packages(
            facts.record.environment, environment_folder, facts.redactor, facts.root, mode, path
        )
        with facts.lock:
            facts.set(environment=found)

    return "recording the packages", keep


def keep_bundle(facts: RunFacts, repository: Repository, capture: CodeCapture) -> None:
    """Of a run that has recorded its code, keep the commits that are on no remote. Searching them takes seconds."""
    found = with_bundle(facts.record.code, repository, capture)
    with facts.lock:
        facts.set(code=replace(found, notebook=facts.record.code.notebook))


def _keep_hardware(facts: RunFacts) -> None:
    found = _hardware()
    with facts.lock:
        facts.set(hardware=with_library_facts(found, facts.record.environment.packages))


@cache
def _hardware() -> Hardware:
    """A machine does not change while a process lives; asking its GPUs takes a while."""
    from labtop.recording.capture.hardware import capture_hardware  # loaded in the thread, as below

    return capture_hardware()


def _keep_local_packages(facts: RunFacts) -> None:
    from labtop.recording.capture.local_packages import local_packages

    if found := local_packages(facts.record.environment.origins, facts.redactor):
        with facts.lock:
            facts.set(environment=replace(facts.record.environment, local_packages=found))


def _keep_differences(facts: RunFacts, folder: Path) -> None:
    from labtop.recording.capture.lock_differences import lock_differences

    if lines := lock_differences(facts.record.environment, folder, facts.root):
        with facts.lock:
            facts.set(environment=replace(facts.record.environment, lock_differs=lines))
