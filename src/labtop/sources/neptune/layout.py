"""Names in an export of `neptune-exporter`, and which files make up a run.

`data/<project>/<run>_part_<n>.parquet`, where both names end in 16 digits of their hash. A part is written as
`….parquet.tmp`; all are renamed when the run is complete, `part_0` last. `files/<project>/` holds what was downloaded,
`model_data/<project>/{models,model_versions}/` the registry, in the same form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PART = re.compile(r"(?P<run>.+)_part_(?P<part>[0-9]{1,9})\.parquet(?P<open>\.tmp)?")
_HASHED = re.compile(r".*-[0-9a-f]{16}")
SCOPES = ("models", "model_versions")
"""Folders of a project's part of the registry: what they hold are no runs."""
COLUMNS = frozenset({"project_id", "run_id", "attribute_path", "attribute_type", "step", "float_value"})
"""Columns that every table of an export has."""


@dataclass(slots=True)
class Parts:
    """The files of one run by number of the part, and those that are still being written."""

    run: str
    finished: dict[int, Path] = field(default_factory=dict)
    unfinished: list[Path] = field(default_factory=list)

    def paths(self) -> list[Path]:
        """The readable parts in their order."""
        return [self.finished[number] for number in sorted(self.finished)]

    def problems(self) -> list[str]:
        """What is missing."""
        found = []
        if 0 not in self.finished:
            found.append("the export of this run is not finished: there is no part 0")
        numbers = set(self.finished) | {0}
        missing = [str(each) for each in range(1, max(numbers)) if each not in numbers][:20]
        if missing:
            found.append(f"parts are missing: {', '.join(missing)}")
        return found

    def title(self) -> str:
        """The run's id as far as the file name tells it."""
        return self.run[:-17] if _HASHED.fullmatch(self.run) else self.run


def is_part(name: str) -> bool:
    """Whether a file is a part of a run by its name."""
    found = _PART.fullmatch(name)
    return found is not None and _HASHED.fullmatch(found["run"]) is not None


def parts_of(folder: Path, names: Iterable[str]) -> Mapping[str, Parts]:
    """The runs that files belong to, by the part of the name that all of a run have in common."""
    runs: dict[str, Parts] = {}
    for name in names:
        found = _PART.fullmatch(name)
        if found is None:
            continue
        parts = runs.setdefault(found["run"], Parts(found["run"]))
        if found["open"]:
            parts.unfinished.append(folder / name)
        else:
            parts.finished[int(found["part"])] = folder / name
    return runs


def files_folder(project: Path) -> Path | None:
    """Where files of a project were downloaded to, when that is beside its data as it is by default."""
    folder = project.parent.parent / "files" / project.name
    return folder if folder.is_dir() else None


def versions_folder(project: Path) -> Path | None:
    """Where the versions of the models of a project were exported to, when that is beside its data."""
    folder = project.parent.parent / "model_data" / project.name / SCOPES[1]
    return folder if folder.is_dir() else None
