"""Reads objects and refs of git repositories of strangers without letting them run anything.

A repository's configuration may name programs for git to start. So git never sees it: it runs in an empty repository of
labtop's own that only borrows the folder of objects, and refs are read from their files here. Nothing is written,
fetched or looked up in the network, and objects that a partial clone lacks are missing.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from labtop.errors import InputError
from labtop.formats.files import open_regular, read_bytes

SILENT_S = 20.0
"""How long git may take for one object."""
MOST_BYTES = 64 * 2**20
_MOST_ALLOCATED = "256m"
_MOST_REFS = 100_000
_MOST_ENTRIES = 200_000
_DEEPEST = 40
_SHA = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PACKED = re.compile(rb"^(?P<sha>[0-9a-f]{40}(?:[0-9a-f]{24})?) (?P<ref>refs/[^\s]+)$", re.MULTILINE)


class Entry(NamedTuple):
    """A file in a tree."""

    mode: str
    sha: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file: no link and no submodule."""
        return self.mode.startswith("100")


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says; `time_s` is when it was made, seconds since the epoch."""

    tree: str
    parents: tuple[str, ...] = ()
    time_s: int | None = None
    message: str = ""


def is_git_folder(folder: Path) -> bool:
    """Whether a folder is a repository's own: `.git`, or a bare one."""
    return (folder / "objects").is_dir() and (folder / "refs").is_dir() and (folder / "HEAD").is_file()


def read_refs(git: Path, prefix: str) -> dict[str, str]:
    """Refs below a prefix like "refs/exps/" with the commits that they name: packed ones, and over them loose ones.

    A ref that names none, such as the empty file that a crash leaves, has an empty text.

    Raises:
        PermissionError: a folder of them may not be listed.
    """
    refs: dict[str, str] = {}
    try:
        for found in _PACKED.finditer(read_bytes(git / "packed-refs")):
            name = found["ref"].decode("utf-8", "replace")
            if name.startswith(prefix) and len(refs) < _MOST_REFS:
                refs[name] = found["sha"].decode()
    except (OSError, InputError):
        pass
    for name, path in _loose(git / prefix.rstrip("/"), prefix.rstrip("/"), 0):
        try:
            content = read_bytes(path, 4096).strip()
        except (OSError, InputError):
            continue
        if len(refs) < _MOST_REFS:
            refs[name] = content.decode() if _SHA.fullmatch(content) else refs.get(name, "")
    return refs


def _loose(folder: Path, name: str, depth: int) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            there = sorted(entries, key=lambda each: each.name)
    except PermissionError:
        raise  # else experiments that nobody may see would look like none
    except OSError:
        return
    for each in there:
        if each.is_dir(follow_symlinks=False) and depth < _DEEPEST:
            yield from _loose(folder / each.name, f"{name}/{each.name}", depth + 1)
        elif each.is_file(follow_symlinks=False) and not each.name.endswith(".lock"):
            yield f"{name}/{each.name}", folder / each.name


def read_reflog(git: Path, ref: str) -> list[tuple[str, str]]:
    """What a ref has named, oldest first, each with its message. A stash is such a list."""
    found = []
    try:
        lines = read_bytes(git / "logs" / ref).decode("utf-8", "replace").splitlines()
    except (OSError, InputError):
        return []
    for line in lines[-_MOST_REFS:]:
        head, _, message = line.partition("\t")
        parts = head.split(" ")
        if len(parts) > 2 and _SHA.fullmatch(parts[1].encode()):
            found.append((parts[1], message))
    return found


class GitObjects:
    """Objects of a repository, by their hashes. Made by `open_objects`."""

    def __init__(self, start: list[str], environment: Mapping[str, str], folder: Path, objects: Path) -> None:
        self._start = start
        self._environment = environment
        self._folder = folder
        self._objects = objects
        self._process: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, dict[str, Entry]] = {}

    def commit(self, sha: str) -> Commit:
        """A commit. Raises InputError."""
        kind, content = self.read(sha)
        if kind != "commit":
            raise InputError(f"{sha[:10]} is a {kind} and no commit")
        head, _, message = content.decode("utf-8", "replace").partition("\n\n")
        fields: dict[str, list[str]] = {}
        for line in head.split("\n"):
            name, _, value = line.partition(" ")
            fields.setdefault(name, []).append(value)
        time = re.search(r"> (-?\d{1,12}) [+-]\d{4}$", fields.get("committer", [""])[0])
        return Commit(
            tree=fields.get("tree", [""])[0],
            parents=tuple(fields.get("parent", ())),
            time_s=int(time[1]) if time else None,
            message=message.strip(),
        )

    def files(self, tree: str, prefix: str = "", depth: int = 0) -> dict[str, Entry]:
        """All files of a tree by path; no more, and no deeper, than a limit. Raises InputError."""
        known = self._trees.get(tree)
        if known is None:
            known = self._trees[tree] = self._below(tree, depth)
        return {prefix + path: entry for path, entry in known.items()} if prefix else known

    def _below(self, tree: str, depth: int) -> dict[str, Entry]:
        kind, content = self.read(tree)
        if kind != "tree":
            raise InputError(f"{tree[:10]} is a {kind} and no tree")
        found: dict[str, Entry] = {}
        for mode, name, sha in _tree_entries(content, len(tree) // 2):
            if mode != "40000":
                found[name] = Entry(mode, sha)
            elif depth < _DEEPEST:
                found.update(self.files(sha, f"{name}/", depth + 1))
            if len(found) > _MOST_ENTRIES:
                raise InputError(f"{tree[:10]} has more than {_MOST_ENTRIES:,} files")
        return found

    def read(self, sha: str, most: int = MOST_BYTES) -> tuple[str, bytes]:
        """Kind and content of an object. Raises InputError where it is missing, damaged or larger than `most`."""
        if not _SHA.fullmatch(sha.encode()):
            raise InputError(f"{sha!r} is no hash")
        if not _is_regular(self._objects / sha[:2] / sha[2:]):
            raise InputError(f"{sha[:10]} is no file in the repository")
        timer = threading.Timer(SILENT_S, self.close)
        timer.start()
        try:
            return self._ask(sha, most)
        except (OSError, ValueError):
            self.close()
            raise InputError(f"git cannot read {sha[:10]}") from None
        finally:
            timer.cancel()

    def _ask(self, sha: str, most: int) -> tuple[str, bytes]:
        process = self._process or self._begin()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(sha.encode() + b"\n")
        stdin.flush()
        head = stdout.readline(1000).split()
        if len(head) == 2 and head[1] == b"missing":
            raise InputError(f"{sha[:10]} is not in the repository")
        if len(head) < 2:
            raise ValueError("git has ended")
        kind, size = head[1].decode(), int(head[2]) if len(head) == 3 else -1
        if size < 0 or size > most:
            self.close()  # rather than read through what is not wanted
            raise InputError(
                f"{sha[:10]} has {size:,} bytes, more than {most:,}" if size > most else "git says nonsense"
            )
        content = stdout.read(size + 1)
        if len(content) != size + 1:
            raise ValueError("cut off")
        return kind, content[:-1]

    def _begin(self) -> subprocess.Popen[bytes]:
        shared = (self._objects / "pack", self._objects / "info")
        if not all(map(_is_regular, (path for folder in shared for path in folder.glob("*")))):
            raise InputError("the repository holds pipes or devices in the place of packs")
        try:
            self._process = subprocess.Popen(
                self._start,
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise InputError("git is not installed") from error
        return self._process

    def close(self) -> None:
        """End git; the next reading starts it again."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                try:
                    if stream is not None:
                        stream.close()
                except OSError:
                    pass


def _is_regular(path: Path) -> bool:
    """Whether git may open a path: it would wait for a pipe for ever. What is not there it says itself."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _tree_entries(content: bytes, width: int) -> Iterator[tuple[str, str, str]]:
    """Mode, name and hash of each entry; names that lead elsewhere are left out."""
    at = 0
    while at < len(content):
        end = content.find(b"\0", at)
        if end < 0 or end + 1 + width > len(content):
            return
        mode, _, name = content[at:end].partition(b" ")
        text = name.decode("utf-8", "surrogateescape")
        if text not in ("", ".", "..") and "/" not in text:
            yield mode.decode("ascii", "replace"), text, content[end + 1 : end + 1 + width].hex()
        at = end + 1 + width


@contextmanager
def open_objects(git: Path) -> Iterator[GitObjects]:
    """The objects of the repository whose own folder is `git`. git is started with the first that is read."""
    with tempfile.TemporaryDirectory(prefix="labtop-", ignore_cleanup_errors=True) as name:
        empty = Path(name)
        (empty / "refs").mkdir()
        (empty / "objects").mkdir()
        (empty / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        is_sha256 = _is_sha256(git)
        version = "repositoryformatversion = 1" if is_sha256 else "repositoryformatversion = 0"
        extension = "[extensions]\n\tobjectformat = sha256\n" if is_sha256 else ""
        (empty / "config").write_text(f"[core]\n\t{version}\n\tbare = true\n{extension}", "ascii")
        environment = {each: value for each, value in os.environ.items() if not each.startswith("GIT_")}
        environment |= {
            "GIT_DIR": name,
            "GIT_OBJECT_DIRECTORY": str((git / "objects").resolve()),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_ALLOC_LIMIT": _MOST_ALLOCATED,  # a small object may say that it is a huge one
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
            "HOME": name,
            "LC_ALL": "C",
        }
        objects = GitObjects(["git", "cat-file", "--batch"], environment, empty, git / "objects")
        try:
            yield objects
        finally:
            objects.close()


def _is_sha256(git: Path) -> bool:
    """Whether the repository has hashes of 64 digits; looked up as text, for its configuration is not to be trusted."""
    try:
        return re.search(rb"objectformat\s*=\s*sha256", read_bytes(git / "config", 2**20).lower()) is not None
    except (OSError, InputError):
        return False


def remote_of(git: Path) -> str | None:
    """The address of `origin`, without a password in it."""
    try:
        with open_regular(git / "config") as file:
            text = file.read(2**20).decode("utf-8", "replace")
    except (OSError, InputError):
        return None
    found = re.search(r'^\s*\[remote "origin"\]\s*$(?P<body>[^\[]*)', text, re.MULTILINE)
    url = re.search(r"^\s*url\s*=\s*(\S+)\s*$", found["body"], re.MULTILINE) if found else None
    return re.sub(r"//[^/@\s]+@", "//", url[1]) if url else None
