"""The code that ran: commit, patch, untracked files, submodules and a bundle of what no remote has.

Nothing here changes the repository, and nothing that fails stops a run: what could not be had is said in
`Code.problem`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from labtop.model.run import Code
from labtop.recording.capture.bundle import bundle_unpushed
from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.lfs import tell_unfetched
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import DIFF, GitProblem, Repository
from labtop.recording.capture.secret_names import is_secret_file
from labtop.recording.capture.submodules import find_submodules
from labtop.recording.capture.untracked import keep_files

PATCH = "patch.diff"
_LARGEST_CHANGED_FILE = 20_000_000
_LARGEST_PATCH = 50_000_000
_BINARY_HUNK = re.compile(
    r"^GIT binary patch\n(?:(?:literal|delta) \d+\n(?:[A-Za-z][^\n]+\n)*\n)+", re.MULTILINE
)


def capture_code(repository: Repository | None, capture: CodeCapture, problem: str | None = None) -> Code:
    """Record the code of a run; without a repository (`problem` says why), the script that was started.

    The bundle takes longest, never changes and is not among it: `with_bundle` adds it.
    """
    problems: list[str] = [problem] if problem else []
    code = _script_alone(capture, problems) if repository is None else _of(repository, capture, problems)
    return replace(code, problem=capture.redactor.text("; ".join(problems)) or None)


def with_bundle(code: Code, repository: Repository, capture: CodeCapture) -> Code:
    """The same code with a bundle of the commits that are on no remote, or the reason why there is none."""
    if code.commit is None:
        return code
    problems: list[str] = []
    bundle = None
    try:
        bundle = bundle_unpushed(repository, code.commit, capture, problems)
    except (GitProblem, OSError) as problem:
        problems.append(str(problem))
    said = (code.problem, *map(capture.redactor.text, problems))
    return replace(code, bundle=bundle, problem="; ".join(filter(None, said)) or None)


def _script_alone(capture: CodeCapture, problems: list[str]) -> Code:
    if not problems:
        problems.append("not in a git repository")
    if capture.script is None or not capture.script.is_file():
        return Code()
    return Code(untracked=keep_files(capture.script.parent, [capture.script.name], capture, problems))


def _of(repository: Repository, capture: CodeCapture, problems: list[str]) -> Code:
    text = capture.redactor.text
    commit = repository.ask_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    branch = repository.ask_line("symbolic-ref", "--quiet", "--short", "HEAD")
    remote = remote_of(repository.config, branch, capture.redactor)
    code = Code(commit=commit, branch=text(branch) if branch else None, remote=remote)
    listed = ["ls-files", "-z", "--others", "--exclude-standard"]
    if commit is None:
        problems.append("the repository has no commit yet; its files are listed as untracked")
        listed.append("--cached")
    else:
        try:
            changed, digest = _patch(repository, capture, problems)
            code = replace(code, dirty=changed, patch_sha256=digest)
            code = replace(code, submodules=find_submodules(repository, capture.redactor, problems))
            tell_unfetched(repository, problems)
        except (GitProblem, OSError) as problem:
            problems.append(str(problem))
    if capture.keep_untracked:
        try:
            paths = _outside(repository.top, repository.paths(*listed), capture.leave_out)
            code = replace(code, untracked=keep_files(repository.top, paths, capture, problems))
        except (GitProblem, OSError) as problem:
            problems.append(str(problem))
    return code


def remote_of(config: Mapping[str, str], branch: str | None, redactor: Redactor) -> str | None:
    """The URL of the branch's own remote, of origin, or of the first there is; without credentials."""
    urls = {
        key.removeprefix("remote.").removesuffix(".url"): url
        for key, url in config.items()
        if key.startswith("remote.") and url
    }
    own = config.get(f"branch.{branch}.remote", "")
    chosen = urls.get(own) or urls.get("origin") or next(iter(urls.values()), None)
    return redactor.uri(chosen) if chosen else None


def _patch(repository: Repository, capture: CodeCapture, problems: list[str]) -> tuple[bool, str | None]:
    """Write what differs from HEAD into the run; whether anything does, and the hash of the patch."""
    changed = repository.paths(*DIFF, "--name-only", "-z", "HEAD")
    changed = list(_outside(repository.top, changed, capture.leave_out))
    wanted = [path for path in changed if _may_be_in_patch(repository.top, path, problems)]
    if not wanted:
        return bool(changed), None
    # few paths are named, many are given by what to leave out: a command line has an end
    left_out = {*changed} - {*wanted}
    store = [
        f":(top,exclude,literal){each.as_posix()}" for each in _inside(repository.top, capture.leave_out)
    ]
    paths = [f":(top,exclude,literal){path}" for path in sorted(left_out)]
    patch = _without_secrets(repository, [":(top)", *store, *paths], capture.redactor, problems)
    if len(patch) > _LARGEST_PATCH:
        problems.append(f"the changes are too large to keep ({len(patch)} bytes)")
        return True, None
    write_file(capture.folder / PATCH, patch, capture.file_mode)
    return True, hashlib.sha256(patch).hexdigest()


def _without_secrets(
    repository: Repository, paths: list[str], redactor: Redactor, problems: list[str]
) -> bytes:
    """The patch with secrets taken out: of added lines only, where less context lets it still apply."""
    tried: list[tuple[str, str]] = []
    for context in (3, 2, 1):
        patch = repository.ask(*DIFF, f"--unified={context}", "--binary", "HEAD", "--", *paths)
        if len(patch) > _LARGEST_PATCH:
            return patch
        text = patch.decode("utf-8", "surrogateescape")
        clean = _redacted_patch(text, redactor)
        # "@@ … @@" quotes a line for people; git does not look at it
        pairs = zip(text.split("\n"), clean.split("\n"), strict=False)
        lines = [old for old, new in pairs if old != new and not old.startswith("@@")]
        said = f"secrets were taken out of {len(lines)} lines of the patch" if lines else ""
        tried.append((clean, said))
        if text.count("\n") == clean.count("\n") and all(line.startswith("+") for line in lines):
            break
    else:
        tried[1:] = []
        tried.append((tried[0][0], f"{tried[0][1]}, which may not apply because of it"))
    clean, said = tried[-1]
    if said:
        problems.append(said)
    return clean.encode("utf-8", "surrogateescape")


def _redacted_patch(text: str, redactor: Redactor) -> str:
    """Text hunks without secrets; in the encoded bytes of binary ones anything may look like one by chance."""
    parts: list[str] = []
    at = 0
    for binary in _BINARY_HUNK.finditer(text):
        parts += (redactor.source(text[at : binary.start()]), binary[0])
        at = binary.end()
    return "".join((*parts, redactor.source(text[at:])))


def _may_be_in_patch(top: Path, path: str, problems: list[str]) -> bool:
    if is_secret_file(path):
        problems.append(f"{path} changed and is not in the patch: a key or credentials file by its name")
        return False
    try:
        size = (top / path).lstat().st_size
    except OSError:
        return True  # removed, which the patch says
    if size > _LARGEST_CHANGED_FILE:
        problems.append(f"{path} changed and is not in the patch: {size} bytes")
    return size <= _LARGEST_CHANGED_FILE


def _inside(top: Path, folders: Iterable[Path]) -> list[Path]:
    resolved = (folder.resolve() for folder in folders)
    return [each.relative_to(top) for each in resolved if each != top and each.is_relative_to(top)]


def _outside(top: Path, paths: Iterable[str], folders: Iterable[Path]) -> Iterable[str]:
    """The paths that lie in none of the folders."""
    prefixes = tuple(f"{each.as_posix()}/" for each in _inside(top, folders))
    return [path for path in paths if not path.startswith(prefixes)] if prefixes else list(paths)
