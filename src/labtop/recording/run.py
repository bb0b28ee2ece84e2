"""The run that a training script holds: everything that is recorded while it lives, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from labtop.model.run import Artifact, DataInput, Status
from labtop.model.system import is_system
from labtop.recording.artifacts import ArtifactFolder
from labtop.recording.background import Background
from labtop.recording.capture.numeric_libraries import with_library_facts
from labtop.recording.capture.seeds import Seeded, randomness_now, seed_libraries, unseeded
from labtop.recording.config import Config, as_tree
from labtop.recording.endings import hooks
from labtop.recording.facts import RunFacts
from labtop.recording.failure import Outcome, outcome_of
from labtop.recording.joining import invite
from labtop.recording.metric_names import MetricRule, parse_goal
from labtop.recording.notebook_cells import NotebookCells
from labtop.recording.output import OutputTee
from labtop.recording.points import PointLog
from labtop.recording.siblings import Sibling, write_sibling
from labtop.recording.summary import Summary, summary_metrics
from labtop.recording.system.sampler import SystemSampler
from labtop.recording.values import ValueLog
from labtop.recording.warning import complain

if TYPE_CHECKING:
    from labtop.recording.data_log import Role

_PATIENCE_S = 30.0  # how long the end of a run waits for what is still being found out
_HURRY_S = 0.5
_VALUES_PATIENCE_S = 60.0  # for rich values that are still being written
_VALUES_HURRY_S = 1.5
_FORK_S = 1.0


class Run:
    """A run that is being recorded. `labtop.init` makes one; `finish`, or leaving its `with` block, ends it."""

    def __init__(self, facts: RunFacts, folder: Path, next_step: int = 0) -> None:
        self._folder = folder
        self.is_in_with = False
        self.output: OutputTee | None = None
        self.background: Background | None = None
        self._has_forked = False
        self.notebook: NotebookCells | None = None
        self.system: SystemSampler | None = None
        self._facts = facts
        self._values = ValueLog(facts, folder)
        self._points = PointLog(facts, self._values, next_step)
        self._pid = os.getpid()
        self._has_ended = False
        self._config = Config(facts.record.params, self._on_config)
        self._summary = Summary(facts.record.summary, self._on_summary, self._last_values)

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's identity; any unique prefix of it names the run everywhere."""
        return self._facts.record.id

    @property
    def name(self) -> str:
        """The run's name; it may be set."""
        return self._facts.record.name

    @name.setter
    def name(self, name: str) -> None:
        self._facts.set(name=self._facts.redactor.text(str(name)))

    @property
    def project(self) -> str:
        """The project the run belongs to."""
        return self._facts.record.project

    @property
    def group(self) -> str | None:
        """The group of runs this one is part of; it may be set."""
        return self._facts.record.life.group

    @group.setter
    def group(self, group: str | None) -> None:
        self._facts.set_life(group=self._facts.redactor.text(str(group)) if group else None)

    @property
    def job_type(self) -> str | None:
        """What kind of work the run does: train, eval, …"""
        return self._facts.record.life.job_type

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags; they may be set."""
        return self._facts.record.life.tags

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        tags = [tags] if isinstance(tags, str) else tags
        clean = tuple(dict.fromkeys(self._facts.redactor.text(str(tag)) for tag in tags))
        self._facts.set_life(tags=clean)

    @property
    def notes(self) -> str:
        """What was noted about the run; it may be set."""
        return self._facts.record.life.notes

    @notes.setter
    def notes(self, notes: str) -> None:
        self._facts.set_life(notes=self._facts.redactor.text(str(notes)))

    @property
    def folder(self) -> Path:
        """Where the run is written: in its store, or in a spool when it had to leave that."""
        return self._facts.writer.folder or self._folder

    @property
    def dir(self) -> str:
        """The run's folder in the store."""
        return str(self.folder)

    @property
    def step(self) -> float:
        """The step that the next `log` without one gets."""
        return self._points.next_step

    def invite(self) -> dict[str, str]:
        """Environment variables with which another process joins this run: `os.environ.update(run.invite())`.

        Spawned workers and subprocesses that then call `labtop.init()` or `labtop.log()` write points of their own.
        """
        return invite(self.id, self.folder.parent.parent, self.project, "worker", self._facts.writer.writer)

    @property
    def parent_id(self) -> str | None:
        """The run that this one was forked from."""
        return self._facts.record.life.parent_id

    @property
    def resumed(self) -> bool:
        """Whether the run goes on after an earlier end."""
        return self._facts.record.life.resumed_from is not None

    @property
    def has_ended(self) -> bool:
        """Whether the run was ended in this process."""
        return self._has_ended

    @property
    def config(self) -> Config:
        """The parameters: `run.config["lr"]`, `run.config.lr`, `run.config.update(…)`."""
        return self._config

    @property
    def summary(self) -> Summary:
        """Single results: `run.summary["best"] = 0.93`."""
        return self._summary

    # -- points --------------------------------------------------------------------------------------------------

    def log(self, data: Mapping[str, Any], step: float | None = None, commit: bool | None = None) -> None:
        """Record values that belong together; when it returns they survive a `kill -9`.

        Arguments:
            data: numbers by name, and rich values (labtop.Image, Table, Histogram, ConfusionMatrix, Curve, Text);
                mappings inside are flattened with `/`. Anything else is refused with a word.
            step: where on the x axis; by default one more than before.
            commit: False keeps the values for the next call.
        """
        self._points.log(data, step, commit)

    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        summary: str | None = None,
        goal: str | None = None,
        **unknown: Any,
    ) -> None:
        """Say what a metric is for.

        Arguments:
            name: a name, or a glob such as `val/*` that also counts for names to come.
            step_metric: the metric that is its x axis, such as `epoch`.
            summary: `min` or `max` says the same as `goal`; all summaries are kept anyway.
            goal: `min` or `max`, or `minimize` and `maximize`: which way is better.
        """
        self._facts.tell_unknown("define_metric", unknown)
        rule = MetricRule(name, parse_goal(goal, summary), step_metric)
        with self._facts.safely("define_metric"):
            self._points.define(rule)

    def _last_values(self) -> dict[str, float | None]:
        if self.is_ours:
            self._facts.writer.flush()
        metrics = self._facts.writer.record.metrics
        return {name: metric.last for name, metric in metrics.items() if metric.count and not is_system(name)}

    # -- facts ---------------------------------------------------------------------------------------------------

    def _on_config(self) -> None:
        with self._facts.safely("config"):
            self._facts.set(params=self._facts.redactor.tree(as_tree(self._config)))

    def _on_summary(self) -> None:
        with self._facts.safely("summary"), self._facts.lock:
            tree = self._facts.redactor.tree(self._summary.tree())
            metrics = dict(self._facts.record.metrics)
            for name, metric in summary_metrics(tree).items():
                if not metrics.get(name, metric).count:
                    metrics[name] = replace(metric, goal=self._points.goal(name))
            self._facts.set(summary=tree, metrics=metrics)

    def seed(self, seed: int, name: str | None = None, deterministic: bool = False) -> int:
        """Seed every random library that is imported and record it; give the seed back.

        Arguments:
            seed: the seed.
            name: only record it, under this name, for a generator of the program's own.
            deterministic: also ask torch and tensorflow for operations that repeat exactly.
        """
        facts = self._facts
        with facts.safely("seed"):
            known = facts.record.randomness
            done = Seeded({name: int(seed)}) if name else seed_libraries(int(seed), deterministic)
            seeds, flags = {**known.seeds, **done.seeds}, {**known.flags, **done.flags}
            if deterministic:
                flags["deterministic"] = True
            facts.keep(randomness=replace(known, seeds=seeds, flags=flags))
            for advice in done.advice:
                facts.advise(advice)
        return seed

    def use_data(
        self, data: object, name: str | None = None, split: str | None = None, indices: Any = None
    ) -> DataInput | None:
        """Record what the run reads, by its content, or by what pins it where it lies elsewhere.

        Arguments:
            data: a file, a folder, a pattern such as `data/*.parquet`, a DVC pointer, an address (`s3://`, `hf://`, …),
                or a data frame, table or array in memory.
            name: what it is called; by default its own name.
            split: which part of the data it is: train, validation, …
            indices: which of its rows are used: numbers, names or a mask. They are kept with the run.

        Returns:
            what is known of it; None when it could not be read, which is said once.
        """
        return self._keep_data("use_data", data, name, split, indices, "input")

    def log_data(self, data: object, name: str | None = None, split: str | None = None) -> DataInput | None:
        """Record what the run writes, as `use_data` does what it reads; nothing is copied.

        A run that reads it later is known to come from this one by the content.
        """
        return self._keep_data("log_data", data, name, split, None, "output")

    def _keep_data(
        self, verb: str, data: object, name: str | None, split: str | None, indices: Any, role: Role
    ) -> DataInput | None:
        known: DataInput | None = None
        with self._facts.safely(verb):
            from labtop.recording.data_log import keep_data  # what reads data is loaded where there are any

            known = keep_data(self._facts, self.folder, data, name, split, indices, role)
        return known

    def log_artifact(
        self, artifact: object, name: str | None = None, kind: str | None = None, step: float | None = None
    ) -> tuple[Artifact, ...]:
        """Keep a file or folder, or a text, bytes, mapping or list under `name`; copied into the run and hashed.

        Returns:
            one fact a file; nothing when it could not be kept, which is said once.
        """
        facts = self._facts
        kept: tuple[Artifact, ...] = ()
        with facts.safely("log_artifact"):
            try:
                kept = ArtifactFolder(self.folder, facts.redactor, facts.shared).keep(
                    artifact, name, kind, step
                )
            except (OSError, TypeError) as error:
                label = str(
                    name or (artifact if isinstance(artifact, str | os.PathLike) else type(artifact).__name__)
                )
                facts.trouble(f"artifact {label}", f"artifact {label!r} is not kept: {error}")
                return ()
            with facts.lock:
                facts.keep(artifacts=(*facts.record.artifacts, *kept))
        return kept

    def write_sibling(self, sibling: Sibling) -> str | None:
        """Write a run that is over and shares everything around it with this one: a trial, a candidate of a search.

        Returns:
            its id; None when it could not be written, which is said once.
        """
        facts, run_id = self._facts, None
        if self.background is not None:  # what is shared must be there
            self.background.wait(_PATIENCE_S)
        if self.folder != Path(os.devnull):  # nothing is recorded at all
            with facts.safely("a run beside this one"):
                run_id = write_sibling(sibling, facts.record, self.folder, facts.redactor, facts.shared)
        return run_id

    def tell_unknown(self, verb: str, unknown: Mapping[str, Any]) -> None:
        """Say once which keywords of another tracker have no meaning here."""
        self._facts.tell_unknown(verb, unknown)

    # -- the end -------------------------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = 0, quiet: bool | None = None) -> None:
        """End the run: finished, or failed where `exit_code` is not 0. Ending it again does nothing.

        `quiet` is accepted for wandb's sake: nothing is printed anyway.
        """
        failed = bool(exit_code)
        self.end(Outcome(Status.FAILED if failed else Status.FINISHED, exit_code or 0))

    def __enter__(self) -> Run:
        self.is_in_with = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.end_with(error)

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
            self.system.stop(_PATIENCE_S if outcome.signal is None else _HURRY_S)
        if self.is_ours and not self._has_ended:
            with self._facts.safely("finish"):
                self._end_background(_PATIENCE_S if outcome.signal is None else _HURRY_S)
        with self._facts.lock, hooks.deferring():
            if self._has_ended:
                return
            try:
                if self.is_ours:
                    self._write_end(outcome)
                elif self._points.is_writing:
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
            if known := randomness.seeds and unseeded(randomness):  # who seeds something meant to seed all
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

    def __repr__(self) -> str:
        return f"<labtop run {self.id} {self.name!r} in {self.folder}>"
