"""Rich values of a live run: copied when they are logged, encoded, hashed and written by a thread of their own."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from labtop.model.run import Artifact
from labtop.model.values.base import MEDIA, RichValue, is_value
from labtop.recording.facts import RunFacts
from labtop.recording.writing import NoWriter
from labtop.store.files import FILES, Files, replace_file
from labtop.store.layout import file_mode, make_folders

MOST_WAITING = 1_000
MOST_WAITING_BYTES = 256 * 2**20
LONGEST_WAIT_S = 0.04  # of one log() for room: it never takes 50 ms because the disk is slow


class _Waiting(NamedTuple):
    """A snapshot that is to be kept."""

    name: str
    value: RichValue
    step: float
    weight: int


class ValueLog:
    """Keeps the rich values of one run. With `strict` at once, so that what goes wrong can be raised."""

    def __init__(self, facts: RunFacts, run_folder: Path, files: Files = FILES) -> None:
        self._facts = facts
        self._folder = run_folder
        self._files = files
        self._start()

    def _start(self) -> None:
        # re-entrant: a signal handler may find its own thread in here
        self._change = threading.Condition(threading.RLock())
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._kinds_met: set[str] = set()  # those that were kept once: all they need is imported
        self._left_out = 0
        self._done: deque[Artifact] = deque()  # kept, and not in the record yet
        known = [each for each in self._facts.record.artifacts if is_value(each)]
        self._kept, self._kept_bytes = len(known), sum(each.bytes or 0 for each in known)

    # -- in the program's thread ---------------------------------------------------------------------------------

    def take(self, values: Sequence[tuple[str, RichValue, float]]) -> None:
        """Keep values, each with its name (clean) and step; never takes long, and says once what cannot be kept."""
        if isinstance(self._facts.writer, NoWriter):
            return
        until = time.monotonic() + LONGEST_WAIT_S
        for name, value, step in values:
            with self._facts.safely(f"logging {name!r}"):
                self._take(name, value, step, until)

    def _take(self, name: str, value: RichValue, step: float, until: float) -> None:
        self._facts.tell_unknown(type(value).__name__, dict.fromkeys(value.unused))
        try:
            snapshot = value.snapshot()
        except (ValueError, TypeError, OSError) as error:
            self._facts.refuse(f"value {name}", f"{name!r} is not logged: {error}")
            return
        each = _Waiting(name, snapshot, step, snapshot.weight)
        if self._facts.strict or not self._queue(each, until):
            self._keep(each)

    def _queue(self, each: _Waiting, until: float) -> bool:
        """Leave a value to the thread; False where there can be none."""
        with self._change:
            while self._is_full(each.weight) and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            if self._is_full(each.weight):
                self._leave_out("rich values come faster than they can be written; some are left out")
                return True
            if not self._has_thread():
                return False
            self._waiting.append(each)
            self._waiting_bytes += each.weight
            self._change.notify_all()
            return True

    def _is_full(self, weight: int) -> bool:
        if not self._waiting:  # one is always taken, however large
            return False
        return len(self._waiting) >= MOST_WAITING or self._waiting_bytes + weight > MOST_WAITING_BYTES

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="labtop-values", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is being left, or the system has no thread to give
                return False
            self._thread = thread
        return True

    def _leave_out(self, why: str) -> None:
        self._left_out += 1
        self._facts.trouble("values behind", why)

    # -- in the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    if self._is_closed:
                        return
                    self._change.wait()
                each = self._waiting[0]  # it counts until it is kept
            with self._facts.safely(f"keeping {each.name!r}"):
                self._keep(each)
            with self._change:
                self._waiting.popleft()
                self._kinds_met.add(each.value.kind)
                self._waiting_bytes -= each.weight
                self._change.notify_all()
            del each

    def _keep(self, each: _Waiting) -> None:
        """Encode, write and record a value."""
        facts = self._facts
        if self._kept >= facts.settings.values_max or self._kept_bytes >= facts.settings.values_max_bytes:
            self._left_out += 1
            facts.refuse(
                "values full",
                f"a run keeps {facts.settings.values_max} rich values and {facts.settings.values_max_bytes} bytes of "
                "them; more are left out (settings values_max, values_max_bytes)",
            )
            return
        from labtop.store.values.encoding import encode_value

        try:
            encoded = encode_value(each.value, facts.redactor.text)
        except (ValueError, TypeError, OverflowError, MemoryError) as error:
            facts.refuse(f"value {each.name}", f"{each.name!r} is not logged: {error}")
            return
        sha256 = hashlib.sha256(encoded.content).hexdigest()
        path = (self._facts.writer.folder or self._folder) / MEDIA / f"{sha256}.{encoded.suffix}"
        try:
            self._write(path, encoded.content)
        except OSError as error:
            self._left_out += 1
            facts.trouble("values", f"{each.name!r} is not kept: {error.strerror or error}")
            return
        artifact = Artifact(
            name=each.name,
            path=f"{MEDIA}/{path.name}",
            kind=each.value.kind,
            step=each.step,
            bytes=len(encoded.content),
            sha256=sha256,
            about=encoded.about,
        )
        self._kept += 1
        self._kept_bytes += len(encoded.content)
        self._done.append(artifact)
        # who holds the lock may be waiting for this thread, in a signal handler: then it takes what is done itself
        if facts.lock.acquire(timeout=0.1):
            try:
                self._record()
            finally:
                facts.lock.release()

    def _record(self) -> None:
        """Put what is done into the record; the caller holds the lock of the facts."""
        done = []
        while self._done:
            done.append(self._done.popleft())
        if done:
            self._facts.add_artifacts(done)

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file unless it is there: its name is its content."""
        if path.is_file() and path.stat().st_size == len(content):
            return
        make_folders(path.parent, self._facts.shared)
        replace_file(path, content, files=self._files, mode=file_mode(self._facts.shared))

    # -- the end, and children -----------------------------------------------------------------------------------

    def drain(self, patience_s: float) -> None:
        """Wait until all is kept, as long as `patience_s`. Not while holding the lock of the facts, if it can be."""
        until = time.monotonic() + patience_s
        with self._change:
            while self._waiting and (left := until - time.monotonic()) > 0:
                self._change.wait(left)

    def finish(self) -> None:
        """Take no more, and say how many values were left out."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
            self._left_out += len(self._waiting)
        with self._facts.lock:
            self._record()
        if self._left_out:
            number = f"{self._left_out} rich value{'s' * (self._left_out != 1)}"
            self._facts.trouble("values left out", f"{number} could not be kept")

    def before_fork(self, patience_s: float) -> None:
        """Wait until what encodes the kinds that wait is imported: a child could never import it then."""
        until = time.monotonic() + patience_s
        with self._change:
            while any(each.value.kind not in self._kinds_met for each in self._waiting):
                if (left := until - time.monotonic()) <= 0:
                    return
                self._change.wait(left)

    def after_fork(self) -> None:
        """In a child: what waits is the parent's business."""
        self._start()
