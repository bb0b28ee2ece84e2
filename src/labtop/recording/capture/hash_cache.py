"""Remembers what files held, so that a large folder is not read again for each run.

One small file a declared input, in the user's cache: safe to delete, written whole by rename, and no trouble with
several runs at once. What is remembered of a file counts only while its size, both its times and its inode are the
same, and only if it was left alone for two seconds before it was read: clocks of file systems are that coarse.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from labtop.recording.capture.content import Content
from labtop.recording.capture.hashing import write_file

_SETTLED_NS = 2_000_000_000
_VERSION = 1
_MOST_INPUTS = 1000

Entry = tuple[int, int, int, int, int, str, str | None, int | None]
"""Size, time of change, of status change, inode; when it was read; SHA-256, MD5, lines."""


class HashCache:
    """The memory of one input: contents of its files by their path below it."""

    def __init__(self, folder: Path | None, source: Path) -> None:
        name = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:32]
        self._path = folder / f"{name}.hashes" if folder is not None else None
        self._known = _load(self._path) if self._path is not None else {}
        self._now: dict[str, Entry] = {}
        self._has_new = False

    def get(self, path: str, status: os.stat_result, md5: bool) -> Content | None:
        """What the file held, if it is surely as it was; with its MD5 where that is wanted."""
        entry = self._known.get(path)
        if entry is None or entry[:4] != _identity(status):
            return None
        *_, read_at, sha256, known_md5, lines = entry
        if status.st_mtime_ns + _SETTLED_NS > read_at or (md5 and known_md5 is None):
            return None
        self._now[path] = entry
        return Content(sha256, known_md5, status.st_size, lines)

    def put(self, path: str, status: os.stat_result, content: Content, read_at: int) -> None:
        """Remember what a file held; `read_at` is when reading began, in nanoseconds since the epoch."""
        self._now[path] = (*_identity(status), read_at, content.sha256, content.md5, content.lines)
        self._has_new = True

    def save(self) -> None:
        """Write down what was seen this time, if any of it is new; a cache that cannot be written is none."""
        if self._path is None or not self._has_new:
            return
        import msgspec

        with suppress(OSError):
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            write_file(self._path, msgspec.msgpack.encode([_VERSION, time.time(), self._now]))
            _prune(self._path.parent)


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _load(path: Path) -> dict[str, Entry]:
    import msgspec

    try:
        version, _, entries = msgspec.msgpack.decode(
            path.read_bytes(),
            type=tuple[int, float, dict[str, Entry]],
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
    return dict(entries) if version == _VERSION else {}


def _prune(folder: Path) -> None:
    """Forget the inputs that were not used for longest."""
    files = sorted(folder.glob("*.hashes"), key=lambda path: path.stat().st_mtime)
    for path in files[:-_MOST_INPUTS]:
        path.unlink(missing_ok=True)
