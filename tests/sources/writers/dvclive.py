"""Writes DVCLive folders as its clients of all ages do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_points(
    folder: Path, name: str, values: Sequence[Any], timestamp: int | None = None, first: int = 0
) -> Path:
    """A TSV file of a metric in a folder of points; `timestamp` is that of the first point in milliseconds."""
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    leaf = name.rsplit("/", 1)[-1]
    with path.open("a", encoding="utf-8", newline="") as file:
        if not first:
            file.write(("timestamp\t" if timestamp is not None else "") + f"step\t{leaf}\n")
        for at, value in enumerate(values, first):
            time = "" if timestamp is None else f"{timestamp + at * 1000}\t"
            file.write(f"{time}{at}\t{value}\n")
    return path


def write_run(folder: Path, metrics: Mapping[str, Sequence[Any]], params: str = "lr: 0.1\n") -> Path:
    """A folder of the newest layout; gives it."""
    for name, values in metrics.items():
        write_points(folder / "plots" / "metrics", name, values)
    summary: dict[str, Any] = {"step": max((len(values) for values in metrics.values()), default=1) - 1}
    for name, values in metrics.items():
        here = summary
        *above, leaf = name.split("/")
        for each in above:
            here = here.setdefault(each, {})
        here[leaf] = values[-1]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(summary, indent=4) + "\n", "utf-8")
    (folder / "params.yaml").write_text(params, "utf-8")
    return folder
