"""What the files of a folder hold: found in one order everywhere, read by several threads, remembered for next time."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labtop.recording.capture.content import Changing, Content, read_content
from labtop.recording.capture.hash_cache import HashCache
from labtop.recording.capture.limits import cpus_allowed
from labtop.recording.capture.reading_progress import ReadingProgress

_MOST_THREADS = 8

Files = dict[str, tuple[Path, os.stat_result]]
"""Path below the folder, with forward slashes → where the file is, and its status."""


def read_folder(folder: Path, md5: bool = False, cache: HashCache | None = None) -> dict[str, Content]:
    """Every regular file below a folder by its relative path; links are followed, each folder once.

    Raises:
        OSError: it cannot be read, or keeps changing meanwhile.
    """
    for _ in range(2):
        try:
            return read_files(find_files(folder), md5, cache, folder.name)
        except FileNotFoundError:  # removed since it was found: look again, what was read is remembered
            continue
    raise Changing(None, f"files of {folder.name} keep going away while it is read")


def read_files(files: Files, md5: bool, cache: HashCache | None, what: str) -> dict[str, Content]:
    """The contents of files, in the order of their paths."""
    paths = sorted(files)
    found: dict[str, Content] = {}
    for path in paths:
        if cache is not None and (known := cache.get(path, files[path][1], md5)) is not None:
            found[path] = known
    missing = [path for path in paths if path not in found]
    with ReadingProgress(what, sum(files[path][1].st_size for path in missing)) as progress:

        def read(path: str) -> tuple[str, Content]:
            place, status = files[path]
            began = time.time_ns()
            content = read_content(place, md5, progress.advance)
            if cache is not None:
                cache.put(path, status, content, began)
            return path, content

        try:
            found.update(_in_threads(read, missing))
        finally:
            if cache is not None:
                cache.save()
    return {path: found[path] for path in paths}


def _in_threads(read: object, paths: list[str]) -> Iterable[tuple[str, Content]]:
    assert callable(read)
    threads = min(_MOST_THREADS, cpus_allowed() or os.cpu_count() or 1, len(paths))
    if threads < 2:
        return [read(path) for path in paths]
    with ThreadPoolExecutor(threads, "labtop-hash") as pool:
        try:
            return list(pool.map(read, paths, chunksize=1))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def find_files(folder: Path) -> Files:
    """The regular files below a folder."""
    files: Files = {}
    seen: set[tuple[int, int]] = set()
    pending = [(folder, "")]
    while pending:
        place, prefix = pending.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        folders = []
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                try:
                    if entry.is_dir():
                        folders.append((Path(entry.path), f"{prefix}{entry.name}/"))
                    elif entry.is_file():
                        files[f"{prefix}{entry.name}"] = (Path(entry.path), entry.stat())
                except OSError:  # removed since, or a link to nowhere
                    continue
        pending += reversed(folders)  # so that of two ways to one folder always the same is taken
    return files


def folder_sha256(files: Mapping[str, Content]) -> str:
    """One hash for a folder: SHA-256 over the lines `<sha256 of the file>  <relative path>`, sorted by path."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{files[path].sha256}  {path}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def dvc_folder_md5(files: Mapping[str, Content]) -> str:
    """The hash by which DVC knows a folder: MD5 of the JSON list of its files, which were read with their MD5."""
    listed = [
        {"md5": files[path].md5, "relpath": path}
        for path in sorted(files, key=lambda path: tuple(path.split("/")))
    ]
    text = json.dumps(listed, sort_keys=True)
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest() + ".dir"
