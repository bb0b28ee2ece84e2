"""The files of a DVC project, in a commit or in the workspace; what only DVC's cache has is read from there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from labtop.errors import InputError
from labtop.formats.dvc_files import DIRECTORY, Stage
from labtop.formats.files import decode_text, read_bytes
from labtop.formats.git_objects import Entry, GitObjects
from labtop.formats.json_text import parse_json
from labtop.sources.references import inside
from labtop.sources.side_files import Problems

_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_MOST_BYTES = 32 * 2**20
_MOST_IN_FOLDER = 20_000


class Files(Protocol):
    """Files of a project by path."""

    def paths(self) -> Sequence[str]:
        """All that could be read."""

    def content(self, path: str) -> bytes | None:
        """What is in a file; None where it is not there. Raises OSError, InputError."""


class Commit:
    """The files of a commit."""

    def __init__(self, objects: GitObjects, files: Mapping[str, Entry]) -> None:
        self._objects = objects
        self.entries = files

    def paths(self) -> Sequence[str]:
        """All files that git has; links are none."""
        return [path for path, entry in self.entries.items() if entry.is_file]

    def content(self, path: str) -> bytes | None:
        """A file as it was committed."""
        entry = self.entries.get(path)
        return self._objects.read(entry.sha, _MOST_BYTES)[1] if entry and entry.is_file else None


class Workspace:
    """The files of a folder on disk, those that are asked for by name."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root = root
        self._names = names

    def paths(self) -> Sequence[str]:
        """The names given."""
        return self._names

    def content(self, path: str) -> bytes | None:
        """A file as it is now."""
        where = inside(self._root, path)
        if where is None or where.is_symlink():
            return None
        try:
            return read_bytes(where, _MOST_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None


class Cache:
    """DVC's cache of a project: files by the MD5 of their content, of DVC 3 and before."""

    def __init__(self, root: Path) -> None:
        self._folders = (root / ".dvc/cache/files/md5", root / ".dvc/cache")

    def where(self, digest: str | None) -> Path | None:
        """The file of a digest, if it is there."""
        if digest is None or not _MD5.fullmatch(digest):
            return None
        for folder in self._folders:
            path = folder / digest[:2] / digest[2:]
            if path.is_file() and not path.is_symlink():
                return path
        return None


class WithCache:
    """Files with those beside them that `dvc.lock` names and only the cache has."""

    def __init__(self, files: Files, cache: Cache, problems: Problems) -> None:
        self._files = files
        self._cache = cache
        self._problems = problems
        self._cached: dict[str, str] = {}
        self._paths: list[str] | None = None

    def add(self, stages: Sequence[Stage], prefix: str) -> None:
        """Take the outputs of stages in; a folder is a list of files in the cache itself."""
        self._paths = None
        for stage in stages:
            for out in stage.outs:
                if out.digest is None or not _MD5.fullmatch(out.digest):
                    continue
                if out.digest.endswith(DIRECTORY):
                    self._add_folder(prefix + out.path.rstrip("/"), out.digest)
                else:
                    self._cached.setdefault(prefix + out.path, out.digest)

    def _add_folder(self, path: str, digest: str) -> None:
        if any(each.startswith(f"{path}/") for each in self._files.paths()):
            return  # git has them
        where = self._cache.where(digest)
        if where is None:
            if "plots" in path or "dvclive" in path:
                self._problems.add(f"{path} is not in DVC's cache here ({digest}); `dvc fetch` brings it")
            return
        try:
            listed = parse_json(decode_text(read_bytes(where, _MOST_BYTES)).text)
        except (OSError, InputError) as error:
            self._problems.add(f"{path} in DVC's cache: {error}")
            return
        for each in listed[:_MOST_IN_FOLDER] if isinstance(listed, list) else []:
            if (
                isinstance(each, dict)
                and isinstance(each.get("relpath"), str)
                and isinstance(each.get("md5"), str)
            ):
                self._cached.setdefault(f"{path}/{each['relpath']}", each["md5"])

    def paths(self) -> Sequence[str]:
        """Those of git and those of the cache."""
        if self._paths is None:
            here = dict.fromkeys(self._files.paths())
            cached = (
                path
                for path, digest in self._cached.items()
                if path not in here and self._cache.where(digest)
            )
            self._paths = [*here, *cached]
        return self._paths

    def content(self, path: str) -> bytes | None:
        """From git or the workspace, else from the cache."""
        found = self._files.content(path)
        if found is None and (where := self._cache.where(self._cached.get(path))):
            return read_bytes(where, _MOST_BYTES)
        return found

    def text(self, path: str) -> str | None:
        """A file as text; None where it is not there or cannot be read, which is said."""
        try:
            content = self.content(path)
        except (OSError, InputError) as error:
            self._problems.add(f"{path}: {error}")
            return None
        if content is None:
            return None
        text, problem = decode_text(content)
        if problem:
            self._problems.add(f"{path} {problem}")
        return text

    def uris(self) -> dict[str, str]:
        """Where the files in the cache lie, by their path."""
        found = {path: self._cache.where(digest) for path, digest in self._cached.items()}
        return {path: str(where) for path, where in found.items() if where is not None}


def blob_sha(content: bytes, width: int = 40) -> str:
    """The hash that git has for a file of this content."""
    algorithm = hashlib.sha1 if width == 40 else hashlib.sha256
    return algorithm(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
