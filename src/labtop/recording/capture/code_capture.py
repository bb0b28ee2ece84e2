"""What to capture of the code, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labtop.recording.capture.redact import Redactor


@dataclass(frozen=True, slots=True)
class CodeCapture:
    """What capturing needs to know. `leave_out` are folders that are no code: the store itself."""

    folder: Path  # the run's code/
    redactor: Redactor
    script: Path | None = None
    leave_out: tuple[Path, ...] = ()
    keep_untracked: bool = True
    untracked_max_bytes: int = 5_000_000
    bundle_cache: Path | None = None
    file_mode: int = 0o600
