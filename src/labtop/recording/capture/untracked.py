"""Files git does not know: listed and hashed, and kept beside the run as far as they are small and hold no secret."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from labtop.formats.opening import NO_FOLLOW, OWN
from labtop.model.run import UntrackedFile
from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.hashing import chunks, open_regular, sha256_of
from labtop.recording.capture.secret_names import is_secret_file

UNTRACKED = "untracked"
_MOST_FILES = 500
_MOST_BYTES_HASHED = 200_000_000  # half a second at the start of a run


def keep_files(
    top: Path, paths: Iterable[str], capture: CodeCapture, problems: list[str]
) -> tuple[UntrackedFile, ...]:
    """List `paths` (relative to `top`), smallest first, and keep what may be kept under `untracked/`."""
    sized = sorted((_size(top / path), path) for path in paths)
    if len(sized) > _MOST_FILES:
        problems.append(f"{len(sized) - _MOST_FILES} of {len(sized)} untracked files are not listed")
        sized = sized[:_MOST_FILES]
    room, hashable = capture.untracked_max_bytes, _MOST_BYTES_HASHED
    listed: list[UntrackedFile] = []
    for size, path in sized:
        file = _keep(top, path, size, room, hashable, capture)
        room -= file.bytes if file.kept else 0
        hashable -= size
        listed.append(file)
    not_kept = [each for each in listed if not each.kept]
    if not_kept:
        problems.append(f"{len(not_kept)} untracked files not kept: {_reasons(not_kept)}")
    return tuple(sorted(listed, key=lambda each: each.path))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _keep(top: Path, path: str, size: int, room: int, hashable: int, capture: CodeCapture) -> UntrackedFile:
    name = capture.redactor.text(path)

    def not_kept(reason: str, sha256: str | None = None) -> UntrackedFile:
        return UntrackedFile(path=name, sha256=sha256, bytes=size, reason=reason)

    if name != path:
        return not_kept("its name holds a secret")
    if is_secret_file(path):
        return not_kept("a key or credentials file by its name")
    if path.endswith("/"):
        return not_kept("a repository of its own")
    try:
        mode = (top / path).lstat().st_mode
        if not stat.S_ISREG(mode):
            return not_kept("a link" if stat.S_ISLNK(mode) else "not a regular file")
        if size > hashable:
            return not_kept("too large")
        if size > room:
            return not_kept("too large", sha256_of(top / path)[0])
        content = b"".join(chunks(open_regular(top / path)))
        if len(content) > room:
            return not_kept("too large")
        if capture.redactor.holds_secret(content.decode("utf-8", "replace")):
            return not_kept("holds what looks like a secret")
        sha256 = _copy(content, capture.folder / UNTRACKED / path, capture.file_mode | (mode & 0o100))
    except OSError as error:
        return not_kept(f"cannot be read: {error.strerror or error}")
    return UntrackedFile(path=path, sha256=sha256, bytes=len(content), kept=True)


def _copy(content: bytes, target: Path, mode: int) -> str:
    target.parent.mkdir(0o777 if mode & 0o077 else 0o700, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # a resumed run keeps its code anew
    with os.fdopen(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | OWN, mode), "wb"
    ) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def _reasons(files: Sequence[UntrackedFile]) -> str:
    counts = Counter(each.reason for each in files)
    return ", ".join(f"{reason} ({n})" if n > 1 else reason for reason, n in counts.most_common())
