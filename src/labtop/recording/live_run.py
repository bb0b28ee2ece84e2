"""What goes on beside a live run's script, and how the run ends: by its own word, an exception, a signal, the process.

`Run` adds to this what a script says. The hooks of the process (endings.py) call what is here.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labtop.model.run import Status
from labtop.recording.background import Background
from labtop.recording.capture.numeric_libraries import with_library_facts
from labtop.recording.capture.seeds import randomness_now, unseeded
from labtop.recording.endings import hooks
from labtop.recording.facts import RunFacts
from labtop.recording.failure import Outcome, outcome_of
from labtop.recording.launch import this_launch
from labtop.recording.moving import Moving
from labtop.recording.notebook_cells import NotebookCells
from labtop.recording.output import OutputCapture
from labtop.recording.points import PointLog
from labtop.recording.system.sampler import SystemSampler
from labtop.recording.values import ValueLog
from labtop.recording.warning import complain

PATIENCE_S = 30.0  # how long the end of a run waits for what is still being found out
_HURRY_S = 0.5
_VALUES_PATIENCE_S = 60.0  # for rich values that are still being written
_VALUES_HURRY_S = 1.5
_FORK_S = 1.0


class LiveRun:
    """A run in the process that records it, with the threads and copies that serve it; see `endings.OpenRun`."""

    def __init__(self, facts: RunFacts, folder: Path, next_step: int = 0) -> None:
        self.output: OutputCapture | None = None
        self.background: Background | None = None
        self.notebook: NotebookCells | None = None
        self.system: SystemSampler | None = None
        self.moving = Moving()
        self._facts = facts
        self._folder = folder
        self._values = ValueLog(facts, folder)
        self._points = PointLog(facts, self._values, next_step)
        self._pid = os.getpid()
        self._has_forked = False
        self._has_ended = False

    @property
    def folder(self) -> Path:
        """Where the run is written: in its store, or in a spool when it had to leave that."""
        return self._facts.writer.folder or self._folder

    @property
    def has_ended(self) -> bool:
        """Whether the run was ended in this process."""
        return self._has_ended

    def end_with(self, error: BaseException) -> None:
        """End by an exception that leaves the program."""
        outcome = outcome_of(error, self._facts.root)
        if self._is_killed and isinstance(error, SystemExit):
            outcome = self._signalled()  # a handler of the program turned a signal into an exit
        self.end(outcome)

    def end_at_exit(self, outcome: Outcome) -> None:
        """End with the process, when nobody said how."""
        self.end(self._signalled() if self._is_killed else outcome)

    def end(self, outcome: Outcome) -> None:
        """Write down how it ended, and let go of everything."""
        self._values.drain(_VALUES_PATIENCE_S if outcome.signal is None else _VALUES_HURRY_S)
        if self.system is not None and self.is_ours:
            self.system.stop(PATIENCE_S if outcome.signal is None else _HURRY_S)
        if self.is_ours and not self._has_ended:
            with self._facts.safely("finish"):
                patience_s = PATIENCE_S if outcome.signal is None else _HURRY_S
                self._end_background(patience_s)
                self._leave_store(patience_s)
        with self._facts.lock, hooks.deferring():
            if self._has_ended:
                return
            try:
                if self.is_ours:
                    self._write_end(outcome)
                else:
                    self._values.finish()
                    self._facts.writer.close()
            finally:
                self._has_ended = True
                self._points.close()
                hooks.forget(self)

    def _end_background(self, patience_s: float) -> None:
        """Wait for what is still being found out, while the record is not held: the thread needs it."""
        if self.background is not None and not self.background.wait(patience_s):
            undone = ", ".join(self.background.undone)
            self._facts.trouble("background", f"the run ended before this was done: {undone}")

    def _leave_store(self, patience_s: float) -> None:
        """See to it that what belongs to a run whose store went away is with it; nobody may have noticed yet."""
        if self.folder != Path(os.devnull) and not self.folder.is_dir():
            self._facts.writer.flush()  # it finds out
            self._facts.writer.flush()  # it moves
        self.moving.settle(patience_s)

    def _write_end(self, outcome: Outcome) -> None:
        facts = self._facts
        with facts.safely("finish"):
            self._points.commit()
        with facts.safely("finish"):
            self._values.finish()
        with facts.safely("finish"):
            randomness = randomness_now(facts.record.randomness, facts.imported_before)
            hardware = with_library_facts(facts.record.hardware, facts.record.environment.packages)
            facts.set(randomness=randomness, hardware=hardware)
            is_first = (launch := this_launch()) is None or not launch.rank  # one word from many ranks
            if (
                known := is_first and randomness.seeds and unseeded(randomness)
            ):  # seeding one meant to seed all
                facts.advise(f"{', '.join(known)} was used and never seeded: call seed() after the import")
        if self.notebook is not None:
            with facts.safely("recording the notebook"):
                self.notebook.stop()
        if self.output is not None:
            with facts.safely("output"):
                self.output.stop()
                if problem := self.output.log.problem:
                    facts.trouble("output", problem)
        with facts.safely("finish"):
            error = outcome.error and replace(
                outcome.error, message=facts.redactor.text(outcome.error.message)
            )
            signal = outcome.signal or facts.record.life.signal
            facts.set_life(exit_code=outcome.exit_code, signal=signal, error=error)
        with facts.safely("finish"):
            facts.writer.close(outcome.status)
        if self.background is not None:
            self.background.tell_failure()
        if self.folder != self._folder:
            complain(
                f"{self._folder} could not be written to; the run is in {self.folder}: "
                "'labtop sync' brings it to its store"
            )

    # -- signals and children ------------------------------------------------------------------------------------

    @property
    def is_ours(self) -> bool:
        """Whether this process, and no child of it, records the run."""
        return os.getpid() == self._pid

    @property
    def progress(self) -> object:
        """What changes when something is logged."""
        return self._points.next_step

    def note_signal(self, name: str, is_end: bool) -> None:
        """Write down that a signal came; `is_end`: it may be the last thing there is time for."""
        with self._facts.safely("signal"):
            self._facts.set_life(signal=name)
            if is_end:
                self._facts.set(status=Status.KILLED, ended_at=datetime.now(UTC))
            self._facts.writer.flush()

    def went_on(self) -> None:
        """The handler of the program came back: the signal was not the end."""
        if not self._has_ended and self._is_killed:
            self._facts.set(status=Status.RUNNING, ended_at=None)

    @property
    def _is_killed(self) -> bool:
        return self._facts.record.status is Status.KILLED

    def _signalled(self) -> Outcome:
        life = self._facts.record.life
        return Outcome(Status.KILLED, life.exit_code, life.signal)

    def before_fork(self) -> None:
        """A child could never import what another thread imports right now: let that come to its end."""
        self._values.before_fork(_FORK_S)
        if self.background is not None and not self._has_forked:
            self._has_forked = True  # waited for once: imports come first in the thread
            self.background.wait(_FORK_S)

    def after_fork(self) -> None:
        """In a child: points go to a writer of its own, and only if there are any."""
        self._facts.after_fork()
        self._points.after_fork()
        self.system = None
        if self.output is not None:
            self.output.log.after_fork()
