"""Records a command while it runs, in a thread of its own: facts, output, metrics and the end.

Nothing in here can hold up the command or change what it ends with; what goes wrong is said when it has ended.
"""

from __future__ import annotations

import codecs
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import LabtopError
from labtop.model.run import Life, RunError, RunRecord, Status
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.home import open_home, refuge_of
from labtop.recording.output import OUTPUT, OutputLog
from labtop.recording.wrapped.order import Order, Place
from labtop.recording.wrapped.picking import Picker, PointSink
from labtop.recording.wrapped.relay import Tap
from labtop.recording.wrapped.starting import NotStarted
from labtop.recording.wrapped.subject import describe_command, name_of, parse_params
from labtop.recording.wrapped.surroundings import capture_surroundings
from labtop.recording.start import durability_of
from labtop.settings import Settings
from labtop.store.layout import file_mode, run_folder
from labtop.store.process import this_process
from labtop.store.writer import RunWriter

_LOOK_S = 0.25  # between looks at files and output
_OWN_FAULTS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
_STILL_KILLED_S = 120.0  # a command that ends so soon after a signal ended because of it


class Keeper(threading.Thread):
    """Records one command. `done` is set when there is nothing left to wait for; `words` are then to be said."""

    def __init__(self, order: Order, place: Place, tap: Tap, picker: Picker | None, began_at: float) -> None:
        super().__init__(name="labtop-keeper", daemon=True)
        self.done = threading.Event()
        self.words: list[str] = []
        self._order = order
        self._place = place
        self._tap = tap
        self._picker = picker
        self._began_at = began_at
        self._outcome: _Outcome | None = None
        self._signal: tuple[str, float] | None = None  # the last one that asked for the end, and when
        self._hurry = threading.Event()
        self._facts: RunFacts | None = None

    # -- what the session tells ----------------------------------------------------------------------------------

    def end(self, status: int, ended_at: float) -> None:
        """The command has ended, with a status as of `waitpid`."""
        self._outcome = _Outcome(status, ended_at)
        self._tap.wake()

    def end_unstarted(self, trouble: NotStarted) -> None:
        """There was no command."""
        self._outcome = _Outcome(
            trouble.exit_code << 8, time.time(), RunError(type="NotStarted", message=str(trouble))
        )
        self._tap.wake()

    def note_signal(self, name: str) -> None:
        """A signal came that is passed on: the next may be the last."""
        self._signal = (name, time.time())
        if (facts := self._facts) is not None:
            with facts.safely("signal"):
                facts.set_life(signal=name)
                threading.Thread(target=facts.writer.flush, daemon=True).start()

    def hurry(self) -> None:
        """Write down what there is, and wait for nothing more."""
        self._hurry.set()

    # -- the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Record until the end."""
        logging.getLogger("labtop").addHandler(_Words(self.words))
        logging.getLogger("labtop").propagate = False
        try:
            self._record()
        except LabtopError as error:
            self.words.append(f"labtop: {error}; this command was not recorded")
        except Exception as error:
            self.words.append(f"labtop: an internal error, please report it: {error!r}")
        finally:
            self._tap.close()
            self.done.set()

    def _record(self) -> None:
        settings = Settings.load(store=self._order.store, project=self._order.project)
        redactor = Redactor.build(os.environ, settings.redact)
        facts, folder = self._begin(settings, redactor)
        self._facts = facts
        log = None
        if settings.capture_output:
            with facts.safely("output"):
                mode = file_mode(settings.shared)
                log = OutputLog(folder / OUTPUT, redactor, settings.output_max_bytes, mode)
        capture = threading.Thread(
            target=capture_surroundings, args=(facts, folder, self._order.command, settings), daemon=True
        )
        capture.start()
        picker = self._picker
        sink = PointSink(facts)
        self._follow(facts, log, sink)
        if picker is not None:
            with facts.safely("metrics"):
                picker.finish(sink)
        if log is not None:
            log.close()
            if log.problem:
                facts.trouble("output", log.problem)
        while capture.is_alive() and not self._hurry.is_set():
            capture.join(0.02)
        if capture.is_alive():
            facts.trouble("capture", "interrupted before code, environment and hardware were recorded")
        self._write_end(facts)

    def _begin(self, settings: Settings, redactor: Redactor) -> tuple[RunFacts, Path]:
        place, order = self._place, self._order
        home = open_home(Path(place.store), settings)
        text = redactor.text
        record = RunRecord(
            id=place.run_id,
            name=text(order.name or f"{name_of(order.command)}-{place.run_id[:4]}"),
            project=text(place.project),
            started_at=datetime.fromtimestamp(self._began_at, UTC),
            params=redactor.tree(parse_params(order.params)),
            command=describe_command(order.command, redactor, None),
            life=Life(
                group=text(order.group) if order.group else None,
                job_type=text(order.job_type) if order.job_type else None,
                tags=tuple(dict.fromkeys(map(text, order.tags))),
                notes=text(order.notes or ""),
                parent_id=place.parent_id,
                process=this_process(),
            ),
        )
        folder = run_folder(home.store, record.project, record.id)
        writer = RunWriter(
            folder,
            record,
            shared=settings.shared,
            durability=durability_of(settings),
            refuge=refuge_of(home, record, settings),
        )
        facts = RunFacts(record, writer, redactor, shared=settings.shared)
        with facts.safely("spooling"):
            home.mark(folder)
        if home.trouble:
            facts.trouble("store", home.trouble)
        writer.flush()
        return facts, folder

    def _follow(self, facts: RunFacts, log: OutputLog | None, sink: PointSink) -> None:
        """Take output and look at files until the command has ended and all it wrote was taken."""
        decoders = _Decoders()
        picker, looked_at = self._picker, 0.0
        while True:
            is_last = self._outcome is not None
            for stream, data in self._tap.take(0.0 if is_last else _LOOK_S):
                text = decoders.decode(stream, data)
                if log is not None:
                    log.take(stream, text)
                if picker is not None and picker.wants_output:
                    with facts.safely("metrics"):
                        picker.take(stream, text, sink)
            if is_last:
                return
            now = time.monotonic()
            if picker is not None and now - looked_at >= _LOOK_S:
                with facts.safely("metrics"):
                    picker.look(sink)
                looked_at = now

    def _write_end(self, facts: RunFacts) -> None:
        outcome = self._outcome
        if outcome is None:
            return
        status, exit_code, name, error = outcome.facts(self._signal)
        life = facts.record.life
        facts.set_life(exit_code=exit_code, signal=name or life.signal, error=life.error or error)
        facts.writer.close(status, datetime.fromtimestamp(outcome.ended_at, UTC))


class _Outcome:
    """How a command ended."""

    def __init__(self, status: int, ended_at: float, error: RunError | None = None) -> None:
        self.status = status
        self.ended_at = ended_at
        self.error = error

    def facts(self, asked: tuple[str, float] | None) -> tuple[Status, int, str | None, RunError | None]:
        """Status, exit code, signal and error; `asked` is the last signal that was passed on to it, and when."""
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            name = _signal_name(number)
            if name in _OWN_FAULTS:
                error = RunError(type=name, message=f"the command died: {signal.strsignal(number) or name}")
                return Status.FAILED, 128 + number, name, error
            return Status.KILLED, 128 + number, name, self.error
        code = os.WEXITSTATUS(self.status)
        if asked is not None and self.ended_at - asked[1] < _STILL_KILLED_S and not asked[0].startswith("SIGUSR"):
            return Status.KILLED, code, asked[0], self.error
        return Status.FAILED if code else Status.FINISHED, code, None, self.error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"


class _Decoders:
    """Bytes of streams as text, with what is no text as escapes."""

    def __init__(self) -> None:
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}

    def decode(self, stream: str, data: bytes) -> str:
        """The text of the next bytes."""
        if stream not in self._decoders:
            self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        return self._decoders[stream].decode(data)


class _Words(logging.Handler):
    """Keeps what recording has to say until the command has ended: the terminal is the command's."""

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        with suppress(Exception):
            self._words.append(record.getMessage())
