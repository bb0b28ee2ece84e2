"""What the logs of each tracker can hold, to say of what is missing whether it was never asked for or was left out.

"TensorBoard does not record packages" is another thing than "Aim recorded no packages": the first is the same for all
runs, the second may be mended in the next one. Only what the format has room for counts, not what a user might add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Topic = Literal["commit", "packages", "command", "seed", "inputs", "output"]

OURS = "labtop"


@dataclass(frozen=True, slots=True)
class Tracker:
    """How a tracker is spelled, and the topics that its logs have room for."""

    title: str
    topics: frozenset[Topic] = frozenset()


def _tracker(title: str, *topics: Topic) -> Tracker:
    return Tracker(title, frozenset(topics))


TRACKERS: Mapping[str, Tracker] = {
    OURS: _tracker("labtop", "commit", "packages", "command", "seed", "inputs", "output"),
    "mlflow": _tracker("MLflow", "commit", "inputs"),
    "wandb": _tracker("W&B", "commit", "packages", "command", "inputs", "output"),
    "tensorboard": _tracker("TensorBoard"),
    "trackio": _tracker("Trackio", "inputs"),
    "neptune": _tracker("Neptune", "commit", "output"),
    "aim": _tracker("Aim", "commit", "packages", "command", "output"),
    "sacred": _tracker("Sacred", "commit", "packages", "seed", "output"),
    "guild": _tracker("Guild", "commit", "packages", "command", "seed", "output"),
    "dvc": _tracker("DVC", "commit", "command", "inputs"),
    "dvclive": _tracker("DVCLive", "command", "inputs"),
    "hydra": _tracker("Hydra", "output"),
    "lightning": _tracker("the CSV logger of Lightning"),
    "huggingface": _tracker("the Hugging Face Trainer"),
    "keras": _tracker("the CSV logger of Keras"),
    "stable-baselines": _tracker("Stable-Baselines3"),
    "lm-eval": _tracker("lm-evaluation-harness", "commit", "packages", "seed"),
    "table": _tracker("a table of results"),
}


def tracker_of(name: str) -> Tracker:
    """What is known of a tracker. Of one that labtop does not know, nothing but its name is."""
    return TRACKERS.get(name) or Tracker(name, TRACKERS[OURS].topics)


def nothing_of(tracker: str, topic: Topic, what: str) -> str:
    """Why a record of a tracker lacks something: "Aim recorded no commit", "TensorBoard does not record commits"."""
    known = tracker_of(tracker)
    if topic in known.topics:
        return f"{known.title} recorded no {what}"
    return f"{known.title} does not record {_PLURALS.get(what, what)}"


_PLURALS = {"commit": "commits", "seed": "seeds", "command": "commands"}
