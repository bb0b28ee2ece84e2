"""Reads runs of foreign logs into a mirror: a few in this process, many by processes that share the work.

Whatever goes wrong costs the run it goes wrong with.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from labtop.errors import LabtopError
from labtop.sources import load_source
from labtop.sources.finding import Found
from labtop.sources.landed import Landed
from labtop.sources.landing import Landing
from labtop.sources.packing import Packing
from labtop.sources.passing import decode, encode
from labtop.sources.source import Place, RunRef

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_MOST_PROCESSES = 4
_WORTH_PROCESSES_RUNS = 40
_WORTH_PROCESSES_BYTES = 8 * 2**20
_CHUNK_RUNS = 250
_CHUNK_BYTES = 8 * 2**20
_WORTH_A_PACK = 8
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from labtop.sources.reading import serve
serve()
"""


class Task(msgspec.Struct, frozen=True):
    """Runs of one place to be read, and by their keys what is in the mirror of those that were read before.

    `is_alone`: there are no logs of another tracker.
    """

    source: str
    place: str
    refs: tuple[RunRef, ...]
    before: dict[str, Landed]
    is_alone: bool = False

    @property
    def found(self) -> Found:
        """The place."""
        return Found(self.source, Place(Path(self.place)))

    def chunks(self) -> Iterator[Task]:
        """The same in pieces that are worth a trip to another process; whole where a piece costs as much as all."""
        if getattr(load_source(self.source), "is_read_in_one_pass", False):
            yield self
            return
        refs: list[RunRef] = []
        size = 0
        for ref in self.refs:
            refs.append(ref)
            size += ref.size
            if len(refs) >= _CHUNK_RUNS or size >= _CHUNK_BYTES:
                yield self._of(refs)
                refs, size = [], 0
        if refs:
            yield self._of(refs)

    def _of(self, refs: Sequence[RunRef]) -> Task:
        before = {ref.key: self.before[ref.key] for ref in refs if ref.key in self.before}
        return Task(self.source, self.place, tuple(refs), before, self.is_alone)


class Told(msgspec.Struct, frozen=True):
    """What came of a run of a task: where it lies now, or why it could not be read. `is_last`: of the whole task."""

    key: str = ""
    landed: Landed | None = None
    problem: str = ""
    is_last: bool = False


def read_task(mirror: Path, task: Task) -> Iterator[Told]:
    """Read the runs of a task in this process. A run whose reading breaks off is left; the others are read."""
    source, place = load_source(task.source), Place(Path(task.place))
    wanted = {ref.key: ref for ref in task.refs}
    left, landed = dict(wanted), dict(task.before)
    packing = Packing(mirror) if len(wanted) >= _WORTH_A_PACK else None
    landing = Landing(mirror, task.source, place, packing, task.is_alone)
    while left:
        refs, done = list(left.values()), len(left)
        try:
            for read in source.read(place.path, refs):
                if packing is not None and (packing.is_full or read.key in packing):
                    yield from _packed(packing, landed)
                now = landing.land(wanted[read.key].version, read, landed.get(read.key))
                left.pop(read.key, None)
                if now is not None:
                    landed[read.key] = now
                    yield Told(read.key, now)
            left = {}  # what is still there has gone
        except Exception as error:  # one run's fault, or a mistake in its source, hides no other run
            if len(left) == done:
                ref = refs[0]
                left.pop(ref.key)
                if len(refs) > 1:
                    yield from read_task(
                        mirror, Task(task.source, task.place, (ref,), task.before, task.is_alone)
                    )
                else:
                    yield Told(ref.key, problem=_reason(error))
    if packing is not None:
        yield from _packed(packing, landed)


def _packed(packing: Packing, landed: dict[str, Landed]) -> Iterator[Told]:
    """Write a pack; what came of its runs."""
    keys = packing.keys
    try:
        written = {each.key: each for each in packing.write()}
    except (OSError, LabtopError) as error:
        yield from (Told(key, problem=_reason(error)) for key in keys)
        return
    landed.update(written)
    yield from (Told(key, each) for key, each in written.items())


def _reason(error: Exception) -> str:
    if isinstance(error, LabtopError):
        return error.message
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"what was read cannot be kept in the cache: {error.strerror}"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return f"cannot be understood: {type(error).__name__}: {error}"


def read_tasks(mirror: Path, tasks: Sequence[Task]) -> Iterator[tuple[Task, Told]]:
    """Read all tasks; what came of each run, in the order in which they are done."""
    runs = sum(len(task.refs) for task in tasks)
    size = sum(ref.size for task in tasks for ref in task.refs)
    if runs < _WORTH_PROCESSES_RUNS and size < _WORTH_PROCESSES_BYTES:
        for task in tasks:
            for told in read_task(mirror, task):
                yield task, told
        return
    with _Readers(mirror, [chunk for task in tasks for chunk in task.chunks()]) as readers:
        yield from readers.events()


@dataclass(eq=False)
class _Reader:
    """A process that reads, the task it is at, and the keys it has told of."""

    popen: subprocess.Popen[bytes]
    task: Task | None = None
    told: set[str] = field(default_factory=set)


class _Readers:
    """Processes that read tasks. What one that dies has left is read in this process."""

    def __init__(self, mirror: Path, tasks: list[Task]) -> None:
        self._mirror = mirror
        self._tasks = tasks[::-1]
        self._answers: queue.SimpleQueue[tuple[_Reader, Told | None]] = queue.SimpleQueue()
        self._readers: list[_Reader] = []
        self._listeners: list[threading.Thread] = []

    def __enter__(self) -> _Readers:
        for _ in range(min(os.cpu_count() or 1, _MOST_PROCESSES, len(self._tasks))):
            try:
                self._start()
            except OSError:
                break
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._readers:
            each.popen.kill()
            each.popen.wait()
        for listener in self._listeners:
            listener.join()
        for each in self._readers:
            for pipe in (each.popen.stdin, each.popen.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _start(self) -> None:
        reader = _Reader(
            subprocess.Popen(
                [sys.executable, "-P", "-c", _START, json.dumps(sys.path), str(self._mirror)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        self._readers.append(reader)
        listener = threading.Thread(target=self._listen, args=(reader,), daemon=True, name="labtop-sources")
        self._listeners.append(listener)
        listener.start()

    def _listen(self, reader: _Reader) -> None:
        assert reader.popen.stdout
        try:
            for line in reader.popen.stdout:
                self._answers.put((reader, decode(line, Told)))
        except (OSError, ValueError, msgspec.MsgspecError):  # it died, at its end or in the middle of a line
            pass
        self._answers.put((reader, None))

    def events(self) -> Iterator[tuple[Task, Told]]:
        """What came of each run. A process that dies is replaced; a run that is its death twice is left."""
        busy = {reader for reader in self._readers if self._go_on(reader)}
        while busy:
            reader, told = self._answers.get()
            if reader not in busy or reader.task is None:
                continue
            if told is None:
                busy.discard(reader)
                task, left = reader.task, _untold(reader.task, reader.told)
                if len(task.refs) == 1 and left:
                    yield task, Told(task.refs[0].key, problem="reading it ended the process that read it")
                    left = []
                self._tasks += left[::-1]
                if self._tasks and (other := self._replaced()) is not None and self._go_on(other):
                    busy.add(other)
            elif told.is_last:
                if not self._go_on(reader):
                    busy.discard(reader)
            else:
                reader.told.add(told.key)
                yield reader.task, told
        for task in self._tasks[::-1]:  # no process can be started here
            for told in read_task(self._mirror, task):
                yield task, told

    def _replaced(self) -> _Reader | None:
        """A new process; None where none can be started."""
        try:
            self._start()
        except OSError:
            return None
        return self._readers[-1]

    def _go_on(self, reader: _Reader) -> bool:
        """Give a process the next task; False when there is none."""
        reader.task = self._tasks.pop() if self._tasks else None
        reader.told = set()
        if reader.task is None:
            return False
        assert reader.popen.stdin
        with contextlib.suppress(OSError):  # that it is gone shows when it is listened to
            reader.popen.stdin.write(encode(reader.task) + b"\n")
            reader.popen.stdin.flush()
        return True


def _untold(task: Task, told: set[str]) -> list[Task]:
    """What a process that died had not told of, run by run: one of them may have been its death."""
    refs = [ref for ref in task.refs if ref.key not in told]
    return [Task(task.source, task.place, (ref,), task.before, task.is_alone) for ref in refs]


def serve() -> None:
    """Read tasks as they come on standard input, and tell of each run on standard output."""
    mirror = Path(sys.argv[2])
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints must not come between
    for line in sys.stdin.buffer:
        for told in read_task(mirror, decode(line, Task)):
            answers.write(encode(told) + b"\n")
            answers.flush()
        answers.write(encode(Told(is_last=True)) + b"\n")
        answers.flush()


def task_of(
    found: Found, refs: Sequence[RunRef], before: Mapping[str, Landed], is_alone: bool = False
) -> Task:
    """The task to read some runs of a place."""
    known = {ref.key: before[ref.key] for ref in refs if ref.key in before}
    return Task(found.source, str(found.place.path), tuple(refs), known, is_alone)
