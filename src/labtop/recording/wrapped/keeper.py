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
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from labtop.errors import LabtopError
from labtop.model.run import Life, RunError, RunRecord, Status, Writer
from labtop.recording.capture.command import relative_to
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.failure import Outcome
from labtop.recording.home import open_home, refuge_of
from labtop.recording.invited import errors_of, note_deaths
from labtop.recording.moving import Moving
from labtop.recording.output import OUTPUT, OutputLog
from labtop.recording.rehearsal import rehearse_end
from labtop.recording.system.sampler import SystemSampler, samples_here
from labtop.recording.wrapped.last_words import LastWords
from labtop.recording.wrapped.order import Order, Place
from labtop.recording.wrapped.picking import Picker
from labtop.recording.wrapped.point_sink import PointSink
from labtop.recording.wrapped.subject import describe_command, name_of, parse_params
from labtop.recording.wrapped.surroundings import capture_surroundings
from labtop.recording.wrapped.told import Told
from labtop.settings import Settings
from labtop.store.layout import file_mode, run_folder
from labtop.store.process import this_process
from labtop.store.record_file import Durability
from labtop.store.writer import RunWriter
from labtop.store.writers import read_writers

_DURABILITIES: Mapping[str, Durability] = {"process": "process", "os": "os", "sync": "sync"}
_COUNT_S = 5.0  # between looks whether programs that joined are still there
_LOOK_S = 0.25  # between looks at files and output
_OWN_FAULTS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
_ASK_FOR_END = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
_SAMPLE_PATIENCE_S = 0.5
_MOVE_PATIENCE_S = 10.0
_STILL_KILLED_S = 120.0  # a command that ends so soon after a signal ended because of it


class Keeper:
    """Records one command, as it is told of it."""

    def __init__(
        self, order: Order, place: Place, picker: Picker | None, began_at: float, told: Told
    ) -> None:
        self._order = order
        self._place = place
        self._picker = picker
        self._began_at = began_at
        self._told = told
        self._signals_noted = 0
        self._last_words = LastWords()
        self._moving = Moving()

    def record(self) -> None:
        """Record until the end, in the thread that calls."""
        logger = logging.getLogger("labtop")
        logger.addHandler(_Words(self._told.words))
        logger.propagate = False
        try:
            self._record()
        except LabtopError as error:
            self._told.words.append(f"labtop: {error}; this command was not recorded")

    def _record(self) -> None:
        settings = Settings.load(store=self._order.store, project=self._order.project)
        redactor = Redactor.build(os.environ, settings.redact)
        facts, folder = self._begin(settings, redactor)
        log = None
        if settings.capture_output:
            with facts.safely("output"):
                mode = file_mode(settings.shared)
                log = OutputLog(folder / OUTPUT, redactor, settings.output_max_bytes, mode)
        capture = threading.Thread(target=self._look_around, args=(facts, folder, settings), daemon=True)
        capture.start()
        self._moving.facts, self._moving.output = facts, log
        self._moving.wait_for_background = capture.join
        picker = self._picker
        sink = PointSink(facts)
        sampler = _sampler(facts, settings, sink, folder)
        self._follow(facts, log, sink, folder)
        if not (facts.writer.folder or folder).is_dir():
            facts.writer.flush()  # it finds out that the store went away
            facts.writer.flush()  # it moves, the output with it
            self._moving.take_output(_MOVE_PATIENCE_S)
        if sampler is not None:
            sampler.stop(_SAMPLE_PATIENCE_S)
        if picker is not None:
            with facts.safely("metrics"):
                picker.finish(sink)
        if log is not None:
            log.close()
            if log.problem:
                facts.trouble("output", log.problem)
        while capture.is_alive() and not self._told.hurried.is_set():
            capture.join(0.02)
        if capture.is_alive():
            facts.trouble("capture", "interrupted before code, environment and hardware were recorded")
        self._moving.settle(_MOVE_PATIENCE_S)
        self._write_end(facts, facts.writer.folder or folder)

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
            who=Writer(role="command", process=record.life.process, wants_record=True, ends_run=True),
            shared=settings.shared,
            durability=_DURABILITIES.get(settings.durability, "os"),
            refuge=refuge_of(home, folder, settings, self._moving),
        )
        facts = RunFacts(record, writer, redactor, shared=settings.shared)
        with facts.safely("spooling"):
            home.mark(folder)
        if home.trouble:
            facts.trouble("store", home.trouble)
        writer.flush()
        return facts, folder

    def _look_around(self, facts: RunFacts, folder: Path, settings: Settings) -> None:
        capture_surroundings(
            facts, folder, Path(self._place.store), self._order.command, settings, self._moving
        )
        if self._told.exit_code is None:  # it goes on: its end, which somebody waits for, can be made ready
            with facts.safely("getting ready for the end"):
                rehearse_end()

    def _follow(self, facts: RunFacts, log: OutputLog | None, sink: PointSink, folder: Path) -> None:
        """Take output and look at files until the command has ended and all it wrote was taken."""
        decoders = _Decoders(self._told.ends_with_return)
        picker, looked_at, counted_at = self._picker, 0.0, time.monotonic()
        while True:
            is_last = self._told.exit_code is not None
            for stream, data in self._told.tap.take(0.0 if is_last else _LOOK_S):
                text = decoders.decode(stream, data)
                self._last_words.take(stream, text)
                if log is not None:
                    log.take(stream, text)
                if picker is not None and picker.wants_output:
                    with facts.safely("metrics"):
                        picker.take(stream, text, sink)
            if is_last:
                return
            self._note_signals(facts)
            now = time.monotonic()
            if picker is not None and now - looked_at >= _LOOK_S:
                with facts.safely("metrics"):
                    picker.look(sink)
                looked_at = now
            if now - counted_at >= _COUNT_S:
                with facts.safely("programs"):
                    note_deaths(folder, file_mode(facts.shared))
                counted_at = now

    def _note_signals(self, facts: RunFacts) -> None:
        if len(self._told.signals) > self._signals_noted:
            self._signals_noted = len(self._told.signals)
            with facts.safely("signal"):
                facts.set_life(signal=self._told.signals[-1][0])
                facts.writer.flush()

    def _write_end(self, facts: RunFacts, folder: Path) -> None:
        outcome = outcome_of(self._told)
        life = facts.record.life
        inside = [each.error for each in errors_of(read_writers(folder))]
        if outcome.status is Status.FAILED and not (inside or outcome.error):
            printed = self._last_words.error()
            inside = [printed and as_recorded(printed, facts)]
        facts.set_life(
            exit_code=outcome.exit_code,
            signal=outcome.signal or life.signal,
            error=inside[-1] if inside else outcome.error,
        )
        facts.writer.close(outcome.status, datetime.fromtimestamp(self._told.ended_at, UTC))


def _sampler(facts: RunFacts, settings: Settings, sink: PointSink, folder: Path) -> SystemSampler | None:
    """Measures the machine, and this process with all that the command started; not once a program inside does."""
    if not settings.system_metrics or not samples_here(None, os.environ):
        return None

    def is_wanted() -> bool:
        return not any(each.role == "program" for each in read_writers(folder))

    sampler = SystemSampler(
        facts, lambda: sink.last_step + 1, settings.system_interval_s, is_wanted=is_wanted
    )
    sampler.start()
    return sampler


def as_recorded(error: RunError, facts: RunFacts) -> RunError:
    """An error without secrets, its place as seen from the top of the repository."""
    text, (file, line) = facts.redactor.text, error.where.rsplit(":", 1) if error.where else ("", "")
    where = (
        f"{relative_to(Path(file), facts.root or Path.cwd())}:{line}"
        if file[:1] not in ("", "<")
        else error.where
    )
    return RunError(type=text(error.type), message=text(error.message), where=text(where))


def outcome_of(told: Told) -> Outcome:
    """How a command ended, from its exit code and the signals that were passed on to it."""
    code = told.exit_code or 0
    if told.trouble is not None:
        error = RunError(type="NotStarted", message=str(told.trouble))
        return Outcome(Status.FAILED, told.trouble.exit_code, None, error)
    if code < 0:
        number = -code
        name = _signal_name(number)
        if name not in _OWN_FAULTS:
            return Outcome(Status.KILLED, 128 + number, name)
        error = RunError(type=name, message=f"the command died: {signal.strsignal(number) or name}")
        return Outcome(Status.FAILED, 128 + number, name, error)
    asked = [
        name for name, at in told.signals if told.ended_at - at < _STILL_KILLED_S and name in _ASK_FOR_END
    ]
    if asked:
        return Outcome(Status.KILLED, code, asked[-1])
    return Outcome(Status.FAILED if code else Status.FINISHED, code)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"


class _Decoders:
    """Bytes of streams as text, with what is no text as escapes; terminals end a line with a return too."""

    def __init__(self, ends_with_return: frozenset[str]) -> None:
        self._ends_with_return = ends_with_return
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._rest: dict[str, bytes] = {}

    def decode(self, stream: str, data: bytes) -> str:
        """The text of the next bytes."""
        if stream not in self._decoders:
            self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        if stream in self._ends_with_return:
            data = self._rest.pop(stream, b"") + data
            if data.endswith(b"\r"):
                data, self._rest[stream] = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n")
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
