"""Files that git keeps in its large file storage: a pointer that was never fetched stands in the place of the data."""

from __future__ import annotations

from pathlib import Path

from labtop.recording.capture.repository import Repository

_POINTER = b"version https://git-lfs.github.com/spec/"
_LARGEST_POINTER = 1024
_MOST = 20_000


def tell_unfetched(repository: Repository, problems: list[str]) -> None:
    """Name the pointers that still stand in the work tree."""
    if not _uses_lfs(repository.top):
        return
    paths = repository.paths("ls-files", "-z", "--", ":(top,attr:filter=lfs)")[:_MOST]
    pointers = [path for path in paths if _is_pointer(repository.top / path)]
    if pointers:
        files = "1 file" if len(pointers) == 1 else f"{len(pointers)} files"
        more = f" and {len(pointers) - 3} more" if len(pointers) > 3 else ""
        problems.append(
            f"{files} of git lfs not fetched, only the pointer is there: {', '.join(pointers[:3])}{more}"
        )


def _uses_lfs(top: Path) -> bool:
    try:
        return b"filter=lfs" in (top / ".gitattributes").read_bytes()
    except OSError:
        return False


def _is_pointer(path: Path) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST_POINTER:
            return False
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False
