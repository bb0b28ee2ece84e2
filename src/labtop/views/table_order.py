"""In which order params and metrics stand in a table that nobody arranged, and which of them show their curve.

Among runs of several trackers, or of many programs, most of them are known of a few runs only. What most rows
have comes first, or the screen is full of dashes; within that the metrics that people decide by. A curve of single
points says nothing that the number beside it does not say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from labtop.model.columns import Column
from labtop.query.request import ColumnProfile

OFTEN, SOMETIMES = 0.5, 0.1
"""Shares of the rows that the most common metric has: from which on a metric counts as common, and as seldom."""

_VALIDATION = re.compile(r"(^|[/_. ])(val|valid|validation|eval|test|dev)([/_. ]|$)", re.IGNORECASE)
_TELLING = re.compile(
    r"loss|acc|f1|auc|error|score|bleu|perplexity|ppl|map|iou|reward|rew_|mse|mae", re.IGNORECASE
)
_COUNTING = re.compile(
    r"(^|[/. ])_?(global_?)?(steps?|epochs?|iters?|iterations?|timestamp|runtime|fps|time_elapsed|wall_?time"
    r"|total_timesteps|tokens_seen|num_tokens|samples_seen|(samples|steps)_per_second)$",
    re.IGNORECASE,
)


def seldom(share: float) -> int:
    """0 for what is common, 1 and 2 for what few have; `share` is of the rows that the most common one has."""
    return 0 if share >= OFTEN else 1 if share >= SOMETIMES else 2


def only_counts(name: str) -> bool:
    """Whether a metric is a count of steps, epochs or time by its name."""
    return _COUNTING.search(name) is not None


def is_telling(name: str) -> bool:
    """Whether a metric is a loss or a score by its name: what people look at first."""
    return _TELLING.search(name) is not None


def rank(metric: Column) -> int:
    """The metrics that people decide by come first: with a goal, then of validation, then losses and scores.

    What only counts steps or time comes last, wherever it was counted.
    """
    if metric.goal is None and only_counts(metric.name):
        return 8
    validation = _VALIDATION.search(metric.name) is not None
    return 4 * (metric.goal is None) + 2 * (not validation) + (not is_telling(metric.name))


def by_presence(columns: Sequence[Column], rows_with: Mapping[str, int]) -> tuple[Column, ...]:
    """The same columns, on the places of metrics, and of params, first those that many rows have.

    `rows_with`: key → how many rows have a value. Metrics with a goal count as common; params that are equally common
    stay in their order.
    """
    ordered = {kind: iter(_ordered(columns, kind, rows_with)) for kind in ("metric", "param")}
    return tuple(next(ordered[column.kind]) if column.kind in ordered else column for column in columns)


def _ordered(columns: Sequence[Column], kind: str, rows_with: Mapping[str, int]) -> list[Column]:
    chosen = [column for column in columns if column.kind == kind]
    most = max((rows_with.get(each.key, 0) for each in chosen), default=0)

    def place(each: Column) -> tuple[int, int]:
        share = rows_with.get(each.key, 0) / most if most else 1.0
        return 0 if each.goal is not None else seldom(share), rank(each) if kind == "metric" else 0

    return sorted(chosen, key=place)


def rows_with(profile: Mapping[str, ColumnProfile], rows: int) -> dict[str, int]:
    """How many of `rows` have a value, by the key of a column."""
    return {key: rows - about.nulls if about.distinct else 0 for key, about in profile.items()}


def curved(metrics: Sequence[Column], counts: Mapping[str, ColumnProfile]) -> tuple[Column, ...]:
    """Those metrics of which some run has more than one point; `counts` profiles their `.count` columns."""

    def most(metric: Column) -> float:
        about = counts.get(f"{metric.key}.count")
        return 2 if about is None else about.high or 0

    return tuple(metric for metric in metrics if most(metric) > 1)
