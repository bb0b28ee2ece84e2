"""Reads the logs of other trackers where they lie. One module a tracker; each is imported where there may be some.

To add one: write `sources/<tracker>.py` with a class that has the methods of `source.Source`, and a line in `SOURCES`.
A package outside registers its class as an entry point of the group `labtop.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple

from labtop.sources.source import Source


class Known(NamedTuple):
    """Where a source of labtop's own is, and the names that folders with its logs hold or have.

    Attributes:
        where: "module:class".
        names: a regular expression that is found in `/name/name/…/`, the names of a folder and of all in it in lower
            case, wherever `detect` gives a place. It may be found elsewhere too: then the source looks itself.
    """

    where: str
    names: str


SOURCES: Mapping[str, Known] = {
    "mlflow": Known("mlflow.files:MlflowFiles", r"/meta\.yaml/|/mlruns/|/\.trash/|/\d+/|/[0-9a-f-]{32,36}/"),
    "mlflow-sql": Known("mlflow.sql:MlflowSql", r"\.(?:db3?|sqlite3?|mlflow)/|mlflow"),
    "wandb": Known(
        "wandb:WandbSource", r"run-\d{8}_|\.wandb/|/wandb-(?:summary|metadata|history)\.|/run-[^/]+-history"
    ),
    "neptune": Known("neptune:Neptune", r"_part_\d+\.parquet"),
    "trackio": Known("trackio:Trackio", r"\.db/|/inbox/|/metrics\.parquet/|_configs\.parquet/"),
    "aim": Known("aim.source:AimSource", r"/\.aim/|/run_metadata\.sqlite/"),
    "guild": Known("guild:GuildSource", r"/\.guild/|/runs/"),
    "sacred": Known("sacred:SacredSource", r"/run\.json/"),
    "dvc": Known("dvc.source:DvcSource", r"/dvc\.yaml/|/\.git/|/refs/"),
    "dvclive": Known("dvclive:DvcLiveSource", r"/plots/|/scalars/|/dvclive|\.tsv/"),
    "lightning": Known("lightning:Lightning", r"/metrics\.csv/|/hparams\.yaml/"),
    "huggingface": Known("huggingface:HuggingFace", r"/trainer_state\.json/|/checkpoint-\d"),
    "keras": Known("keras:Keras", r"\.(?:csv|log|tsv|txt)/"),
    "stable-baselines": Known("stable_baselines:StableBaselines", r"monitor\.csv/|/progress\.csv/"),
    "lm-eval": Known("lm_eval:LmEval", r"\.json/"),
    "tensorboard": Known("tensorboard:TensorBoard", r"\.tfevents[./]"),
    "tensorboard-downloads": Known("tensorboard.downloads:Downloads", r"/run[-_][^/]*-tag-"),
    "tables": Known(
        "tables:Tables",
        r"\.(?:csv|tsv|jsonl|ndjson|json|parquet|pq)(?:\.(?:gz|bz2|xz|zst))?/|=",
    ),
    "hydra": Known("hydra:HydraSource", r"/\.hydra/|/overrides\.yaml/"),
}
"""By name; the order is that of preference where two read the same run."""

ENTRY_POINTS = "labtop.sources"


@cache
def load_source(name: str) -> Source:
    """The source of a name. Raises KeyError."""
    known = SOURCES.get(name)
    if known is None:
        return _outside()[name]
    module, _, cls = known.where.partition(":")
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
