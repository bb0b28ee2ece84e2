"""Rich values of a W&B run: pictures, tables, sounds and the like become artifacts by reference; of histograms a count.

A rich value is a mapping with `_type`; most name a file below the run's `files` folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtop.model.run import Artifact

Tree = Any

MOST = 10_000
"""Rich values of a run that are listed."""

_KINDS = {
    "images": "image",
    "object3D": "3d",
    "plotly": "plot",
    "videos": "video",
    "joined": "table",
    "partitioned": "table",
}
_ABOUT = {
    "caption": "caption",
    "width": "width",
    "height": "height",
    "format": "format",
    "ncols": "columns",
    "nrows": "rows",
}
_DEEPEST = 5
_MOST_FILES = 200  # of one value


@dataclass
class Histograms:
    """How often a histogram was logged, and when last."""

    count: int = 0
    bins: int = 0
    step: float | None = None


@dataclass
class Media:
    """The rich values of a run so far; `left_out` counts those beyond `MOST`."""

    values: list[tuple[str, float | None, Mapping[str, Tree]]] = field(default_factory=list)
    histograms: dict[str, Histograms] = field(default_factory=dict)
    left_out: int = 0

    def take(self, row: Mapping[str, Tree], step: float | None) -> bool:
        """Note the rich values of a row; True when some must be read again to be listed another time."""
        before = len(self.values)
        self._take(row, "", step, 0)
        return len(self.values) > before

    def _take(self, tree: Mapping[str, Tree], above: str, step: float | None, depth: int) -> None:
        for key, value in tree.items():
            if not isinstance(value, dict):
                continue
            name = f"{above}{key}"
            kind = value.get("_type")
            if not isinstance(kind, str):
                if depth < _DEEPEST:
                    self._take(value, f"{name}/", step, depth + 1)
            elif kind == "histogram":
                seen = self.histograms.setdefault(name, Histograms())
                values = value.get("values")
                seen.count, seen.step = seen.count + 1, step
                seen.bins = len(values) if isinstance(values, list) else seen.bins
            elif len(self.values) < MOST:
                self.values.append((name, step, value))
            else:
                self.left_out += 1

    def artifacts(self, files: Path | None, tape: Path | None) -> Iterator[Artifact]:
        """All of them: by their file, a histogram by the file in which it is said.

        Arguments:
            files: where the files of the run lie.
            tape: the run's `.wandb` file.
        """
        for name, step, value in self.values:
            yield from _artifacts(name, step, value, files)
        for name, seen in self.histograms.items():
            about: dict[str, str | int | float | bool] = {"logged": seen.count, "bins": seen.bins}
            yield Artifact(
                name=name,
                kind="histogram",
                step=seen.step,
                uri=None if tape is None else str(tape),
                about=about,
            )


def _artifacts(
    name: str, step: float | None, value: Mapping[str, Tree], files: Path | None
) -> Iterator[Artifact]:
    kind = str(value["_type"]).partition("/")[0].removesuffix("-file")
    kind = _KINDS.get(kind.partition("-")[0], kind)
    about = {
        told: value[key]
        for key, told in _ABOUT.items()
        if isinstance(value.get(key), str | int | float | bool)
    }
    paths = _paths(value)
    sha256, size = value.get("sha256"), value.get("size")
    if not paths:
        yield Artifact(name=name, kind=kind, step=step, uri=_text(value.get("artifact_path")), about=about)
    captions = value.get("captions")
    for number, path in enumerate(paths):
        if isinstance(captions, list) and number < len(captions) and isinstance(captions[number], str):
            about = {**about, "caption": captions[number]}
        yield Artifact(
            name=name if len(paths) == 1 else f"{name}/{number}",
            kind=kind,
            step=step,
            uri=location(path, files),
            bytes=size if isinstance(size, int) and len(paths) == 1 else None,
            sha256=sha256 if isinstance(sha256, str) and len(sha256) == 64 and len(paths) == 1 else None,
            about=about,
        )


def _paths(value: Mapping[str, Tree]) -> list[str]:
    path, several = value.get("path"), value.get("filenames")
    if isinstance(several, list):
        return [each for each in several[:_MOST_FILES] if isinstance(each, str)]
    return [path] if isinstance(path, str) and path else []


def _text(value: Tree) -> str | None:
    return value if isinstance(value, str) else None


def location(path: str, files: Path | None) -> str:
    """Where a file of the run lies; the text itself where that would be outside of the run's folder."""
    parts = path.replace("\\", "/").split("/")
    if files is None or not parts[0] or ".." in parts or ":" in path or "\0" in path:
        return path
    return os.path.join(files, *parts)  # noqa: PTH118 — of thousands of files, ten times as fast
