"""Files that a run logs: copied into its folder, hashed on the way, and never out of it or from behind a link."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from labtop.model.run import Artifact
from labtop.recording.capture.hashing import sha256_of
from labtop.recording.capture.redact import Redactor
from labtop.recording.config import as_tree
from labtop.store.format import plain
from labtop.store.layout import file_mode, make_folders, publish

ARTIFACTS = "artifacts"
_UNSAFE = re.compile(r"[^\w.+=@ -]+")
_LONGEST_PART = 150
_LONGEST_SUFFIX = 30
_URI = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArtifactFolder:
    """Where a run's artifacts go."""

    run_folder: Path
    redactor: Redactor
    shared: bool = False

    def keep(
        self, content: object, name: str | None, kind: str | None, step: float | None
    ) -> tuple[Artifact, ...]:
        """Keep a file, a folder, an address, or a value under a name; one record a file.

        Raises:
            OSError: it is not there, cannot be read, or leads somewhere else.
            TypeError: it is nothing that can be kept.
        """
        if isinstance(content, bytes | bytearray):
            return (self._value(bytes(content), name, "bin", kind or "bytes", step),)
        if isinstance(content, str | os.PathLike):
            text = os.fspath(content)
            if isinstance(text, str) and _URI.match(text):
                return (self._address(text, name, kind, step),)
            if isinstance(content, str) and _is_text(content, name):
                return (self._value(self.redactor.text(content).encode(), name, "txt", kind or "text", step),)
            return tuple(self._path(Path(os.fsdecode(text)), name, kind, step))
        if isinstance(content, Mapping | list | tuple):
            tree = as_tree({"value": content})["value"]
            encoded = json.dumps(_plain_json(self.redactor.tree(tree)), indent=1, ensure_ascii=False)
            return (
                self._value(encoded.encode("utf-8", "backslashreplace"), name, "json", kind or "json", step),
            )
        raise TypeError(
            f"an artifact is a path, a text, bytes, a mapping or a list, not {type(content).__name__}"
        )

    def _address(self, uri: str, name: str | None, kind: str | None, step: float | None) -> Artifact:
        uri = self.redactor.uri(uri)
        label = self.redactor.text(name) if name else uri.rstrip("/").rsplit("/", 1)[-1]
        return Artifact(name=label, uri=uri, kind=kind or "uri", step=step)

    def _value(
        self, content: bytes, name: str | None, suffix: str, kind: str, step: float | None
    ) -> Artifact:
        if not name:
            raise TypeError(
                "a value needs a name to be kept under: log_artifact(value, name='confusion.json')"
            )
        name = name if Path(name).suffix else f"{name}.{suffix}"
        target = self._target(self.redactor.text(name))
        draft = self._draft(target)
        try:
            with self._create(draft) as file:
                file.write(content)
            return self._placed(draft, target, self.redactor.text(name), kind, step, *sha256_of(draft))
        finally:
            draft.unlink(missing_ok=True)

    def _path(self, path: Path, name: str | None, kind: str | None, step: float | None) -> Iterator[Artifact]:
        path = _own_path(path.expanduser())
        label = name or path.name
        if not path.is_dir():
            yield self._file(path, label, kind or "file", step)
            return
        for found in sorted(_files_below(path)):
            yield self._file((path / found).resolve(), f"{label}/{found}", kind or "file", step)

    def _file(self, path: Path, name: str, kind: str, step: float | None) -> Artifact:
        name = self.redactor.text(name)
        target = self._target(name)
        draft = self._draft(target)
        try:
            with self._create(draft) as copy:
                sha256, size = sha256_of(path, copy.write)
            return self._placed(draft, target, name, kind, step, sha256, size)
        finally:
            draft.unlink(missing_ok=True)

    def _target(self, name: str) -> Path:
        """Where a name goes; what stands in the way (a file where a folder must be, or a folder) is gone round."""
        *folders, last = safe_relative_path(name).parts
        target = self.run_folder / ARTIFACTS
        for part in folders:
            while (target / part).is_symlink() or ((target / part).exists() and not (target / part).is_dir()):
                part += "_"
            target /= part
        while (target / last).is_dir() or (target / last).is_symlink():
            last += "_"
        return target / last

    def _draft(self, target: Path) -> Path:
        make_folders(target.parent, self.shared)
        return target.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.tmp")

    def _create(self, draft: Path) -> BinaryIO:
        return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode(self.shared)), "wb")

    def _placed(
        self, draft: Path, target: Path, name: str, kind: str, step: float | None, sha256: str, size: int
    ) -> Artifact:
        """Give a finished copy its name. Another content under that name stays, and this one gets its hash added.

        Several processes may log under one name at the same moment: the name goes to one of them.
        """
        if not publish(draft, target) and sha256_of(target)[0] != sha256:
            target = target.with_name(f"{target.stem}-{sha256[:12]}{target.suffix}")
            draft.replace(target)
        path = target.relative_to(self.run_folder).as_posix()
        return Artifact(name=name, path=path, kind=kind, step=step, bytes=size, sha256=sha256)


def safe_relative_path(name: str) -> Path:
    """A path below a folder for a free name: nothing absolute, no `..`, no link of its own making."""
    parts = [_safe_part(part) for part in re.split(r"[/\\]+", name)]
    return Path(*[part for part in parts if part] or ["artifact"])


def _safe_part(part: str) -> str:
    safe = _UNSAFE.sub("_", part.encode("utf-8", "replace").decode()).strip(" ").lstrip(".").rstrip(".")
    stem, dot, suffix = safe.rpartition(".")
    if not dot or len(suffix.encode()) > _LONGEST_SUFFIX:
        return _cut(safe)
    return f"{_cut(stem)}.{suffix}"


def _cut(name: str) -> str:
    """File systems count bytes; there must be room for a hash and an ending."""
    return name.encode()[:_LONGEST_PART].decode("utf-8", "ignore")


def _own_path(path: Path) -> Path:
    """`path` with its links followed, as long as they stay beside it or below the working folder."""
    if not path.is_symlink():
        return path
    try:
        target = path.resolve(strict=True)
    except RuntimeError as error:  # before Python 3.13
        raise OSError(f"{path} is a link to itself") from error
    homes = (path.parent.resolve(), Path.cwd().resolve())
    if not any(target.is_relative_to(home) for home in homes):
        raise OSError(f"{path} is a link to {target}; name the file itself")
    return target


def _files_below(folder: Path) -> Iterator[str]:
    """Relative paths of the regular files in a folder; a link counts only if it stays inside."""
    root = folder.resolve()
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            is_inside = not path.is_symlink() or path.resolve().is_relative_to(root)
            if is_inside and path.is_file():
                yield path.relative_to(folder).as_posix()


def _is_text(content: str, name: str | None) -> bool:
    """Whether a string is meant as content: it has lines, or a name was given and it looks like no path."""
    if "\n" in content or len(content) > 1000:
        return True
    is_path_like = "/" in content or os.sep in content or bool(Path(content).suffix)
    return name is not None and not is_path_like and not Path(content).exists()


def _plain_json(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _plain_json(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain_json(value) for value in tree]
    return plain(tree) if isinstance(tree, float) else tree
