"""PyTorch Lightning's logger, for `lightning` and `pytorch_lightning`. Rank 0 alone records.

Trainer(logger=LabtopLogger(project="digits"))
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from labtop.integrations.joining import join_run
from labtop.recording.config import as_mapping
from labtop.recording.run import Run

_imported = {"lightning.pytorch", "pytorch_lightning"} & {*sys.modules}
_is_old_name = find_spec("lightning") is None or _imported == {"pytorch_lightning"}
_package = "pytorch_lightning" if _is_old_name else "lightning.pytorch"
_loggers: Any = import_module(f"{_package}.loggers.logger")
_Logger: Any = _loggers.Logger


class LabtopLogger(_Logger):
    """Logs to the open run, or to one that it begins with `init`, the arguments of `labtop.init`.

    `log_checkpoints` keeps the best checkpoint of each `ModelCheckpoint` as an artifact.
    """

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        *,
        log_checkpoints: bool = False,
        **init: Any,
    ) -> None:
        super().__init__()
        self._request = {"project": project, "name": name, **init}
        self._log_checkpoints = log_checkpoints
        self._checkpoints: dict[str, Any] = {}
        self._run: Run | None = None

    @property
    @_loggers.rank_zero_experiment
    def experiment(self) -> Run:
        """The run; on other ranks something that takes every call and does nothing."""
        if self._run is None:
            self._run = join_run(**self._request)
        return self._run

    @property
    def name(self) -> str:
        """The project: Lightning makes its folder of checkpoints from it."""
        return self._run.project if self._run else self._request["project"] or "labtop"

    @property
    def version(self) -> str | None:
        """The run's id, on rank 0."""
        run = self.experiment
        return run.id if isinstance(run, Run) else None

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Put the module's and the data module's hyperparameters into the run's config."""
        if isinstance(run := self.experiment, Run):
            run.config.update(as_mapping(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what Lightning has gathered."""
        self.experiment.log(metrics, step=step)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Remember whose best checkpoint to keep."""
        self._checkpoints[checkpoint_callback.state_key] = checkpoint_callback

    def finalize(self, status: str) -> None:
        """Keep checkpoints; a training that failed ends the run with its error, else `test` may still come."""
        if not isinstance(run := self.experiment, Run):
            return
        for callback in self._checkpoints.values() if self._log_checkpoints else ():
            if callback.best_model_path:
                run.log_artifact(callback.best_model_path, kind="model")
        self._checkpoints.clear()  # `test` comes to its end too, and saves none
        error = sys.exc_info()[1]
        if status == "failed" and error is not None:
            run.end_with(error)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None, "_checkpoints": {}}  # a spawned rank 0 joins or begins its own
