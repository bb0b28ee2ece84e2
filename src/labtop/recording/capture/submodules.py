"""Submodules: where each stands, and what a clone of it could not bring back."""

from __future__ import annotations

from labtop.model.run import Submodule
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import DIFF, GitProblem, Repository


def find_submodules(repository: Repository, redactor: Redactor, problems: list[str]) -> tuple[Submodule, ...]:
    """Every submodule with the commit that is checked out, or recorded where none is."""
    if not (repository.top / ".gitmodules").is_file():
        return ()
    urls = _urls(repository)
    found: list[Submodule] = []
    for entry in repository.paths("ls-files", "-z", "--stage"):
        facts, _, path = entry.partition("\t")
        mode, recorded, *_ = facts.split(" ")
        if mode == "160000":
            commit = _checked_out(repository, path, problems) or recorded
            url = urls.get(path)
            found.append(Submodule(path=redactor.text(path), commit=commit, url=url and redactor.uri(url)))
    return tuple(found)


def _urls(repository: Repository) -> dict[str, str]:
    _, out, _ = repository.run("config", "-z", "--file", ".gitmodules", "--get-regexp", r"\.(path|url)$")
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for entry in out.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        section, _, leaf = key.rpartition(".")
        (paths if leaf == "path" else urls)[section] = value
    return {path: urls[section] for section, path in paths.items() if section in urls}


def _checked_out(repository: Repository, path: str, problems: list[str]) -> str | None:
    folder = repository.top / path
    if not (folder / ".git").exists():
        problems.append(f"submodule {path} is not checked out")
        return None
    try:
        inner = Repository.around(folder)
        if inner is None:
            return None
        commit = inner.ask_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if inner.run(*DIFF, "--quiet", "HEAD")[0]:
            problems.append(f"submodule {path} has changes that are not kept")
        if inner.ask_line("rev-list", "--count", "HEAD", "--not", "--remotes") not in ("0", None):
            problems.append(f"submodule {path} is at a commit that is on no remote")
    except GitProblem as problem:
        problems.append(f"submodule {path}: {problem}")
        return None
    return commit
