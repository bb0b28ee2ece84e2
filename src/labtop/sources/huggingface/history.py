"""The state that Hugging Face's Trainer keeps in `trainer_state.json`: settings, and all that was logged.

`log_history` is a list of flat rows with `step` and `epoch`. Rows of training and of evaluation (`eval_…`) interleave
at one step. When a training ends it logs a last row with `train_runtime`, which has no loss of a step; where tokens are
counted, rows of training have `train_runtime` too. The states of checkpoints lack that row: there the training is over
when all steps that it was to take are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labtop.formats.json_text import as_number
from labtop.sources.source import Curve

_SETTINGS = (
    "max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps", "save_steps",
)  # fmt: skip
_TOTALS = ("epoch", "best_metric", "best_global_step", "total_flos", "num_input_tokens_seen")
_FINAL, _LOSS = "train_runtime", "loss"


@dataclass(slots=True)
class History:
    """What a state says. `values` are numbers without points; `is_over` tells that the training came to its end."""

    curves: dict[str, Curve] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    is_over: bool = False
    bad_rows: int = 0


def reach(state: Mapping[str, Any]) -> tuple[float, float]:
    """How far a state tells of its training: the last step with a row, then the step that it says; -1 for none."""
    rows = state.get("log_history")
    rows = rows if isinstance(rows, list) else []
    steps = [_step(row.get("step")) for row in rows if isinstance(row, dict)]
    return max(steps, default=-1.0), _step(state.get("global_step"))


def _step(value: Any) -> float:
    step = as_number(value)
    return -1.0 if step is None or step != step else step


def history_of(state: Mapping[str, Any]) -> History:
    """Take a state apart."""
    history = History()
    for name in _SETTINGS:
        if state.get(name) is not None:
            history.params[name] = state[name]
    trial = state.get("trial_params")
    if isinstance(trial, dict):
        history.params |= trial
    for name in ("trial_name", "best_model_checkpoint"):
        if isinstance(state.get(name), str):
            history.summary[name] = state[name]
    for name in _TOTALS:
        number = as_number(state.get(name))
        if number is not None and not (name == "num_input_tokens_seen" and not number):
            history.values[name] = number
    rows = state.get("log_history")
    _take_rows(history, rows if isinstance(rows, list) else [])
    history.is_over |= 0 < _step(state.get("max_steps")) <= _step(state.get("global_step"))
    return history


def _take_rows(history: History, rows: Sequence[Any]) -> None:
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            history.bad_rows += 1
            continue
        said = as_number(row.get("step"))
        step = float(at) if said is None or said != said else said
        is_final = _FINAL in row and _LOSS not in row
        if is_final or _LOSS in row:
            history.is_over = is_final
        for name, value in row.items():
            number = as_number(value)
            if number is None or name in ("step", "epoch"):
                continue
            if is_final:
                history.values[name] = number
            else:
                history.curves.setdefault(name, Curve()).add(step, number)
