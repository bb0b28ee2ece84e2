"""The run that a training script holds: what it says of itself, and everything that is recorded while it lives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from labtop.model.run import Artifact, DataInput, Status
from labtop.model.system import is_system
from labtop.recording.artifacts import ArtifactFolder
from labtop.recording.capture.seeds import Seeded, seed_libraries
from labtop.recording.config import Config, as_tree
from labtop.recording.facts import RunFacts
from labtop.recording.failure import Outcome
from labtop.recording.joining import invite
from labtop.recording.live_run import PATIENCE_S, LiveRun
from labtop.recording.metric_names import MetricRule, parse_goal
from labtop.recording.siblings import Sibling, write_sibling
from labtop.recording.summary import Summary, summary_metrics

if TYPE_CHECKING:
    from labtop.recording.data_log import Role


class Run(LiveRun):
    """A run that is being recorded. `labtop.init` makes one; `finish`, or leaving its `with` block, ends it."""

    def __init__(self, facts: RunFacts, folder: Path, next_step: int = 0) -> None:
        super().__init__(facts, folder, next_step)
        self.is_in_with = False
        self.__dict__["log"] = self._points.log  # the same, with a call less: this is what a loop does most
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
            done = (
                Seeded({facts.redactor.text(name): int(seed)})
                if name
                else seed_libraries(int(seed), deterministic)
            )
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
            kept = facts.add_artifacts(kept)
            self._points.take_part()
            facts.writer.flush()
        return kept

    def write_sibling(self, sibling: Sibling) -> str | None:
        """Write a run that is over and shares everything around it with this one: a trial, a candidate of a search.

        Returns:
            its id; None when it could not be written, which is said once.
        """
        facts, run_id = self._facts, None
        if self.background is not None:  # what is shared must be there
            self.background.wait(PATIENCE_S)
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

    def __repr__(self) -> str:
        return f"<labtop run {self.id} {self.name!r} in {self.folder}>"
