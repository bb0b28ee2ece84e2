"""The verbs of the module `labtop`: they act on the current run, so that `import labtop as wandb` works."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labtop.errors import LabtopError
from labtop.model.run import Artifact, DataInput
from labtop.recording.capture import seeds as capture_seeds
from labtop.recording.config import Config
from labtop.recording.endings import hooks
from labtop.recording.joining import invitation
from labtop.recording.run import Run
from labtop.recording.start import Request, start_run
from labtop.recording.summary import Summary

_current: Run | None = None


def init(
    project: str | None = None,
    name: str | None = None,
    config: object = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Iterable[str] | None = (),
    notes: str | None = "",
    resume: bool | str | None = None,
    store: str | os.PathLike[str] | None = None,
    dir: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    id: str | None = None,
    strict: bool | None = None,
    fork_from: object = None,
    capture_output: bool | str | None = None,
    **unknown: Any,
) -> Run:
    """Begin a run and make it the current one; a run that is still open, and in no `with`, is finished first.

    Arguments:
        project: runs that belong together; by default the name of the repository or folder.
        config: parameters, in a mapping, a namespace of argparse, a dataclass, …
        resume: "must", "allow" or "never" go on with the run `id`, or not; True goes on with the last run of the
            project that did not finish; any other text is the id of a run to go on with.
        store: where runs are kept; by default `$LABTOP_STORE`, the settings file, or `runs` in `dir`.
        dir: the folder of the store `runs`; by default the working folder.
        mode: "disabled" records nothing.
        strict: raise when something cannot be recorded, instead of saying it once.
        fork_from: a run and the step up to which its curves are the new run's too, `"k7f2?_step=1000"` or
            `("k7f2", 1000)`: its parameters are taken over, and `config` changes them.
        capture_output: False keeps nothing that is printed; "fd" also what child processes and C libraries print.
        unknown: keywords of other trackers, which are named in one warning.
    """
    global _current
    if (before := current_run()) is not None and not before.is_in_with:
        before.finish()
    run = start_run(
        Request(
            project=project, name=name, config=config, group=group, job_type=job_type, tags=tags, notes=notes,
            resume=resume, store=store, dir=dir, mode=mode, id=id, strict=strict, fork_from=fork_from,
            capture_output=capture_output,
        )
    )  # fmt: skip
    run.tell_unknown("init", unknown)
    _current = run
    return run


def current_run() -> Run | None:
    """The run that `init` began last and that has not ended."""
    global _current
    if _current is not None and _current.has_ended:
        # an inner run has ended: the one around it is current again
        _current = next((run for run in reversed(hooks.open_runs()) if isinstance(run, Run)), _current)
    return None if _current is None or _current.has_ended else _current


def _need_run(what: str) -> Run:
    run = _current
    if run is None or run.has_ended:
        if (outer := current_run()) is not None:
            return outer
        if run is None and invitation() is not None:
            return init()  # a worker that was handed a run in its environment
        happened = "there is no run yet" if run is None else f"the run {run.id} has ended"
        raise LabtopError(f"labtop.{what}: {happened}", "call labtop.init() first")
    return run


def log(data: Mapping[str, Any], step: float | None = None, commit: bool | None = None) -> None:
    """Record values in the current run. See `Run.log`."""
    _need_run("log").log(data, step, commit)


def finish(exit_code: int | None = 0, quiet: bool | None = None) -> None:
    """End the current run, if there is one. See `Run.finish`."""
    if (run := current_run()) is not None:
        run.finish(exit_code, quiet)


def define_metric(
    name: str,
    step_metric: str | None = None,
    summary: str | None = None,
    goal: str | None = None,
    **unknown: Any,
) -> None:
    """Say what a metric of the current run is for. See `Run.define_metric`."""
    _need_run("define_metric").define_metric(name, step_metric, summary, goal, **unknown)


def seed(seed: int, name: str | None = None, deterministic: bool = False) -> int:
    """Seed every random library that is imported and record it. See `Run.seed`."""
    return _need_run("seed").seed(seed, name, deterministic)


def seed_worker(worker_id: int) -> None:
    """Seed python and numpy in a worker of a DataLoader: `worker_init_fn=labtop.seed_worker`."""
    capture_seeds.seed_worker(worker_id)


def use_data(
    data: object, name: str | None = None, split: str | None = None, indices: Any = None
) -> DataInput | None:
    """Record what the current run reads. See `Run.use_data`."""
    return _need_run("use_data").use_data(data, name, split, indices)


def log_data(data: object, name: str | None = None, split: str | None = None) -> DataInput | None:
    """Record what the current run writes. See `Run.log_data`."""
    return _need_run("log_data").log_data(data, name, split)


def log_artifact(
    artifact: object, name: str | None = None, kind: str | None = None, step: float | None = None
) -> tuple[Artifact, ...]:
    """Keep a file, folder or value with the current run. See `Run.log_artifact`."""
    return _need_run("log_artifact").log_artifact(artifact, name, kind, step)


class CurrentMapping(Mapping[str, Any]):
    """`labtop.config` and `labtop.summary`: whatever run is current when they are used."""

    __slots__ = ("_which",)

    def __init__(self, which: str) -> None:
        object.__setattr__(self, "_which", which)

    def _target(self) -> Config | Summary:
        run = _need_run(self._which)
        return run.config if self._which == "config" else run.summary

    def __getitem__(self, key: str) -> Any:
        return self._target()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._target()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._target()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._target())

    def __len__(self) -> int:
        return len(self._target())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target(), name, value)

    def __repr__(self) -> str:
        return repr(self._target()) if current_run() else f"<labtop.{self._which}: no run>"


config = CurrentMapping("config")
summary = CurrentMapping("summary")
