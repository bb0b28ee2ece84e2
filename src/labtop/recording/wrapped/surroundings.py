"""Records code, environment and hardware around a command, in a thread, while the command already runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labtop.recording.capture.code import CodeCapture, capture_code
from labtop.recording.capture.environment import capture_environment
from labtop.recording.capture.hardware import capture_hardware
from labtop.recording.capture.repository import GitProblem, Repository
from labtop.recording.facts import RunFacts
from labtop.recording.wrapped.subject import describe_command, script_of
from labtop.settings import Settings, cache_folder
from labtop.store.layout import file_mode, make_folders


def capture_surroundings(facts: RunFacts, folder: Path, command: Sequence[str], settings: Settings) -> None:
    """Add to the record what a command runs on; what cannot be had is said in the record."""
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
    if settings.capture_code:
        with facts.safely("recording the code"):
            make_folders(folder / "code", facts.shared)
            capture = CodeCapture(
                folder=folder / "code",
                redactor=facts.redactor,
                script=script_of(command),
                leave_out=(folder.parent.parent,),
                keep_untracked=settings.capture_untracked,
                untracked_max_bytes=settings.untracked_max_bytes,
                bundle_cache=cache_folder() / "bundles",
                file_mode=mode,
            )
            facts.set(code=capture_code(repository, capture, problem))
    with facts.safely("recording the environment"):
        make_folders(folder / "environment", facts.shared)
        extra = settings.environment_variables
        found_here = capture_environment(folder / "environment", facts.redactor, root, extra, mode)
        facts.set(environment=found_here)
    with facts.safely("recording the hardware"):
        facts.set(hardware=capture_hardware())
    facts.writer.flush()
