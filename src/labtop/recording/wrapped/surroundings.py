"""Records code, environment and hardware around a command, in a thread, while the command already runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labtop.recording.background import Job, bundle_job, surroundings_jobs
from labtop.recording.capture.code import CodeCapture, capture_code
from labtop.recording.capture.config_files import ConfigCapture, keep_config_files
from labtop.recording.capture.environment import capture_environment
from labtop.recording.capture.repository import GitProblem, Repository
from labtop.recording.facts import RunFacts
from labtop.recording.wrapped.interpreter import as_the_command_sees_it
from labtop.recording.wrapped.subject import describe_command, script_of
from labtop.settings import Settings, cache_folder
from labtop.store.layout import file_mode, make_folders
from labtop.store.writers import read_writers


def capture_surroundings(
    facts: RunFacts, folder: Path, store: Path, command: Sequence[str], settings: Settings
) -> None:
    """Add to the record what a command runs on; what cannot be had is said in the record.

    Arguments:
        folder: of the run; `store`: the one that it belongs to, also where it is written elsewhere meanwhile.
    """
    mode = file_mode(facts.shared)
    repository, problem = None, None
    try:
        repository = Repository.around(Path.cwd())
    except (GitProblem, OSError) as error:
        problem = str(error)
    facts.root = root = repository.top if repository else None
    with facts.safely("recording the command"):
        found = describe_command(command, facts.redactor, root)
        with facts.lock:  # a launcher and ranks may be known better by now
            facts.set(command=replace(facts.record.command, cwd=found.cwd, entry_point=found.entry_point))
    with facts.safely("recording the configuration files"):
        kept = keep_config_files(command, ConfigCapture(folder, root, facts.redactor, facts.shared))
        with facts.lock:
            facts.set(command=replace(facts.record.command, config_files=kept))
    jobs: tuple[Job, ...] = ()
    if settings.capture_code:
        with facts.safely("recording the code"):
            make_folders(folder / "code", facts.shared)
            capture = CodeCapture(
                folder=folder / "code",
                redactor=facts.redactor,
                script=script_of(command),
                leave_out=(folder.parent.parent, store),
                keep_untracked=settings.capture_untracked,
                untracked_max_bytes=settings.untracked_max_bytes,
                bundle_cache=cache_folder() / "bundles",
                file_mode=mode,
            )
            facts.set(code=capture_code(repository, capture, problem))
            if repository is not None:
                jobs = (bundle_job(facts, repository, capture),)
    if not _has_joined(folder):
        with facts.safely("recording the environment"):
            environment = folder / "environment"
            make_folders(environment, facts.shared)
            extra = settings.environment_variables
            found_here = capture_environment(environment, facts.redactor, root, extra, mode)
            found_here = as_the_command_sees_it(found_here, command, environment, facts.redactor, root, mode)
            if not _has_joined(folder):
                facts.set(environment=found_here)
                jobs = (*surroundings_jobs(facts, environment), *jobs)
    for what, job in jobs:
        with facts.safely(what):
            job()
    facts.writer.flush()


def _has_joined(folder: Path) -> bool:
    """Whether a program has joined by `labtop.init()`: it knows its own interpreter, packages and libraries better."""
    return any(each.role != "command" for each in read_writers(folder))
