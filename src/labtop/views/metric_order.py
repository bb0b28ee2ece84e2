"""The order in which the metrics of one run are told: as logged, or by name where the tracker's logs keep no order.

W&B's writer puts the metrics of a step down in another order each time, MLflow and Aim keep them by name or by hash. By
name then: those without a namespace first, then namespace by namespace, numbers by their size (layer2 before layer10).
How the machine did comes last either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from labtop.model.system import is_system

UNORDERED = frozenset(("wandb", "mlflow", "aim"))
"""Trackers whose logs do not tell in which order metrics were logged."""

_NUMBER = re.compile(r"(\d{1,18})")


def in_order(names: Iterable[str], tracker: str) -> list[str]:
    """The names of a run's metrics in the order to show them in."""
    ordered = sorted(names, key=natural) if tracker in UNORDERED else list(names)
    return sorted(ordered, key=is_system)


def natural(name: str) -> tuple[bool, list[list[tuple[int, str]]]]:
    """What to sort a metric's name by."""
    return "/" in name, [_parts(each) for each in name.casefold().split("/")]


def _parts(text: str) -> list[tuple[int, str]]:
    pieces = _NUMBER.split(text)
    return [(int(piece), "") if at % 2 else (-1, piece) for at, piece in enumerate(pieces)]
