"""A git bundle of the commits that are on no remote, so that a run comes back although nobody pushed.

Made once a commit: the finished bundle is kept in the user's cache and linked into each run of that commit.
A history that holds a token or a key file is not copied; the record says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.repository import GitProblem, Repository
from labtop.recording.capture.secret_names import is_surely_secret_file

if TYPE_CHECKING:
    from labtop.recording.capture.redact import Redactor

BUNDLE = "commits.bundle"
_LARGEST_BUNDLE = 20_000_000
_MOST_TEXT_SEARCHED = 100_000_000
_SEARCHED_AT_ONCE = 50_000  # bytes: training waits while a piece is searched
_UNPUSHED = ("HEAD", "--not", "--remotes")


def bundle_unpushed(
    repository: Repository, commit: str, capture: CodeCapture, problems: list[str]
) -> str | None:
    """Put the bundle into the run's `code/` and give its name; None where none is needed or none could be made."""
    count = repository.ask_line("rev-list", "--count", *_UNPUSHED)
    if count in ("0", None):
        return None
    target = capture.folder / BUNDLE
    tips = repository.ask("for-each-ref", "--format=%(objectname)", "refs/remotes")
    key = hashlib.sha256(
        f"{repository.top}\n{commit}\n{tips.decode()}".encode("utf-8", "replace")
    ).hexdigest()
    cached = capture.bundle_cache / f"{key[:32]}.bundle" if capture.bundle_cache else None
    if cached is not None and cached.is_file():
        _place(cached, target)
        return BUNDLE
    if reason := _reason_against(repository, tips, capture.redactor):
        commits = "1 commit is" if count == "1" else f"{count} commits are"
        problems.append(f"{commits} on no remote and not kept: {reason}")
        return None
    _make(repository, target, capture.file_mode)
    if repository.ask_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}") != commit:
        target.unlink()
        problems.append("commits on no remote are not kept: HEAD moved while they were read")
        return None
    if cached is not None:
        _remember(target, cached)
    return BUNDLE


def _reason_against(repository: Repository, tips: bytes, redactor: Redactor) -> str | None:
    if not tips.strip() and repository.ask_line("rev-parse", "--is-shallow-repository") == "true":
        return "the clone is shallow"
    size = repository.ask_line("rev-list", "--objects", "--disk-usage", *_UNPUSHED)
    if size is not None and size.isdigit() and int(size) > _LARGEST_BUNDLE:
        return f"they take {int(size) // 1_000_000} MB"
    names = repository.paths(
        "log", "-z", "--format=", "--name-only", "--no-renames", "--no-ext-diff", *_UNPUSHED
    )
    if named := next(filter(is_surely_secret_file, names), None):
        return f"they hold {named.strip()}, a key or credentials file by its name"
    search = _TokenSearch(redactor)
    repository.ask(
        "log", "--patch", "--format=%B", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-renames",
        "--unified=0", *_UNPUSHED, output=search,
    )  # fmt: skip
    search.finish()
    if search.size > _MOST_TEXT_SEARCHED:
        return "too much text to search it for secrets"
    return "they hold what looks like a secret" if search.found else None


class _TokenSearch:
    """A binary file that keeps nothing: it only looks for secrets in what passes through."""

    def __init__(self, redactor: Redactor) -> None:
        self.found = False
        self.size = 0
        self._redactor = redactor
        self._pending = bytearray()

    def write(self, chunk: bytes) -> int:
        """Take the next piece; whole lines are searched some at a time."""
        self.size += len(chunk)
        if not self.found and self.size <= _MOST_TEXT_SEARCHED:
            self._pending += chunk
            if len(self._pending) > _SEARCHED_AT_ONCE:
                cut = self._pending.rfind(b"\n") + 1 or len(self._pending)
                self._search(bytes(self._pending[:cut]))
                del self._pending[:cut]
        return len(chunk)

    def finish(self) -> None:
        """Search what is left."""
        self._search(bytes(self._pending))

    def _search(self, lines: bytes) -> None:
        self.found = self.found or self._redactor.holds_token(lines.decode("utf-8", "replace"))


def _make(repository: Repository, target: Path, mode: int) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        repository.ask("bundle", "create", "--quiet", str(draft.resolve()), *_UNPUSHED, timeout_s=60)
        size = draft.stat().st_size
        if size > _LARGEST_BUNDLE:
            raise GitProblem(f"commits on no remote are not kept: they take {size // 1_000_000} MB")
        draft.chmod(mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _place(source: Path, target: Path) -> None:
    """Link where the file system allows it: neither file is ever changed in place."""
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o600)


def _remember(bundle: Path, cached: Path) -> None:
    draft = cached.with_name(f".{cached.name}.{os.getpid()}.tmp")
    try:
        cached.parent.mkdir(0o700, parents=True, exist_ok=True)
        _place(bundle, draft)
        draft.replace(cached)
    except OSError:  # the cache is a convenience
        draft.unlink(missing_ok=True)
