"""Where what is read of other trackers' logs is kept: the cache folder, or a temporary one where that cannot be."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MIRRORS = "mirrors"


class CachePlace:
    """A folder to write to. `notice` is a sentence for people where it is not the one that was wanted, else empty."""

    def __init__(self, wanted: Path) -> None:
        self.path = wanted
        self.notice = ""
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if reason := _not_writable(wanted):
            self._temporary = tempfile.TemporaryDirectory(prefix="labtop-cache-", ignore_cleanup_errors=True)
            self.path = Path(self._temporary.name)
            self.notice = f"nothing can be kept in {wanted} ({reason}): these logs are read anew each time"

    def close(self) -> None:
        """Remove what was only for this process."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None


def _not_writable(folder: Path) -> str:
    """Why nothing can be written below a folder, which is made; empty when something can."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / MIRRORS).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        return error.strerror or str(error)
    is_ours = all(os.access(each, os.W_OK | os.X_OK) for each in (folder, folder / MIRRORS))
    return "" if is_ours else "it may not be written to"
