"""Whether reading left a folder as it was: names, contents, times and links."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(root: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time of writing and content of all that lies below a folder, by path; folders among it."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        link = str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(root))] = (status.st_mode, status.st_mtime_ns, content or link)
    return found
