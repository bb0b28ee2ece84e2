"""Runs git where running it is safe: read-only questions to the user's own clone, anything in a scratch repository.

The scratch repository is labtop's own: its configuration is empty, so no filter, hook, monitor or external diff of
anyone runs; it borrows the objects of the user's clone and of a run's bundle, and writes only to itself.
GitPython is not used here because it cannot take inherited GIT_ variables away from the git it starts.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labtop.errors import InputError

TIMEOUT_S = 60
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST_HEADER = 1 << 20
_NO_CONFIG = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "",
}


class GitError(InputError):
    """git is not there, or said no."""


def is_commit(text: str | None) -> bool:
    """Whether a text is the full hexadecimal name of a commit, and so safe to hand to git."""
    return text is not None and _COMMIT.fullmatch(text) is not None


def run_git(
    arguments: Sequence[str],
    folder: Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """What git prints. Nothing of the caller's GIT_ variables reaches it, and it never asks or waits for anyone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
    command = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=stdin,
            capture_output=True,
            env={**inherited, **settings, **(environment or {})},
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed" if folder.is_dir() else f"{folder} is not there") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} took more than {TIMEOUT_S} s") from error
    except OSError as error:
        raise GitError(f"git cannot be run: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(said[-1] if said else f"git {arguments[0]} failed")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Clone:
    """The user's own clone: only ever asked what it has."""

    root: Path
    objects: Path

    def has(self, commit: str) -> bool:
        """Whether the clone holds a commit, reachable or not."""
        if not is_commit(commit):
            return False
        try:
            run_git(["cat-file", "-e", f"{commit}^{{commit}}"], self.root)
        except GitError:
            return False
        return True


def find_clone(here: Path) -> Clone | None:
    """The clone that a folder lies in."""
    try:
        asked = run_git(["rev-parse", "--show-toplevel", "--git-path", "objects"], here)
    except GitError:
        return None
    root, _, objects = os.fsdecode(asked).strip("\n").partition("\n")
    if not root or "\n" in objects:
        return None
    return Clone(Path(root), (here / objects).resolve())


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file of commits, by its header: what it brings and what must be there before."""

    path: Path
    heads: Mapping[str, str]  # ref → commit
    prerequisites: tuple[str, ...]

    def ref_of(self, commit: str) -> str | None:
        """The ref that names a commit."""
        return next((ref for ref, found in self.heads.items() if found == commit), None)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's header, which is text. Raises GitError where it is none."""
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST_HEADER)
    except OSError as error:
        raise GitError(f"the bundle cannot be read: {error.strerror}") from error
    lines = head.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
    if not lines[0].startswith("# v") or not lines[0].endswith("git bundle"):
        raise GitError(f"{path.name} is no git bundle")
    heads: dict[str, str] = {}
    before: list[str] = []
    for line in lines[1:]:
        if line.startswith("-") and is_commit(commit := line[1:].split(" ", 1)[0]):
            before.append(commit)
        elif is_commit(commit := line.partition(" ")[0]) and _is_ref(ref := line.partition(" ")[2]):
            heads[ref] = commit
    return Bundle(path, heads, tuple(before))


def _is_ref(text: str) -> bool:
    return text == "HEAD" or (re.fullmatch(r"refs/[\w./-]+", text) is not None and ".." not in text)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A bare repository of labtop's own in a temporary folder."""

    folder: Path

    def git(self, arguments: Sequence[str], stdin: bytes = b"", index: str = "index") -> bytes:
        """Run git in it; `index` names an index file of its own."""
        environment = {**_NO_CONFIG, "GIT_INDEX_FILE": str(self.folder / index), "HOME": str(self.folder)}
        return run_git([f"--git-dir={self.folder}", *arguments], self.folder, stdin, environment)

    def has(self, commit: str) -> bool:
        """Whether the tree of a commit can be read."""
        try:
            self.git(["cat-file", "-e", f"{commit}^{{tree}}"])
        except GitError:
            return False
        return True

    def take(self, bundle: Bundle) -> None:
        """Take a bundle's commits in. Raises GitError where what they build on is not there."""
        for commit in bundle.prerequisites:  # git wants them reachable, not only there
            self.git(["update-ref", f"refs/labtop/{commit}", commit])
        self.git(["bundle", "unbundle", str(bundle.path)])

    def tree(
        self, commit: str, patch: Path | None, files: Mapping[str, tuple[Path, bool]], index: str = "index"
    ) -> str:
        """The tree of a commit with a patch applied and files added (path → file and whether it is executable).

        Raises GitError where the patch does not apply, InputError where a path would leave the tree.
        """
        self.git(["read-tree", commit], index=index)
        if patch is not None:
            # in the index alone, which git keeps inside the tree; --unsafe-paths is never given
            self.git(["apply", "--cached", "--binary", "--whitespace=nowarn", str(patch)], index=index)
        for path, (file, is_executable) in files.items():
            check_path(path)
            blob = self.git(["hash-object", "-w", "--no-filters", "--", str(file)]).decode().strip()
            mode = "100755" if is_executable else "100644"
            self.git(
                ["update-index", "--add", "--replace", "--cacheinfo", f"{mode},{blob},{path}"], index=index
            )
        return self.git(["write-tree"], index=index).decode().strip()

    def diff(self, before: str, after: str) -> str:
        """The unified diff between two trees."""
        options = ["--no-ext-diff", "--no-textconv", "--no-color", "--find-renames"]
        return self.git(["diff-tree", "-p", *options, before, after]).decode("utf-8", "replace")


@contextmanager
def scratch_repository(clone: Clone | None = None, object_format: str = "sha1") -> Iterator[Scratch]:
    """A repository that lives as long as the block, and may read the objects of the user's clone."""
    with tempfile.TemporaryDirectory(prefix="labtop-") as name:
        folder = Path(name)
        environment = {**_NO_CONFIG, "HOME": name}
        run_git(
            ["init", "-q", "--bare", "--template=", f"--object-format={object_format}", "."],
            folder,
            b"",
            environment,
        )
        if clone is not None and "\n" not in str(clone.objects):
            alternates = folder / "objects" / "info" / "alternates"
            alternates.parent.mkdir(exist_ok=True)
            alternates.write_bytes(os.fsencode(clone.objects) + b"\n")
        yield Scratch(folder)


def check_path(path: str) -> None:
    """Refuse a recorded path that leaves the tree or reaches into `.git`. Raises InputError."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\0" in path or ".." in parts:
        raise InputError(f"{path!r} is no path inside a tree")
    if any(part.lower().rstrip(". ") == ".git" or part.lower().startswith("git~") for part in parts):
        raise InputError(f"{path!r} reaches into .git")


_URL = re.compile(r"(?:https?|ssh|git|git\+ssh)://[^\s\x00-\x1f-][^\s\x00-\x1f]*")
_SCP = re.compile(r"(?:[\w.-]+@)?[A-Za-z0-9][\w.-]*:(?!:)[^\s\x00-\x1f:-][^\s\x00-\x1f]*")
_LOCAL = re.compile(r"(?:file://)?/[^\x00-\x1f]*")


def is_safe_remote(url: str | None) -> bool:
    """Whether git may be told to clone from a recorded address: known schemes, no `ext::`, nothing like an option."""
    if not url or url.startswith("-") or "::" in url or not url.isprintable():
        return False
    forms = (_URL, _LOCAL) if "://" in url else (_SCP, _LOCAL)
    return any(form.fullmatch(url) for form in forms)
