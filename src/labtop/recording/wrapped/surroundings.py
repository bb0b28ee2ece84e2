"""Records code, environment and hardware around a command, in a thread, while the command already runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from labtop.model.run import Environment
from labtop.recording.background import Job
from labtop.recording.capture.config_files import ConfigCapture, keep_config_files
from labtop.recording.facts import RunFacts
from labtop.recording.moving import Moving
from labtop.recording.surroundings import RepositoryLater, Surroundings
from labtop.recording.wrapped.interpreter import as_the_command_sees_it
from labtop.recording.wrapped.subject import describe_command, script_of
from labtop.settings import Settings
from labtop.store.layout import file_mode
from labtop.store.writers import read_writers


def capture_surroundings(
    facts: RunFacts, folder: Path, store: Path, command: Sequence[str], settings: Settings, moving: Moving
) -> None:
    """Add to the record what a command runs on; what cannot be had is said in the record.

    Arguments:
        moving: learns what to bring along, should the store go away.
        folder: of the run; `store`: the one that it belongs to, also where it is written elsewhere meanwhile.
    """
    repository = RepositoryLater()
    repository.look()
    facts.root = root = repository.top
    with facts.safely("recording the command"):
        found = describe_command(command, facts.redactor, root)
        with facts.lock:  # a launcher and ranks may be known better by now
            facts.set(command=replace(facts.record.command, cwd=found.cwd, entry_point=found.entry_point))
    with facts.safely("recording the configuration files"):
        kept = keep_config_files(command, ConfigCapture(folder, root, facts.redactor, facts.shared))
        with facts.lock:
            facts.set(command=replace(facts.record.command, config_files=kept))
    around = Surroundings(
        facts=facts,
        folder=folder,
        settings=settings,
        look=repository.look,
        script=script_of(command),
        leave_out=(folder.parent.parent, store),
    )

    def as_seen(found: Environment, home: Path) -> Environment:
        return as_the_command_sees_it(found, command, home, facts.redactor, root, file_mode(facts.shared))

    code_jobs = around.code_jobs()
    _do(facts, code_jobs[:1])  # first: it may change
    _do(facts, around.keep_environment(as_seen, lambda: not _has_joined(folder)))
    _do(facts, code_jobs[1:])
    with facts.safely("remembering code and environment"):
        around.ready_to_move(moving)[1]()
        moving.again = None  # it would be this interpreter's environment, not the command's
    facts.writer.flush()


def _do(facts: RunFacts, jobs: Iterable[Job]) -> None:
    for what, job in jobs:
        with facts.safely(what):
            job()


def _has_joined(folder: Path) -> bool:
    """Whether a program has joined by `labtop.init()`: it knows its own interpreter, packages and libraries better."""
    return any(each.role != "command" for each in read_writers(folder))
