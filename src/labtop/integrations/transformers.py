"""A callback of the Hugging Face `Trainer`. Importing this file also makes `report_to="labtop"` work.

Trainer(..., callbacks=[LabtopCallback(project="digits")])
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback
from transformers.integrations import integration_utils

from labtop.integrations.joining import join_run, never_raising
from labtop.recording.run import Run

_PREFIXES = {"eval_": "eval/", "test_": "test/", "train_": "train/"}


class LabtopCallback(TrainerCallback):
    """Logs to the open run, or to one that it begins with `init`, the arguments of `labtop.init`. Rank 0 alone records.

    `log_checkpoints` keeps every saved checkpoint as an artifact.
    """

    def __init__(self, *, log_checkpoints: bool = False, **init: Any) -> None:
        self._request = init
        self._log_checkpoints = log_checkpoints
        self._run: Run | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Begin or join a run, with the arguments of the training and the model's configuration."""
        if not state.is_world_process_zero:
            return
        with never_raising("labtop's callback for transformers"):
            name = getattr(args, "run_name", None) or state.trial_name
            self._run = join_run(**{"name": name, **self._request})
            config: Any = getattr(model, "config", None)
            self._run.config.update(args.to_sanitized_dict())
            if hasattr(config, "to_dict"):
                self._run.config["model"] = config.to_dict()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Log numbers as train/…, eval/… and test/…."""
        if self._run is not None and logs:
            numbers = {_metric(name): value for name, value in logs.items() if isinstance(value, int | float)}
            self._run.log(numbers, step=state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep a checkpoint, where that is asked for."""
        if self._run is not None and self._log_checkpoints:
            name = f"checkpoint-{state.global_step}"
            self._run.log_artifact(f"{args.output_dir}/{name}", kind="model", step=state.global_step)


def _metric(name: str) -> str:
    prefix = next((each for each in _PREFIXES if name.startswith(each)), "")
    return f"{_PREFIXES.get(prefix, 'train/')}{name.removeprefix(prefix)}"


integration_utils.INTEGRATION_TO_CALLBACK.setdefault("labtop", LabtopCallback)
