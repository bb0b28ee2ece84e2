"""TensorBoard's `SummaryWriter`, writing to a run of labtop: a change of one import. Needs no TensorBoard.

from labtop.integrations.tensorboard import SummaryWriter
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from labtop.integrations.joining import is_begun_by_hook, join_run
from labtop.integrations.rich_summaries import RichSummaries
from labtop.recording.config import as_mapping
from labtop.recording.run import Run
from labtop.recording.warning import Warnings


class SummaryWriter(RichSummaries):
    """Logs to the open run, or to one that it begins: named like `log_dir`, and ended by `close`.

    `comment` goes into the notes. What only TensorBoard's files know (purge_step, max_queue, …) is accepted and not
    used, nor are wall times: a point has the time at which it was logged.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] | None = None, comment: str = "", *_: Any, **__: Any
    ) -> None:
        self._warnings = Warnings()
        name = Path(log_dir).resolve().name if log_dir else None
        self.run: Run = join_run(name=name, notes=comment)
        self.log_dir = os.fspath(log_dir) if log_dir else str(self.run.folder)

    def get_logdir(self) -> str:
        """The folder that was asked for, else the run's own."""
        return self.log_dir

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: float | None = None, *_: Any, **__: Any
    ) -> None:
        """Log one number."""
        self.run.log({tag: scalar_value}, step=global_step)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: Mapping[str, Any], global_step: float | None = None, *_: Any
    ) -> None:
        """Log several numbers as main_tag/name."""
        self.run.log({main_tag: dict(tag_scalar_dict)}, step=global_step)

    def add_hparams(
        self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any], *_: Any, **__: Any
    ) -> None:
        """Put hyperparameters into the config and their metrics into the summary."""
        self.run.config.update(as_mapping(hparam_dict))
        self.run.summary.update(as_mapping(metric_dict))

    def flush(self) -> None:
        """Nothing to do: what was logged is written."""

    def close(self) -> None:
        """End the run, if it was begun for this writer."""
        if is_begun_by_hook(self.run):
            self.run.finish()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and is_begun_by_hook(self.run):
            self.run.end_with(error)
        self.close()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("add_"):
            raise AttributeError(name)
        self._warnings.once(name, f"SummaryWriter.{name} is not recorded")
        return _ignore


def _ignore(*_: Any, **__: Any) -> None:
    """What has no place in a run."""
