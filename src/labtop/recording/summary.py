"""`run.summary`: single values that a program sets, over the last values of what it logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from labtop.model.run import MetricSummary, Tree
from labtop.model.tree import flatten
from labtop.recording.config import as_mapping, as_tree


class Summary(MutableMapping[str, Any]):
    """Values by name, as items or attributes. Reading falls back to the last logged value of a metric."""

    __slots__ = ("_last_values", "_on_change", "_values")

    def __init__(
        self,
        values: Tree,
        on_change: Callable[[], None],
        last_values: Callable[[], Mapping[str, float | None]],
    ) -> None:
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_on_change", on_change)
        object.__setattr__(self, "_last_values", last_values)

    def update(self, values: object = None, /, **more: Any) -> None:
        """Set several values at once."""
        self._values.update({**as_mapping(values), **more})
        self._on_change()

    def tree(self) -> Tree:
        """What was set, as the record holds it."""
        return as_tree(self._values)

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        return self._last_values()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[str(key)] = value
        self._on_change()

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._on_change()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._values, *self._last_values())))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no summary value {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __repr__(self) -> str:
        return f"Summary({dict(self)!r})"


def summary_metrics(tree: Tree) -> dict[str, MetricSummary]:
    """The numbers of a summary as metrics that were never logged, so that tables can show them."""
    metrics: dict[str, MetricSummary] = {}
    for name, value in flatten(tree, "/").items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                metrics[name] = MetricSummary(last=float(value))
            except OverflowError:  # an integer beyond any double stays in the summary alone
                continue
    return metrics
