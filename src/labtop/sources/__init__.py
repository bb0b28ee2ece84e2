"""Reads the logs of other trackers where they lie. One module a tracker; each is imported when its logs are found.

To add one: write `sources/<tracker>.py` with a class that has the methods of `source.Source`, and a line in `SOURCES`.
A package outside registers its class as an entry point of the group `labtop.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from labtop.sources.source import Source

SOURCES: Mapping[str, str] = {
    "mlflow": "mlflow.files:MlflowFiles",
    "mlflow-sql": "mlflow.sql:MlflowSql",
    "wandb": "wandb:WandbSource",
    "neptune": "neptune:Neptune",
    "trackio": "trackio:Trackio",
    "aim": "aim.source:AimSource",
    "guild": "guild:GuildSource",
    "sacred": "sacred:SacredSource",
    "dvc": "dvc.source:DvcSource",
    "dvclive": "dvclive:DvcLiveSource",
    "lightning": "lightning:Lightning",
    "huggingface": "huggingface:HuggingFace",
    "keras": "keras:Keras",
    "stable-baselines": "stable_baselines:StableBaselines",
    "lm-eval": "lm_eval:LmEval",
    "tensorboard": "tensorboard:TensorBoard",
    "tensorboard-downloads": "tensorboard.downloads:Downloads",
    "tables": "tables:Tables",
    "hydra": "hydra:HydraSource",
}
"""Name → "module:class". The order is that of preference where two read the same run."""

ENTRY_POINTS = "labtop.sources"


@cache
def load_source(name: str) -> Source:
    """The source of a name. Raises KeyError."""
    where = SOURCES.get(name)
    if where is None:
        return _outside()[name]
    module, _, cls = where.partition(":")
    source: Source = getattr(import_module(f"{__name__}.{module}"), cls)()
    return source


@cache
def source_names() -> tuple[str, ...]:
    """The names of all sources, labtop's own first."""
    return (*SOURCES, *(name for name in _outside() if name not in SOURCES))


@cache
def _outside() -> dict[str, Source]:
    """Sources of other packages; one that cannot be loaded is left out."""
    from importlib import metadata

    found: dict[str, Source] = {}
    for each in metadata.entry_points(group=ENTRY_POINTS):
        try:
            made = each.load()()
        except Exception:  # another package's fault must not close what is ours
            continue
        if isinstance(made, Source):
            found[each.name] = made
    return found
