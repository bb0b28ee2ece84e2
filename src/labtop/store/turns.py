"""Whether it is this writer's turn to write the record, and what the other writers of the run say of themselves."""

from __future__ import annotations

import time
from pathlib import Path

from labtop.model.run import Writer
from labtop.store.writers import WRITERS, owner, read_writers

_SETTLED_S = 2.0  # a folder that changed later may change again without its time moving on


class Turns:
    """Looks at `writers/` before the record is written; cheap while nothing changes there."""

    def __init__(self, folder: Path, who: Writer | None) -> None:
        self._folder = folder
        self._who = who
        self._seen_ns = -1
        self._writers: tuple[Writer, ...] = ()

    def look(self) -> bool:
        """Whether the record is this writer's now. A run without `writers/` has one writer, whose it is."""
        self._read()
        if self._who is None or not self._who.wants_record:
            return True  # nobody asked: who owns the record was settled when the run began
        best = owner((*self.others, self._who))
        return best is None or best.writer == self._who.writer

    @property
    def others(self) -> tuple[Writer, ...]:
        """The other writers as they were when they were last looked at."""
        mine = self._who.writer if self._who else ""
        return tuple(each for each in self._writers if each.writer != mine)

    @property
    def rival(self) -> Writer | None:
        """A process that was not invited and records this run too."""
        return next((each for each in self.others if each.role == "rival"), None)

    def _read(self) -> None:
        try:
            modified_ns = (self._folder / WRITERS).stat().st_mtime_ns
        except OSError:
            return
        if modified_ns != self._seen_ns:
            self._writers = read_writers(self._folder)
            is_settled = abs(time.time() - modified_ns / 1e9) > _SETTLED_S
            self._seen_ns = modified_ns if is_settled else -1
