"""Identities of the data that a run reads: by content where it lies here, by pointer where it lies elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labtop.model.run import DataInput
from labtop.recording.capture.command import relative_to
from labtop.recording.capture.dvc import pointer_for, pointers_in
from labtop.recording.capture.redact import Redactor

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/", re.IGNORECASE)
_KINDS = {"s3": "s3", "s3a": "s3", "s3n": "s3", "lakefs": "lakefs", "hf": "hf", "dvc": "dvc"}
_MLFLOW = ("mlflow", "mlflow-artifacts", "runs", "models", "dbfs")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What reading a file once gave."""

    sha256: str
    md5: str
    bytes: int
    lines: int = 0  # line ends outside of quotes


def describe_input(
    path: str | os.PathLike[str], name: str | None, root: Path | None, redactor: Redactor
) -> DataInput:
    """The identity of one input.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    text = os.fspath(path)
    found = _URI.match(text)
    if found and found["scheme"].lower() != "file":
        return _pointer(text, found["scheme"].lower(), name, redactor)
    local = Path(unquote(urlsplit(text).path)) if found else Path(text)
    local = local.expanduser()
    uri = redactor.text(relative_to(local, root))
    label = redactor.text(name or local.name or uri)
    if local.suffix == ".dvc" and local.is_file():
        return _by_dvc_file(local, uri, label)
    if local.is_dir():
        return _folder(local, uri, label)
    return _file(local, uri, label)


def _pointer(uri: str, scheme: str, name: str | None, redactor: Redactor) -> DataInput:
    """An address elsewhere. It has a digest only where it names a commit: a branch may move."""
    clean = redactor.uri(uri)
    commit = next(iter(_COMMIT.findall(clean)), None) if scheme in ("lakefs", "hf") else None
    return DataInput(
        name=redactor.text(name) if name else clean.rstrip("/").rsplit("/", 1)[-1],
        uri=clean,
        kind="mlflow" if scheme in _MLFLOW else _KINDS.get(scheme, scheme),
        digest=commit,
        algorithm="commit" if commit else None,
    )


def _by_dvc_file(path: Path, uri: str, name: str) -> DataInput:
    """A `.dvc` file stands for the one thing it tracks, whether or not that is checked out."""
    pointers = pointers_in(path)
    if len(pointers) != 1:
        raise OSError(f"{path} names {len(pointers)} outputs; declare the data itself")
    pointer = pointers[0]
    return DataInput(
        name=name.removesuffix(".dvc"),
        uri=uri,
        kind="dvc",
        digest=pointer.md5,
        algorithm="md5",
        bytes=pointer.bytes,
    )


def _file(path: Path, uri: str, name: str) -> DataInput:
    content = read_content(path)
    pointer = pointer_for(path)
    is_dvc = pointer is not None and pointer.md5 == content.md5
    return DataInput(
        name=name,
        uri=uri,
        kind="dvc" if is_dvc else "file",
        digest=content.md5 if is_dvc else content.sha256,
        algorithm="md5" if is_dvc else "sha256",
        bytes=content.bytes,
        rows=_rows(path, content),
    )


def _folder(path: Path, uri: str, name: str) -> DataInput:
    files = read_folder(path)
    pointer = pointer_for(path)
    is_dvc = pointer is not None and pointer.md5 == dvc_folder_md5(files)
    return DataInput(
        name=name,
        uri=uri,
        kind="dvc" if is_dvc else "directory",
        digest=pointer.md5 if is_dvc and pointer is not None else folder_sha256(files),
        algorithm="md5" if is_dvc else "sha256",
        bytes=sum(each.bytes for each in files.values()),
    )


def read_content(path: Path) -> Content:
    """Read a file once: both hashes that identify data, its size and its lines."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = lines = quotes = 0
    ends_open = False
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
            pieces = chunk.split(b'"')
            lines += sum(piece.count(b"\n") for piece in pieces[quotes % 2 :: 2])
            quotes += len(pieces) - 1
            ends_open = not chunk.endswith(b"\n")
    return Content(sha256.hexdigest(), md5.hexdigest(), size, lines + ends_open)


def read_folder(folder: Path) -> dict[str, Content]:
    """Every regular file below a folder by its relative path; links are followed, each folder once."""
    return {relative: read_content(folder / relative) for relative in sorted(_walk(folder))}


def _walk(folder: Path) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)  # noqa: PTH116 - os.walk gives text
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in names:
            path = Path(place, name)
            if path.is_file():
                yield path.relative_to(folder).as_posix()


def folder_sha256(files: dict[str, Content]) -> str:
    """One hash for a folder: SHA-256 over the lines `<sha256 of the file>  <relative path>`, sorted by path."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{files[path].sha256}  {path}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def dvc_folder_md5(files: dict[str, Content]) -> str:
    """The hash by which DVC knows a folder: MD5 of the JSON list of its files."""
    listed = [
        {"md5": files[path].md5, "relpath": path}
        for path in sorted(files, key=lambda path: tuple(path.split("/")))
    ]
    text = json.dumps(listed, sort_keys=True)
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest() + ".dir"


def _rows(path: Path, content: Content) -> int | None:
    """How many rows a table has, where that costs nothing more."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return max(content.lines - 1, 0)
    if suffix in (".jsonl", ".ndjson"):
        with path.open("rb") as file:  # quotes mean nothing to the lines of JSON
            return sum(1 for line in file if line.strip())
    if suffix in (".parquet", ".pq"):
        import pyarrow.parquet

        try:
            return int(pyarrow.parquet.read_metadata(path).num_rows)
        except Exception:  # not Parquet after all; its hash still tells what it is
            return None
    return None
