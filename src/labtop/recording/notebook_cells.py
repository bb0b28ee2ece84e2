"""Keeps the cells of a notebook with its run: after each of them, and at the end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from labtop.recording.capture.notebook import keep_notebook
from labtop.recording.facts import RunFacts
from labtop.store.layout import file_mode, make_folders

_PAUSE_S = 5.0  # between two writes: a loop of short cells shall not pay for each


class NotebookCells:
    """The cells of one notebook, as `code/notebook.py` of a run."""

    def __init__(self, facts: RunFacts, run_folder: Path, shell: Any) -> None:
        self._facts = facts
        self._home = run_folder
        self._shell = shell
        self._kept_at = float("-inf")

    def start(self) -> None:
        """Keep what was run until now, and from now on after each cell."""
        self.keep()
        self._shell.events.register("post_run_cell", self._after_cell)

    def stop(self) -> None:
        """Keep what was run, for the last time."""
        self._shell.events.unregister("post_run_cell", self._after_cell)
        self.keep()

    def keep(self) -> None:
        """Write the cells now."""
        folder = (self._facts.writer.folder or self._home) / "code"
        make_folders(folder, self._facts.shared)
        name = keep_notebook(self._shell, folder, self._facts.redactor, file_mode(self._facts.shared))
        self._kept_at = time.monotonic()
        with self._facts.lock:
            if self._facts.record.code.notebook != name:
                self._facts.set(code=replace(self._facts.record.code, notebook=name))

    def _after_cell(self, *_: object) -> None:
        if time.monotonic() - self._kept_at > _PAUSE_S:
            with self._facts.safely("recording the notebook"):
                self.keep()
