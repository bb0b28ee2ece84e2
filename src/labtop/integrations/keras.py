"""A callback of Keras 3, whatever backend it uses.

model.fit(x, y, callbacks=[LabtopCallback(project="digits")])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from labtop.integrations.joining import join_run, never_raising
from labtop.recording.run import Run


class LabtopCallback(keras.callbacks.Callback):
    """Logs to the open run, or to one that it begins with `init`, the arguments of `labtop.init`.

    Arguments:
        batches: also log every so many batches; steps then count batches, else epochs.
    """

    def __init__(self, *, batches: int | None = None, **init: Any) -> None:
        super().__init__()
        self._request = init
        self._every = batches
        self._seen = 0
        self._run: Run | None = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Begin or join a run, with the number of epochs and the optimizer's configuration."""
        self._run = join_run(**self._request)
        with never_raising("labtop's callback for keras"):
            optimizer = getattr(self.model, "optimizer", None)
            self._run.config.update(self.params or {})
            self._run.config.update({"model": self.model.name, "parameters": self.model.count_params()})
            if optimizer is not None:
                self._run.config["optimizer"] = optimizer.get_config()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Log every so many batches."""
        self._seen += 1
        if self._every and self._run is not None and self._seen % self._every == 0:
            self._run.log({f"batch/{name}": value for name, value in (logs or {}).items()}, step=self._seen)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Log train/…, val/… and the learning rate."""
        if self._run is None:
            return
        values = {_metric(name): value for name, value in (logs or {}).items()}
        with never_raising("labtop's callback for keras"):
            values["lr"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self._every:
            values["epoch"] = epoch
        self._run.log(values, step=self._seen if self._every else epoch)


def _metric(name: str) -> str:
    return f"val/{name.removeprefix('val_')}" if name.startswith("val_") else f"train/{name}"
