"""Processes that read a large store's records at once, and the rows that they hand over.

Every step of theirs can be done without them: where none can be started or one dies, its folders are left to be read
in this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtop.query.chunk import Layout, Seen
from labtop.query.found_columns import SeenMetric, SeenParam

_MOST_PROCESSES = 4
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from labtop.query.reader_process import main
main()
"""


@dataclass(eq=False)
class _Process:
    """A process, what was answered by it (None: it is gone), and the folders it is at."""

    popen: subprocess.Popen[str]
    folders: Sequence[str] = ()
    offer: Offer | None = None
    listener: threading.Thread | None = None

    def end(self) -> None:
        """Wait for a process that was killed, and let go of its pipes."""
        self.popen.wait()
        if self.listener is not None:
            self.listener.join()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def ask(self, question: Any) -> None:
        """Send a line; a process that is gone shows when it is listened to."""
        assert self.popen.stdin
        try:
            self.popen.stdin.write(json.dumps(question) + "\n")
            self.popen.stdin.flush()
        except OSError:
            pass


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """Records that were read: `runs` are their folders and ids, `seen` their params and metrics.

    It is to be answered with `write`, which gets their rows into a file.
    """

    folders: Sequence[str]
    left: Sequence[str]
    runs: Sequence[tuple[str, str]]
    seen: Seen
    environments: Sequence[tuple[int, str]]
    process: _Process

    def write(self, path: Path, numbers: Mapping[str, int], layout: Layout) -> None:
        """Ask for the rows of the runs that have a number, in the columns of `layout`."""
        said = {
            "columns": layout.columns,
            "params": [(path, place, type_name) for path, (place, type_name) in layout.params.items()],
            "metrics": layout.metrics,
        }
        self.process.ask({"write": str(path), "numbers": numbers, "layout": said})


@dataclass(frozen=True, slots=True)
class Written:
    """The rows of an offer are in their file; `longest` is the length of its longest line."""

    offer: Offer
    longest: int


@dataclass(frozen=True, slots=True)
class Left:
    """Folders that nobody read: there was no process for them, or it died, at `offer` if it had made one."""

    folders: Sequence[str]
    offer: Offer | None = None


class ReaderPool:
    """Reads the records of folders of `store`, `chunk` at a time; a context in which the processes live."""

    def __init__(self, store: Path, folders: Sequence[str], chunk: int) -> None:
        self._store = store
        self._chunks = [folders[at : at + chunk] for at in range(0, len(folders), chunk)]
        self._answers: queue.SimpleQueue[tuple[_Process, Any]] = queue.SimpleQueue()
        self._processes: list[_Process] = []

    def __enter__(self) -> ReaderPool:
        for _ in range(min(os.cpu_count() or 1, _MOST_PROCESSES, len(self._chunks))):
            try:
                self._start()
            except OSError:
                break
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            each.popen.kill()
        for each in self._processes:
            each.end()

    def _start(self) -> None:
        popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",  # of JSON as it is written here
        )
        process = _Process(popen)
        self._processes.append(process)
        process.ask(str(self._store))
        process.listener = threading.Thread(
            target=self._listen, args=(process,), daemon=True, name="labtop-readers"
        )
        process.listener.start()

    def _listen(self, process: _Process) -> None:
        assert process.popen.stdout
        try:
            for line in process.popen.stdout:
                self._answers.put((process, json.loads(line)))
        except (OSError, ValueError):  # it died, at its end or in the middle of a line
            pass
        self._answers.put((process, None))

    def events(self) -> Iterator[Offer | Written | Left]:
        """What comes of it, until every folder was in an event; each offer has to be answered."""
        busy = {process for process in self._processes if self._go_on(process)}
        while busy:
            process, answer = self._answers.get()
            if process not in busy:
                continue
            if answer is None:
                busy.discard(process)
                yield Left(process.folders, process.offer)
            elif process.offer is None:
                process.offer = _offer(process, answer)
                yield process.offer
            else:
                yield Written(process.offer, answer)
                if not self._go_on(process):
                    busy.discard(process)
        yield Left([folder for chunk in self._chunks for folder in chunk])

    def _go_on(self, process: _Process) -> bool:
        """Give a process the next chunk; False when there is none."""
        process.offer = None
        process.folders = self._chunks.pop(0) if self._chunks else ()
        if process.folders:
            process.ask({"read": process.folders})
        return bool(process.folders)


def _offer(process: _Process, answer: dict[str, Any]) -> Offer:
    return Offer(
        folders=process.folders,
        left=answer["left"],
        runs=[(folder, run_id) for folder, run_id in answer["runs"]],
        seen=Seen(
            tuple(SeenParam(tuple(path), frozenset(types), runs) for path, types, runs in answer["params"]),
            tuple(SeenMetric(*each) for each in answer["metrics"]),
        ),
        environments=[(hash_, text) for hash_, text in answer["environments"]],
        process=process,
    )
