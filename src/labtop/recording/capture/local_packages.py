"""Packages installed from a folder: the state of the repository that each lies in.

An editable package is code of the run as much as the script is. What lies in the run's own repository is recorded
with it; of what lies elsewhere the commit is recorded, and whether there were changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labtop.model.run import LocalPackage
from labtop.recording.capture.code import remote_of
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import DIFF, GitProblem, Repository

_MOST = 30


def local_packages(origins: Mapping[str, str], redactor: Redactor) -> tuple[LocalPackage, ...]:
    """The editable packages outside of the run's repository, by the origins that `installed_packages` gives."""
    folders = {
        name: Path(origin.removeprefix("-e "))
        for name, origin in origins.items()
        if origin.startswith("-e /") or (origin.startswith("-e ") and Path(origin[3:]).is_absolute())
    }
    return tuple(_state(name, folder, redactor) for name, folder in list(folders.items())[:_MOST])


def _state(name: str, folder: Path, redactor: Redactor) -> LocalPackage:
    unknown = LocalPackage(name=name, path=redactor.text(str(folder)))
    try:
        repository = Repository.around(folder) if folder.is_dir() else None
        if repository is None:
            return unknown
        commit = repository.ask_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        branch = repository.ask_line("symbolic-ref", "--quiet", "--short", "HEAD")
        return LocalPackage(
            name=name,
            path=unknown.path,
            commit=commit,
            dirty=_is_dirty(repository, folder) if commit else None,
            remote=remote_of(repository.config, branch, redactor),
        )
    except (GitProblem, OSError):
        return unknown


def _is_dirty(repository: Repository, folder: Path) -> bool:
    """Whether the package's own folder differs from its commit; files that git ignores don't count."""
    where = f":(top,literal){folder.resolve().relative_to(repository.top.resolve()).as_posix()}"
    if where.endswith("literal)."):
        where = ":(top)"
    if repository.run(*DIFF, "--quiet", "HEAD", "--", where)[0]:
        return True
    return bool(repository.paths("ls-files", "-z", "--others", "--exclude-standard", "--", where))
