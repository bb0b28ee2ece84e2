"""A run whose store went away goes on in a spool: what belongs to it besides points is brought along.

Files of code, environment and configuration are small and do not change: they are kept in memory, compressed, and
written again. Output is copied as far as the old file can still be read. What cannot be had is said in the record.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.recording.capture.config_files import CONFIG
from labtop.recording.facts import RunFacts
from labtop.store.files import replace_file
from labtop.store.kept_files import kept_files
from labtop.store.layout import file_mode, make_folders

if TYPE_CHECKING:
    from labtop.recording.output import KeptOutput

_REMEMBERED = ("code", "environment", CONFIG)
_MOST_BYTES = 8 * 2**20  # of memory, compressed
_LARGEST_FILE = 50 * 2**20
_BACKGROUND_S = 30.0
_MOST_TOLD = 5


class Moving:
    """What one run does when its folder goes away. Its thread never waits for the record's lock for long.

    `again`: records code and environment anew in another folder, for a run that had no time to remember them.
    `bundle`: makes the bundle of commits again there.
    """

    def __init__(self) -> None:
        self.facts: RunFacts | None = None
        self.output: KeptOutput | None = None
        self.again: Callable[[Path], None] | None = None
        self.bundle: Callable[[Path], None] | None = None
        self.wait_for_background: Callable[[float], object] = lambda patience_s: None
        self._memory: dict[str, tuple[bytes, int]] | None = None  # relative path → compressed content, mode
        self._thread: threading.Thread | None = None
        self._has_output = threading.Event()
        self._said = ""
        self._is_ending = False

    def remember(self, folder: Path) -> None:
        """Take what lies in a run's folder into memory, the smallest first, as far as there is room."""
        if not (folder / "environment").is_dir():
            return  # the store is gone already
        found = [each for top in _REMEMBERED for each in (folder / top).rglob("*") if each.is_file()]
        remembered: dict[str, tuple[bytes, int]] = {}
        room = _MOST_BYTES
        for path in sorted(found, key=lambda each: each.stat().st_size):
            status = path.stat()
            if path.suffix == ".bundle" or status.st_size > _LARGEST_FILE:
                continue  # a bundle is made again
            content = zlib.compress(path.read_bytes(), 1)
            room -= len(content)
            if room < 0:
                break
            remembered[path.relative_to(folder).as_posix()] = content, status.st_mode & 0o777
        self._memory = remembered

    def begin(self, folder: Path) -> None:
        """The run goes on in `folder`: bring everything there, in a thread of its own."""
        if self._thread is None and self.facts is not None:
            self._thread = threading.Thread(
                target=self._move, args=(self.facts, folder), name="labtop-moving", daemon=True
            )
            with suppress(RuntimeError):  # the interpreter is being left
                self._thread.start()

    def take_output(self, patience_s: float) -> None:
        """Wait until the output goes to the new place; then its file may be closed."""
        if self._thread is not None and self._thread.is_alive():
            self._has_output.wait(patience_s)

    def settle(self, patience_s: float) -> None:
        """Wait until everything is there; the record says what is not. Not while holding the lock of the facts."""
        if self._thread is None or self.facts is None:
            return
        self._is_ending = True
        with suppress(RuntimeError):
            self._thread.join(patience_s)
        if self._thread.is_alive():
            self._said = "the run ended before its code, environment and output were brought along"
        self._tell(self.facts)

    # -- in the thread -------------------------------------------------------------------------------------------

    def _move(self, facts: RunFacts, folder: Path) -> None:
        words: list[str] = []
        if self.output is not None:
            with facts.safely("moving the output"):
                if not self.output.move(folder / self.output.path.name):
                    words.append("what was printed before")
        self._has_output.set()
        self.wait_for_background(_BACKGROUND_S)
        with facts.safely("moving the code and the environment"):
            if self._memory is None and self.again is not None:
                self.again(folder)
                facts.trouble("moved again", f"code and environment were recorded anew at {_now()}")
            else:
                self._write_remembered(facts, folder)
                if facts.record.code.bundle and self.bundle is not None:
                    self.bundle(folder)
        words += [each.relative for each in kept_files(facts.record) if not (folder / each.relative).exists()]
        if words:
            rest = len(words) - _MOST_TOLD
            told = [*words[:_MOST_TOLD], *([f"{rest} more"] if rest > 0 else [])]
            self._said = f"left behind in the store that went away: {', '.join(told)}"
        while (
            not self._is_ending
        ):  # otherwise the end says it: who holds the lock may be waiting for this thread
            if facts.lock.acquire(timeout=0.1):
                try:
                    self._tell(facts)
                finally:
                    facts.lock.release()
                return

    def _write_remembered(self, facts: RunFacts, folder: Path) -> None:
        for relative, (content, mode) in (self._memory or {}).items():
            target = folder / relative
            if not target.exists():
                make_folders(target.parent, facts.shared)
                replace_file(target, zlib.decompress(content), mode=mode & (file_mode(facts.shared) | 0o100))

    def _tell(self, facts: RunFacts) -> None:
        said, self._said = self._said, ""
        if said:
            facts.trouble("moved", said)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
