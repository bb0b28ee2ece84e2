"""The summary of a W&B run: what was set beside the last values of metrics, which are in it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtop.formats.json_text import as_number
from labtop.model.run import MetricSummary

Tree = Any


def split_summary(
    summary: Mapping[str, Tree], last: Mapping[str, float]
) -> tuple[dict[str, Tree], dict[str, MetricSummary]]:
    """What was set in the summary beside the last values of metrics, and the numbers of it that were never logged."""
    tree: dict[str, Tree] = {}
    numbers: dict[str, MetricSummary] = {}
    for key, value in summary.items():
        if key in ("_step", "_timestamp", "_runtime", "_wandb") or _is_rich(value):
            continue
        kept = _beside(value, key, last, numbers, 0)
        if kept is not None:
            tree[key] = kept[0]
    return tree, numbers


def _beside(
    value: Tree, name: str, last: Mapping[str, float], numbers: dict[str, MetricSummary], depth: int
) -> tuple[Tree] | None:
    """A value without what is only the last one of a metric; None where nothing is left."""
    if isinstance(value, Mapping) and depth < 20:
        if _is_rich(value):
            return None
        below = {key: _beside(each, f"{name}/{key}", last, numbers, depth + 1) for key, each in value.items()}
        kept = {key: each[0] for key, each in below.items() if each is not None}
        return (kept,) if kept or not value else None
    number = float(value) if isinstance(value, bool) else as_number(value)
    if number is not None:
        logged = last.get(name)
        if logged is None:
            numbers[name] = MetricSummary(last=number)
        elif number == logged or (number != number and logged != logged):
            return None
    return (value,)


def _is_rich(value: Tree) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("_type"), str)
