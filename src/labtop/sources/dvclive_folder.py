"""The layout of a DVCLive folder, whether it lies on disk or in a commit.

Now: `metrics.json`, `params.yaml`, `plots/metrics/**/*.tsv`, `plots/{images,custom,sklearn}`. Before 1.0: `scalars/`,
and in the first versions the TSV files lay in the folder itself with `<folder>.json` beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtop.formats.json_text import as_number
from labtop.model.run import MetricSummary
from labtop.model.tree import flatten

SERIES = ("plots/metrics/", "plots/scalars/", "scalars/", "metrics/")
"""Where the points are, by age of the client, newest first."""
RICH = {
    "plots/images/": "image",
    "images/": "image",
    "plots/custom/": "plot",
    "plots/sklearn/": "plot",
    "plots/": "plot",
}
REPORTS = ("report.html", "report.md", "report.ipynb", "report.pdf")


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a DVCLive folder by what they are; paths relative to it."""

    series: Mapping[str, str] = field(default_factory=dict)  # metric → path
    rich: Mapping[str, str] = field(default_factory=dict)  # path → kind


def holds_points(folder: Path) -> bool:
    """Whether the tables of a folder are those of a DVCLive folder above it, by the names on the way."""
    path = f"/{folder.as_posix()}/"
    return "/dvclive" in path or any(f"/{inner}" in path for inner in SERIES[:3])


def parts_of(paths: Iterable[str]) -> Parts:
    """Sort the files of a DVCLive folder; those of no known place are left out."""
    series: dict[str, str] = {}
    rich: dict[str, str] = {}
    for path in sorted(paths):
        below = next((prefix for prefix in SERIES if path.startswith(prefix)), "")
        if path.endswith(".tsv") and (below or "plots/" not in path):
            series.setdefault(path.removeprefix(below).removesuffix(".tsv"), path)
            continue
        kind = next((kind for prefix, kind in RICH.items() if path.startswith(prefix)), None)
        if kind is not None and path not in REPORTS:
            rich[path] = kind
    return Parts(series, rich)


def flat_metrics(tree: Any) -> tuple[dict[str, MetricSummary], dict[str, Any], float | None]:
    """Numbers of a metrics file by name with `/`, what else stands there, and the last step if it is told."""
    numbers: dict[str, MetricSummary] = {}
    rest: dict[str, Any] = {}
    step = None
    for name, value in flatten(tree if isinstance(tree, dict) else {}, "/").items():
        number = as_number(value)
        if name == "step" and number is not None:
            step = number
        elif number is not None:
            numbers[name] = MetricSummary(last=number)
        elif value is not None and value != {}:
            rest[name] = value
    return numbers, rest, step
