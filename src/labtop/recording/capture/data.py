"""Identities of the data that a run reads or writes: by content where it lies here, else by what pins it elsewhere."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labtop.model.run import DataInput
from labtop.recording.capture.addresses import describe_address
from labtop.recording.capture.command import relative_to
from labtop.recording.capture.content import Content
from labtop.recording.capture.dvc import pointer_for, pointers_in
from labtop.recording.capture.folder_content import (
    Files,
    dvc_folder_md5,
    find_files,
    folder_sha256,
    read_files,
    read_folder,
)
from labtop.recording.capture.frames import FrameContent, read_frame
from labtop.recording.capture.hash_cache import HashCache
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.tables import Table, is_table, joined, table_of

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/", re.IGNORECASE)
_MOST_TABLES = 1000  # footers of a folder that are read to count its rows


@dataclass(frozen=True, slots=True)
class Reader:
    """What describing data needs: the top of the repository, where hashes are remembered, whether keepers are asked."""

    root: Path | None
    redactor: Redactor
    cache: Path | None = None
    ask: bool = True


def describe(data: object, name: str | None, reader: Reader) -> DataInput:
    """The identity of one input or output: a path, a pattern, an address, or a table in memory.

    Raises:
        OSError: it is not there, or cannot be read.
        TypeError: it is nothing that has an identity.
    """
    if isinstance(data, str | os.PathLike):
        return _described_path(os.fsdecode(os.fspath(data)), name, reader)
    if (frame := read_frame(data)) is not None:
        return _of_frame(frame, name, reader.redactor)
    raise TypeError(f"data is a path, an address, a table or an array, not {type(data).__name__}")


def _described_path(text: str, name: str | None, reader: Reader) -> DataInput:
    found = _URI.match(text)
    if found and found["scheme"].lower() != "file":
        return describe_address(text, found["scheme"].lower(), name, reader.redactor, reader.ask)
    local = Path(unquote(urlsplit(text).path)) if found else Path(text)
    local = local.expanduser()
    uri = reader.redactor.text(relative_to(local, reader.root))
    label = reader.redactor.text(name or local.name or uri)
    if local.suffix == ".dvc" and local.is_file():
        return _by_dvc_file(local, uri, label)
    cache = HashCache(reader.cache, local)
    if local.is_dir():
        known = _folder(local, uri, label, cache)
    elif not local.exists() and glob.has_magic(str(local)):
        known = _pattern(local, uri, label, cache)
    else:
        known = _file(local, uri, label, cache)
    return replace(known, columns=_clean_columns(known.columns, reader.redactor))


def _clean_columns(columns: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    return {redactor.text(name)[:200]: kind for name, kind in columns.items()}


def _of_frame(frame: FrameContent, name: str | None, redactor: Redactor) -> DataInput:
    return DataInput(
        name=redactor.text(name) if name else frame.kind.rpartition(".")[2],
        uri=f"memory:{frame.kind}",
        kind="frame",
        digest=frame.digest,
        algorithm=frame.algorithm if frame.digest else None,
        bytes=frame.bytes,
        rows=frame.rows,
        columns=_clean_columns(frame.columns, redactor),
        problem=redactor.text(frame.problem) if frame.problem else None,
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


def _file(path: Path, uri: str, name: str, cache: HashCache) -> DataInput:
    status = path.stat()
    if not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    pointer = pointer_for(path)
    files: Files = {path.name: (path, status)}
    content = read_files(files, pointer is not None, cache, path.name)[path.name]
    is_dvc = pointer is not None and pointer.md5 == content.md5
    table = table_of(path, content.lines)
    return DataInput(
        name=name,
        uri=uri,
        kind="dvc" if is_dvc else "file",
        digest=content.md5 if is_dvc else content.sha256,
        algorithm="md5" if is_dvc else "sha256",
        bytes=content.bytes,
        rows=table.rows,
        columns=table.columns,
    )


def _folder(path: Path, uri: str, name: str, cache: HashCache) -> DataInput:
    pointer = pointer_for(path)
    files = read_folder(path, pointer is not None, cache)
    is_dvc = pointer is not None and pointer.md5 == dvc_folder_md5(files)
    known = _many(files, {each: path / each for each in files}, uri, name, "dvc" if is_dvc else "directory")
    return replace(known, digest=pointer.md5, algorithm="md5") if is_dvc and pointer is not None else known


def _pattern(pattern: Path, uri: str, name: str, cache: HashCache) -> DataInput:
    """All files that a pattern finds, and those in folders that it finds, by their place below its fixed part."""
    base = next(each for each in pattern.parents if not glob.has_magic(str(each)))
    found: Files = {}
    for place in map(Path, glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 - here ** finds files too
        relative = place.relative_to(base).as_posix()
        if place.is_dir():
            found.update({f"{relative}/{each}": where for each, where in find_files(place).items()})
        elif place.is_file():
            found[relative] = (place, place.stat())
    if not found:
        raise FileNotFoundError(errno.ENOENT, "no file is found by it")
    contents = read_files(found, False, cache, pattern.name)
    return _many(contents, {each: place for each, (place, _) in found.items()}, uri, name, "glob")


def _many(contents: dict[str, Content], places: dict[str, Path], uri: str, name: str, kind: str) -> DataInput:
    table = Table()
    if 0 < len(places) <= _MOST_TABLES and all(map(is_table, places)):
        table = joined([table_of(places[each], contents[each].lines) for each in contents])
    return DataInput(
        name=name,
        uri=uri,
        kind=kind,
        digest=folder_sha256(contents),
        algorithm="sha256",
        bytes=sum(each.bytes for each in contents.values()),
        files=len(contents),
        rows=table.rows,
        columns=table.columns,
    )
